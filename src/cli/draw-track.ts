/** Draws a track so that it can be read: points in their own colours, with names, confidence and where they came from. */
import { drawLandmarks } from '../draw/draw-landmarks.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';
import type { Landmark, TrackedObject, TrackResult } from '../pipeline/result.ts';
import { createSvgCanvas, type SvgCanvas } from './svg-canvas.ts';

/** What is drawn, and how. */
export type TrackDrawing = Size & {
  connections: readonly IndexPair[];
  /** Whether the landmark set has a calibration: without it confidences say little, and the drawing says so. */
  calibrated: boolean;
  /** What is written beside points. */ labels: 'all' | 'names' | 'none';
  /** Frames that trails go back. */ trails: number;
  /** What colours tell: which point it is, or how sure it is. */ colors: 'points' | 'confidence';
};

/** Of more landmarks names cover the picture, and colours cannot be told apart. */
export const fewLandmarks = 24;

/** Colours far from each other, however many there are. */
const colorOf = (point: number): string => `hsl(${Math.round((point * 137.5) % 360)} 95% 60%)`;

/** Draws frame after frame; it remembers where points were. @returns the drawing over a frame, an SVG document */
export type TrackPainter = (result: TrackResult) => string;

const isDrawn = ({ status }: TrackResult | TrackedObject): boolean => status === 'tracking';

/** @param places (frames) the last one is now; undefined where the point was not seen */
const drawTrail = (
  { context }: SvgCanvas,
  places: readonly (Point | undefined)[],
  color: string,
  unit: number,
): void => {
  context.strokeStyle = color;
  context.lineWidth = 0.9 * unit;
  for (let age = 1; age < places.length; age++) {
    const [from, to] = [places.at(-age - 1), places.at(-age)];
    if (from === undefined || to === undefined) continue;
    context.globalAlpha = 0.75 * (1 - age / places.length);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
};

const drawPoint = (
  { context }: SvgCanvas,
  { x, y, visible }: Landmark,
  color: string,
  radius: number,
): void => {
  const dot = (size: number, fill: string): void => {
    context.fillStyle = fill;
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fill();
  };
  context.globalAlpha = visible ? 1 : 0.35;
  dot(1.35 * radius, 'black');
  dot(radius, color);
};

const textOf = ({ name, confidence }: Landmark, labels: TrackDrawing['labels']): string =>
  labels === 'all' ? `${name} ${confidence.toFixed(2)}` : name;

/** @param drawing sizes are pixels of the frames that are drawn on */
export const createTrackPainter = (drawing: TrackDrawing): TrackPainter => {
  const { width, height, labels, trails, colors, connections, calibrated } = drawing;
  /** About one pixel of a picture of 480. */
  const unit = Math.max(1, Math.min(width, height) / 480);
  const radius = 3 * unit;
  /** Of each object, by its id, the places of its points in the last frames, the oldest first. */
  let paths = new Map<number, (readonly (Point | undefined)[])[]>();

  const remember = ({ objects }: TrackResult): void => {
    const next: typeof paths = new Map();
    for (const object of objects) {
      const known = paths.get(object.id) ?? [];
      const places = isDrawn(object)
        ? object.landmarks.map(({ x, y, visible }) => (visible ? { x, y } : undefined))
        : [];
      next.set(object.id, [...known, places].slice(-trails - 1));
    }
    paths = next;
  };

  const drawObject = (canvas: SvgCanvas, { id, landmarks, status }: TrackedObject): void => {
    const path = paths.get(id) ?? [];
    const isSure = status === 'tracking';
    landmarks.forEach((landmark, n) => {
      const color = colorOf(n);
      if (isSure)
        drawTrail(
          canvas,
          path.map((places) => places[n]),
          color,
          unit,
        );
      drawPoint(canvas, isSure ? landmark : { ...landmark, visible: false }, color, radius);
    });
    if (labels === 'none' || !isSure) return;
    for (const landmark of landmarks) {
      if (!landmark.visible) continue;
      const at = { x: landmark.x + 1.8 * radius, y: landmark.y - 1.2 * radius };
      canvas.text(textOf(landmark, labels), at, 11 * unit);
    }
  };

  return (result) => {
    const canvas = createSvgCanvas(width, height);
    remember(result);
    const byPoint = colors === 'points';
    drawLandmarks(canvas.context, result, { connections, roi: true, points: !byPoint });
    if (byPoint) for (const object of result.objects) drawObject(canvas, object);
    const state = result.status === 'tracking' ? '' : result.status;
    const notes = [state, calibrated || labels === 'none' ? '' : 'confidence not calibrated'];
    const text = notes.filter((note) => note !== '').join(' · ');
    if (text !== '') canvas.text(text, { x: 8 * unit, y: height - 8 * unit }, 12 * unit);
    return canvas.toSvg();
  };
};

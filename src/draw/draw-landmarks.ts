import { InputError } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { cropToImage, type Roi } from '../geometry/roi.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';
import { rejectUnknownKeys } from '../options.ts';

/** What is drawn of a landmark. */
type DrawableLandmark = {
  /** Share of the picture's width and height. */ normalized: Point;
  confidence: number;
  visible: boolean;
  /** Before smoothing, image pixels. */ raw: Point;
};

/** A `TrackResult`, or anything like it. */
export type DrawableResult = {
  /** The picture that it was measured on, as `withFrame` gives it: drawn below, unless it is closed. */
  frame?: VideoFrame;
  /** Lines between landmarks, by index. */ connections?: readonly IndexPair[];
} & (
  | { status: 'searching' }
  | {
      status: 'tracking' | 'doubtful';
      /** Size of the frame, pixels. */ width: number;
      height: number;
      roi: Roi;
      landmarks: readonly DrawableLandmark[];
      /** Given: all of these are drawn. */ objects?: readonly DrawableObject[];
    }
);

/** One object of a result. */
type DrawableObject = { roi: Roi; landmarks: readonly DrawableLandmark[] };

/** The part of a 2D canvas context that is used. */
export type DrawingContext = Pick<
  CanvasRenderingContext2D,
  | 'save'
  | 'restore'
  | 'beginPath'
  | 'closePath'
  | 'moveTo'
  | 'lineTo'
  | 'arc'
  | 'fill'
  | 'stroke'
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'lineJoin'
  | 'globalAlpha'
> &
  // Needed for results that carry their frame only.
  Partial<Pick<CanvasRenderingContext2D, 'drawImage'>> & { canvas: { width: number; height: number } };

/** What {@link drawLandmarks} draws, and how. */
export type DrawOptions = {
  /** Draw the frame that the result carries, over the whole canvas. Default true. */ frame?: boolean;
  /** Lines between landmarks, by index; false draws none. Default: the result's own. */
  connections?: readonly IndexPair[] | false;
  /** Draw the points. Default true. */ points?: boolean;
  /** Draw the square that the network saw. Default false. */ roi?: boolean;
  /** Draw where the points were before smoothing. Default false. */ raw?: boolean;
  /** Draw points that are not visible, faintly. Default false. */ hidden?: boolean;
  /** Any CSS colour; without it the colour tells the confidence, red to green. */ color?: string;
  /** Radius of a point, canvas pixels. Default 0.5 % of the canvas's shorter side, at least 1.5. */ radius?: number;
};

const known = [
  'frame',
  'connections',
  'points',
  'roi',
  'raw',
  'hidden',
  'color',
  'radius',
] as const satisfies (keyof DrawOptions)[];

/** Red at 0, yellow at 0.5, green at 1. */
export const confidenceColor = (confidence: number): string =>
  `hsl(${Math.round(120 * Math.min(Math.max(confidence, 0), 1))} 95% 55%)`;

/**
 * Draws the landmarks of all objects over a canvas of any size that shows the whole frame; those of a doubtful one where
 * they were last. A result that carries its frame (`withFrame`) has it drawn first, so that points and picture always
 * belong together; else nothing is drawn while searching, and nothing is cleared.
 * @throws InputError for an option that does not exist, and for a line to a landmark that does not exist
 */
export const drawLandmarks = (
  context: DrawingContext,
  result: DrawableResult,
  options: DrawOptions = {},
): void => {
  rejectUnknownKeys(options, known, 'drawLandmarks()');
  // A closed frame has no pixels left.
  if (result.frame !== undefined && result.frame.codedWidth > 0 && options.frame !== false) {
    context.drawImage?.(result.frame, 0, 0, context.canvas.width, context.canvas.height);
  }
  if (result.status === 'searching') return;
  const connections = options.connections === false ? [] : (options.connections ?? result.connections ?? []);
  for (const object of result.objects ?? [result])
    drawObject(context, object, result, { ...options, connections });
};

const drawObject = (
  context: DrawingContext,
  { roi, landmarks }: DrawableObject,
  frame: Size,
  options: DrawOptions & { connections: readonly IndexPair[] },
): void => {
  const { width, height } = context.canvas;
  const radius = options.radius ?? Math.max(1.5, 0.005 * Math.min(width, height));
  const scale = { x: width / frame.width, y: height / frame.height };
  const onCanvas = ({ x, y }: Point): Point => ({ x: x * scale.x, y: y * scale.y });
  const isShown = ({ visible }: DrawableLandmark): boolean => visible || options.hidden === true;

  context.save();
  context.lineJoin = 'round';
  if (options.roi === true) drawRoi(context, roi, onCanvas, radius);
  context.lineWidth = 0.8 * radius;
  for (const [from, to] of options.connections) {
    const [a, b] = [landmarks[from], landmarks[to]] as (DrawableLandmark | undefined)[];
    if (a === undefined || b === undefined) {
      throw new InputError(
        `drawLandmarks: connections has a line from ${from} to ${to}, but there are ${landmarks.length} landmarks. Pass indices of landmarks.`,
      );
    }
    if (!isShown(a) || !isShown(b)) continue;
    context.strokeStyle = options.color ?? confidenceColor(Math.min(a.confidence, b.confidence));
    context.globalAlpha = a.visible && b.visible ? 0.7 : 0.25;
    context.beginPath();
    context.moveTo(a.normalized.x * width, a.normalized.y * height);
    context.lineTo(b.normalized.x * width, b.normalized.y * height);
    context.stroke();
  }
  for (const landmark of landmarks) {
    if (!isShown(landmark)) continue;
    context.fillStyle = options.color ?? confidenceColor(landmark.confidence);
    if (options.raw === true) {
      const raw = onCanvas(landmark.raw);
      context.globalAlpha = 0.5;
      drawDot(context, raw, 0.7 * radius);
    }
    if (options.points === false) continue;
    context.globalAlpha = landmark.visible ? 1 : 0.35;
    drawDot(context, { x: landmark.normalized.x * width, y: landmark.normalized.y * height }, radius);
  }
  context.restore();
};

const drawDot = (context: DrawingContext, { x, y }: Point, radius: number): void => {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
};

const drawRoi = (
  context: DrawingContext,
  roi: Roi,
  onCanvas: (point: Point) => Point,
  lineWidth: number,
): void => {
  context.strokeStyle = 'white';
  context.lineWidth = 0.6 * lineWidth;
  context.globalAlpha = 0.8;
  context.beginPath();
  [
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 1, y: 1 },
    { x: 0, y: 1 },
  ].forEach((corner, index) => {
    const { x, y } = onCanvas(cropToImage(corner, roi, 1));
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  context.closePath();
  context.stroke();
};

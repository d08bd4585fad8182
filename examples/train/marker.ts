import type { LandmarkMarks, Point } from 'dve-sdk/train';
import { isVideo } from './file-list.ts';
import { page } from './page.ts';

/** Fewer points do not tell where the object is. */
export const leastPoints = 3;

/** One picture, or one moment of a video, on which points are marked. */
type Shown = { bitmap: ImageBitmap; points: Point[] };

export type Marker = {
  /** Shows the first of these files. */ open(files: readonly File[]): Promise<void>;
  /** Undefined where there are too few points. */ marks(): LandmarkMarks | undefined;
};

const radius = 9;

const loadVideo = async (file: File): Promise<HTMLVideoElement> => {
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  video.src = URL.createObjectURL(file);
  await new Promise((resolve, reject) => {
    video.addEventListener('loadeddata', resolve, { once: true });
    video.addEventListener('error', reject, { once: true });
  });
  return video;
};

const seek = async (video: HTMLVideoElement, share: number): Promise<ImageBitmap> => {
  const sought = new Promise((resolve) => {
    video.addEventListener('seeked', resolve, { once: true });
  });
  video.currentTime = Math.min(0.999, share) * video.duration;
  await sought;
  return createImageBitmap(video);
};

/** @param onChange told when points come or go */
export const createMarker = (onChange: () => void): Marker => {
  let files: readonly File[] = [];
  let index = 0;
  let video: HTMLVideoElement | undefined;
  let shown: Shown | undefined;
  /** Counts loads: one that was overtaken by another must not go on. */
  let generation = 0;

  const draw = (): void => {
    const context = page.marker.getContext('2d');
    if (context === null || shown === undefined) return;
    const { bitmap, points } = shown;
    page.marker.width = bitmap.width;
    page.marker.height = bitmap.height;
    context.drawImage(bitmap, 0, 0);
    // Points are drawn in pixels of the screen, whatever the picture's size.
    const unit = bitmap.width / Math.max(1, page.marker.clientWidth);
    context.font = `600 ${12 * unit}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    points.forEach(({ x, y }, i) => {
      context.beginPath();
      context.arc(x, y, radius * unit, 0, 7);
      context.fillStyle = '#2dd4bf';
      context.fill();
      context.lineWidth = 2 * unit;
      context.strokeStyle = '#04211d';
      context.stroke();
      context.fillStyle = '#04211d';
      context.fillText(String(i + 1), x, y + 0.5 * unit);
    });
    const { length } = points;
    page.markingNote.textContent =
      length < leastPoints
        ? `Click ${leastPoints} points or more that are easy to tell apart, such as corners, tips and eyes. ${length === 0 ? '' : `${leastPoints - length} to go.`}`
        : `${length} points. Click a point again to take it away.`;
    page.markerUndo.disabled = page.markerClear.disabled = length === 0;
    onChange();
  };

  const show = (bitmap: ImageBitmap): void => {
    shown?.bitmap.close();
    shown = { bitmap, points: [] };
    draw();
  };

  const load = async (next: number): Promise<void> => {
    const mine = ++generation;
    index = (next + files.length) % files.length;
    const file = files[index];
    page.markerPrevious.disabled = page.markerNext.disabled = files.length < 2;
    page.markerTimeLabel.hidden = !isVideo(file);
    if (video !== undefined) URL.revokeObjectURL(video.src);
    video = undefined;
    try {
      if (isVideo(file)) {
        const opened = await loadVideo(file);
        if (mine !== generation) return;
        video = opened;
        show(await seek(opened, Number(page.markerTime.value)));
      } else {
        const bitmap = await createImageBitmap(file);
        if (mine === generation) show(bitmap);
      }
    } catch {
      page.markingNote.textContent = `${file.name} cannot be shown. Choose another one.`;
    }
  };

  page.marker.addEventListener('click', (event) => {
    if (shown === undefined) return;
    const unit = shown.bitmap.width / page.marker.clientWidth;
    const point = { x: event.offsetX * unit, y: event.offsetY * unit };
    const hit = shown.points.findIndex(({ x, y }) => Math.hypot(x - point.x, y - point.y) < radius * unit);
    if (hit < 0) shown.points.push(point);
    else shown.points.splice(hit, 1);
    draw();
  });
  page.markerUndo.addEventListener('click', () => {
    shown?.points.pop();
    draw();
  });
  page.markerClear.addEventListener('click', () => {
    shown?.points.splice(0);
    draw();
  });
  page.markerPrevious.addEventListener('click', () => void load(index - 1));
  page.markerNext.addEventListener('click', () => void load(index + 1));
  page.markerTime.addEventListener('change', () => {
    if (video !== undefined) void seek(video, Number(page.markerTime.value)).then(show);
  });
  new ResizeObserver(draw).observe(page.marker);

  return {
    open: async (given) => {
      files = given;
      await load(0);
    },
    marks: () => {
      if (shown === undefined || shown.points.length < leastPoints) return undefined;
      const { bitmap, points } = shown;
      return { pictures: [{ picture: bitmap, points: [...points] }] };
    },
  };
};

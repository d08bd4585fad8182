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
  /** Pictures that were left with points on them. */
  let kept: Shown[] = [];
  /** Counts loads: one that was overtaken by another must not go on. */
  let generation = 0;

  /** How many points each picture has: as many as the first one. */
  const wanted = (): number => kept.at(0)?.points.length ?? leastPoints;

  const noteOf = (count: number): string => {
    if (kept.length > 0) {
      const before = `${kept.length} ${kept.length === 1 ? 'picture' : 'pictures'} with ${wanted()} points.`;
      if (count === 0) return `${before} The same points in the same order on this one make it better.`;
      if (count === wanted()) return `${before} This one has them, too.`;
      return `${before} This one has ${count}: mark the same ${wanted()}, in the same order.`;
    }
    if (count >= leastPoints) {
      return `${count} points. Click a point again to take it away. The same points on other pictures, or at another moment, make it better.`;
    }
    const left = count === 0 ? '' : `${leastPoints - count} to go.`;
    return `Click ${leastPoints} points or more that are easy to tell apart, such as corners, tips and eyes. ${left}`;
  };

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
    page.markingNote.textContent = noteOf(points.length);
    page.markerUndo.disabled = points.length === 0;
    page.markerClear.disabled = points.length === 0 && kept.length === 0;
    onChange();
  };

  const show = (bitmap: ImageBitmap): void => {
    // A picture with all points is kept; one that was left halfway is not.
    if (shown !== undefined && shown.points.length >= leastPoints && shown.points.length >= wanted()) {
      kept.push(shown);
    } else shown?.bitmap.close();
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
    if (shown?.points.length === 0) kept = [];
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
      [kept, shown] = [[], undefined];
      await load(0);
    },
    marks: () => {
      const marked = [...kept, ...(shown !== undefined && shown.points.length > 0 ? [shown] : [])];
      const count = marked.at(0)?.points.length ?? 0;
      if (count < leastPoints || marked.some(({ points }) => points.length !== count)) return undefined;
      const names = page.markerNames.value.split(',').map((name) => name.trim());
      const areNames = new Set(names).size === count && names.length === count && !names.includes('');
      return {
        pictures: marked.map(({ bitmap, points }) => ({ picture: bitmap, points: [...points] })),
        ...(areNames ? { names } : {}),
      };
    },
  };
};

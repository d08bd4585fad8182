/** A picture, and a button for each point on it: dragged, moved by arrow keys, named for screen readers. */
import type { Point } from 'dve-sdk';

/** A point as it is shown. */
export type SurfacePoint = Point & {
  /** What is written on it. */ label: string;
  /** For screen readers. */ name: string;
  /** Any CSS colour. */ color?: string;
};

/** What is shown. */
export type SurfaceView = {
  picture: ImageBitmap;
  /** Pixels of the picture; null is not shown. */ points: readonly (SurfacePoint | null)[];
  /** Points by index. */ lines?: readonly (readonly [number, number])[];
  selected?: number | undefined;
};

export type SurfaceEvents = {
  /** A place that was clicked, pixels of the picture. */ onPlace: (place: Point) => void;
  onSelect: (point: number) => void;
  /** A point's new place, whenever it has come to rest. */ onMove: (point: number, place: Point) => void;
  onDelete: (point: number) => void;
  /** Any other key on a point. */ onKey?: (key: string, point: number) => void;
};

export type PointSurface = {
  /** undefined shows nothing. */ show: (view: SurfaceView | undefined) => void;
  focus: (point: number) => void;
};

/** Pixels of the screen that a press may stray and still be a click. */
const steady = 4;
const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Where an event is in a canvas, pixels of what it shows. */
export const placeOn = (canvas: HTMLCanvasElement, { clientX, clientY }: MouseEvent): Point => {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return {
    x: Math.min(canvas.width, Math.max(0, ((clientX - left) / width) * canvas.width)),
    y: Math.min(canvas.height, Math.max(0, ((clientY - top) / height) * canvas.height)),
  };
};

const drawLines = (
  context: CanvasRenderingContext2D,
  { picture, points, lines = [] }: SurfaceView,
  moved?: { point: number; to: Point },
): void => {
  context.strokeStyle = '#2dd4bf';
  context.lineWidth = Math.max(1.5, 0.005 * picture.width);
  const at = (point: number): Point | null => (moved?.point === point ? moved.to : points[point]);
  for (const [from, to] of lines) {
    const [start, end] = [at(from), at(to)];
    if (start === null || end === null) continue;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
    context.stroke();
  }
};

/**
 * @param canvas shows the picture
 * @param layer lies over it, as large, and holds the buttons
 */
export const createPointSurface = (
  canvas: HTMLCanvasElement,
  layer: HTMLElement,
  events: SurfaceEvents,
): PointSurface => {
  let shown: SurfaceView | undefined;

  const place = (element: HTMLElement, { x, y }: Point): void => {
    const { width = 1, height = 1 } = shown?.picture ?? {};
    element.style.left = `${(100 * x) / width}%`;
    element.style.top = `${(100 * y) / height}%`;
  };

  const draw = (moved?: { point: number; to: Point }): void => {
    const context = canvas.getContext('2d');
    if (shown === undefined || context === null) return;
    const { picture } = shown;
    canvas.width = picture.width;
    canvas.height = picture.height;
    context.drawImage(picture, 0, 0);
    drawLines(context, shown, moved);
  };

  const inside = ({ x, y }: Point): Point => {
    const { width = 1, height = 1 } = shown?.picture ?? {};
    return { x: Math.min(width, Math.max(0, x)), y: Math.min(height, Math.max(0, y)) };
  };

  const drag = (element: HTMLButtonElement, point: number, start: PointerEvent): void => {
    let to: Point | undefined;
    element.setPointerCapture(start.pointerId);
    const onMove = (event: PointerEvent): void => {
      const isSteady = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < steady;
      if (shown === undefined || (to === undefined && isSteady)) return;
      to = placeOn(canvas, event);
      place(element, to);
      draw({ point, to });
    };
    const onEnd = (event: PointerEvent): void => {
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onEnd);
      element.removeEventListener('pointercancel', onEnd);
      if (to !== undefined) events.onMove(point, to);
      else if (event.type === 'pointerup') events.onSelect(point);
    };
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onEnd);
    element.addEventListener('pointercancel', onEnd);
  };

  const onKey = (event: KeyboardEvent, point: number): void => {
    const step = steps[event.key] as readonly [number, number] | undefined;
    const at = shown?.points[point];
    if (step !== undefined && at) {
      event.preventDefault();
      const far = event.shiftKey ? 10 : 1;
      events.onMove(point, inside({ x: at.x + far * step[0], y: at.y + far * step[1] }));
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      events.onDelete(point);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      events.onSelect(point);
    } else if (!event.ctrlKey && !event.metaKey) events.onKey?.(event.key.toLowerCase(), point);
  };

  const createButton = (point: number): HTMLButtonElement => {
    const element = document.createElement('button');
    element.type = 'button';
    element.append(document.createElement('span'));
    element.addEventListener('pointerdown', (event) => {
      if (event.button === 0) drag(element, point, event);
    });
    element.addEventListener('keydown', (event) => {
      onKey(event, point);
    });
    // What assistive technology presses, without a pointer.
    element.addEventListener('click', (event) => {
      if (event.detail === 0) events.onSelect(point);
    });
    return element;
  };

  canvas.addEventListener('click', (event) => {
    if (shown !== undefined) events.onPlace(placeOn(canvas, event));
  });

  return {
    focus: (point) => {
      const element = layer.children.item(point);
      if (element instanceof HTMLElement) element.focus();
    },
    show: (view) => {
      shown = view;
      canvas.hidden = view === undefined;
      const points = view?.points ?? [];
      // Buttons are kept: the one that is focused stays so.
      while (layer.children.length > points.length) layer.lastElementChild?.remove();
      while (layer.children.length < points.length) layer.append(createButton(layer.children.length));
      points.forEach((point, index) => {
        const element = layer.children[index] as HTMLButtonElement;
        element.hidden = point === null;
        if (point === null) return;
        place(element, point);
        element.setAttribute('aria-label', point.name);
        element.setAttribute('aria-pressed', String(index === view?.selected));
        const dot = element.firstElementChild as HTMLElement;
        dot.textContent = point.label;
        dot.style.background = point.color ?? '';
      });
      draw();
    },
  };
};

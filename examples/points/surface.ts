/** The reference picture, and a button for each point on it: dragged, moved by arrow keys, named for screen readers. */
import type { Point } from 'dve-sdk';
import { movePoint, type Marks } from './marks.ts';
import { page, placeOn } from './page.ts';

export type SurfaceEvents = {
  /** A place that was clicked, pixels of the picture. */ onPlace: (place: Point) => void;
  onSelect: (point: number) => void;
  /** The marks with one point elsewhere, whenever it has come to rest. */ onMove: (marks: Marks) => void;
  onDelete: (point: number) => void;
  onConnect: (point: number) => void;
};

export type Surface = {
  /** @param picture which of the marks' pictures */
  show(marks: Marks, picture: number, selected: number | undefined): void;
  focus(point: number): void;
};

/** Pixels of the screen that a press may stray and still be a click. */
const steady = 4;
const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const createSurface = (events: SurfaceEvents): Surface => {
  let shown: { marks: Marks; picture: number } | undefined;

  const bitmap = (): ImageBitmap | undefined => shown?.marks.pictures.at(shown.picture)?.bitmap;

  const place = (element: HTMLElement, { x, y }: Point): void => {
    const { width = 1, height = 1 } = bitmap() ?? {};
    element.style.left = `${(100 * x) / width}%`;
    element.style.top = `${(100 * y) / height}%`;
  };

  const drawPicture = (moved?: Marks): void => {
    const picture = bitmap();
    const context = page.picture.getContext('2d');
    if (picture === undefined || context === null || shown === undefined) return;
    page.picture.width = picture.width;
    page.picture.height = picture.height;
    context.drawImage(picture, 0, 0);
    context.strokeStyle = '#2dd4bf';
    context.lineWidth = Math.max(1.5, 0.005 * picture.width);
    const { points } = (moved ?? shown.marks).pictures[shown.picture];
    for (const [from, to] of shown.marks.connections) {
      context.beginPath();
      context.moveTo(points[from].x, points[from].y);
      context.lineTo(points[to].x, points[to].y);
      context.stroke();
    }
  };

  const inside = ({ x, y }: Point): Point => {
    const { width = 1, height = 1 } = bitmap() ?? {};
    return { x: Math.min(width, Math.max(0, x)), y: Math.min(height, Math.max(0, y)) };
  };

  const drag = (element: HTMLButtonElement, point: number, start: PointerEvent): void => {
    let moved: Marks | undefined;
    element.setPointerCapture(start.pointerId);
    const onMove = (event: PointerEvent): void => {
      const isSteady = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < steady;
      if (shown === undefined || (moved === undefined && isSteady)) return;
      const to = placeOn(page.picture, event);
      moved = movePoint(shown.marks, shown.picture, point, to);
      place(element, to);
      drawPicture(moved);
    };
    const onEnd = (event: PointerEvent): void => {
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onEnd);
      element.removeEventListener('pointercancel', onEnd);
      if (moved !== undefined) events.onMove(moved);
      else if (event.type === 'pointerup') events.onSelect(point);
    };
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onEnd);
    element.addEventListener('pointercancel', onEnd);
  };

  const onKey = (event: KeyboardEvent, point: number): void => {
    const step = steps[event.key] as readonly [number, number] | undefined;
    if (step !== undefined && shown !== undefined) {
      event.preventDefault();
      const { x, y } = shown.marks.pictures[shown.picture].points[point];
      const far = event.shiftKey ? 10 : 1;
      const to = inside({ x: x + far * step[0], y: y + far * step[1] });
      events.onMove(movePoint(shown.marks, shown.picture, point, to));
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      events.onDelete(point);
    } else if (event.key.toLowerCase() === 'c' && !event.ctrlKey && !event.metaKey) {
      events.onConnect(point);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      events.onSelect(point);
    }
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

  page.picture.addEventListener('click', (event) => {
    if (shown !== undefined) events.onPlace(placeOn(page.picture, event));
  });

  return {
    focus: (point) => {
      const element = page.points.children.item(point);
      if (element instanceof HTMLElement) element.focus();
    },
    show: (marks, picture, selected) => {
      const current = marks.pictures.at(picture);
      shown = current === undefined ? undefined : { marks, picture };
      page.pictureEmpty.hidden = current !== undefined;
      page.picture.hidden = current === undefined;
      const points = current?.points ?? [];
      // Buttons are kept: the one that is focused stays so.
      while (page.points.children.length > points.length) page.points.lastElementChild?.remove();
      while (page.points.children.length < points.length)
        page.points.append(createButton(page.points.children.length));
      points.forEach((point, index) => {
        const element = page.points.children[index] as HTMLButtonElement;
        place(element, point);
        element.setAttribute('aria-label', `${marks.names[index]}, point ${index + 1} of ${points.length}`);
        element.setAttribute('aria-pressed', String(index === selected));
        (element.firstElementChild as HTMLElement).textContent = String(index + 1);
      });
      drawPicture();
    },
  };
};

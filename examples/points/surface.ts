/** The reference picture with its points. */
import type { Point } from 'dve-sdk';
import { createPointSurface } from '../shared/point-surface.ts';
import { movePoint, type Marks } from './marks.ts';
import { page } from './page.ts';

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

export const createSurface = (events: SurfaceEvents): Surface => {
  let shown: { marks: Marks; picture: number } | undefined;
  const { onPlace, onSelect, onDelete } = events;
  const surface = createPointSurface(page.picture, page.points, {
    ...{ onPlace, onSelect, onDelete },
    onMove: (point, place) => {
      if (shown !== undefined) events.onMove(movePoint(shown.marks, shown.picture, point, place));
    },
    onKey: (key, point) => {
      if (key === 'c') events.onConnect(point);
    },
  });
  return {
    focus: surface.focus,
    show: (marks, picture, selected) => {
      const current = marks.pictures.at(picture);
      shown = current === undefined ? undefined : { marks, picture };
      page.pictureEmpty.hidden = current !== undefined;
      surface.show(
        current && {
          picture: current.bitmap,
          points: current.points.map((point, index) => ({
            ...point,
            label: String(index + 1),
            name: `${marks.names[index]}, point ${index + 1} of ${current.points.length}`,
          })),
          lines: marks.connections,
          selected,
        },
      );
    },
  };
};

/** What somebody has marked: plain values that never change, so that undoing is going back to an older one. */
import type { IndexPair, LandmarkSet, Point } from 'dve-sdk';

/** A picture with all points marked on it. */
export type MarkedPicture = { bitmap: ImageBitmap; /** (N) pixels. */ points: readonly Point[] };

export type Marks = {
  /** N, one per point. */ names: readonly string[];
  connections: readonly IndexPair[];
  pictures: readonly MarkedPicture[];
  /** A set from a file, tracked as it is until a picture is marked. */ imported?: LandmarkSet;
};

export const noMarks: Marks = { names: [], connections: [], pictures: [] };

/** The first of `point 1`, `point 2` and so on that is free. */
export const freeName = (names: readonly string[]): string => {
  for (let number = names.length + 1; ; number++) {
    if (!names.includes(`point ${number}`)) return `point ${number}`;
  }
};

/** @param places of the new point, one per picture */
export const addPoint = (marks: Marks, places: readonly Point[]): Marks => ({
  names: [...marks.names, freeName(marks.names)],
  connections: marks.connections,
  pictures: marks.pictures.map(({ bitmap, points }, index) => ({
    bitmap,
    points: [...points, places[index]],
  })),
});

export const movePoint = (marks: Marks, picture: number, point: number, place: Point): Marks => ({
  ...marks,
  pictures: marks.pictures.map((one, index) =>
    index === picture ? { ...one, points: one.points.with(point, place) } : one,
  ),
});

export const deletePoint = ({ names, connections, pictures }: Marks, point: number): Marks => {
  const rest = names.filter((_, index) => index !== point);
  const moved = (index: number): number => (index > point ? index - 1 : index);
  return {
    names: rest,
    connections: connections
      .filter((pair) => !pair.includes(point))
      .map(([from, to]): IndexPair => [moved(from), moved(to)]),
    pictures: pictures.map(({ bitmap, points }) => ({
      bitmap,
      points: points.filter((_, index) => index !== point),
    })),
  };
};

/** @returns undefined for a name that is empty or another point's */
export const renamePoint = (marks: Marks, point: number, name: string): Marks | undefined => {
  const text = name.trim();
  if (text === '' || marks.names.some((other, index) => other === text && index !== point)) return undefined;
  return { ...marks, names: marks.names.with(point, text) };
};

/** Draws a line between two points, or takes it away. */
export const toggleConnection = (marks: Marks, from: number, to: number): Marks => {
  const isSame = ([a, b]: IndexPair): boolean => (a === from && b === to) || (a === to && b === from);
  const rest = marks.connections.filter((pair) => !isSame(pair));
  return { ...marks, connections: rest.length < marks.connections.length ? rest : [...rest, [from, to]] };
};

/** The first picture brings its points with it; later ones have the same. */
export const addPicture = (marks: Marks, picture: MarkedPicture): Marks => ({
  names: marks.names,
  connections: marks.connections,
  pictures: [...marks.pictures, picture],
});

/** Without its last picture nothing is marked. */
export const deletePicture = (marks: Marks, picture: number): Marks => {
  const pictures = marks.pictures.filter((_, index) => index !== picture);
  return pictures.length === 0 ? noMarks : { ...marks, pictures };
};

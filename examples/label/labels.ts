/** What somebody has labelled: plain values that never change, so that undoing is going back to an older one. */
import type { Point } from 'dve-sdk';
import type { PointsFile } from 'dve-sdk/pictures';

/** Which picture, or which frame of which video. */
export type Place = {
  /** File name. */ clip: string;
  /** Of a video, counted from 0; undefined of a picture. */ frame?: number;
};

/** Shares of the picture's size; null is hidden, undefined is not placed yet. */
export type Mark = Point | null | undefined;

export type LabelledFrame = Place & { /** (N) one per name. */ marks: readonly Mark[] };

export type Labels = {
  /** N, all different. */ names: readonly string[];
  /** (N) CSS colours. */ colors: readonly string[];
  frames: readonly LabelledFrame[];
  /** What a file says besides, kept for the next one. */ rest: Pick<
    PointsFile,
    'connections' | 'mirrorPairs' | 'unit'
  >;
};

export const noLabels: Labels = {
  names: [],
  colors: [],
  frames: [],
  rest: { connections: [], mirrorPairs: [] },
};

/** Colours far from each other, however many there are. */
const colorOf = (point: number): string => {
  const hue = (point * 137.5) % 360;
  // What <input type=color> takes: six digits.
  const part = (offset: number): string => {
    const k = (offset + hue / 30) % 12;
    const value = 0.58 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * Math.min(1, Math.max(0, value)))
      .toString(16)
      .padStart(2, '0');
  };
  return `#${part(0)}${part(8)}${part(4)}`;
};

export const isSame = (a: Place, b: Place): boolean => a.clip === b.clip && a.frame === b.frame;

/** What is marked in a frame. @returns (N) */
export const marksAt = ({ names, frames }: Labels, place: Place): readonly Mark[] =>
  frames.find((one) => isSame(one, place))?.marks ?? names.map(() => undefined);

/** With the marks of one frame; a frame without any is taken out. */
export const withMarks = (labels: Labels, place: Place, marks: readonly Mark[]): Labels => {
  const rest = labels.frames.filter((one) => !isSame(one, place));
  const isEmpty = marks.every((mark) => mark === undefined);
  const { clip, frame } = place;
  const here = { clip, ...(frame === undefined ? {} : { frame }), marks };
  const frames = isEmpty ? rest : [...rest, here];
  const order = (a: LabelledFrame, b: LabelledFrame): number =>
    a.clip === b.clip ? (a.frame ?? 0) - (b.frame ?? 0) : a.clip < b.clip ? -1 : 1;
  return { ...labels, frames: frames.sort(order) };
};

export const setMark = (labels: Labels, place: Place, point: number, mark: Mark): Labels =>
  withMarks(labels, place, marksAt(labels, place).with(point, mark));

/** One point more, placed nowhere. */
export const addPoint = (labels: Labels): Labels => {
  const { names, colors, frames } = labels;
  let number = names.length + 1;
  while (names.includes(`point ${number}`)) number++;
  return {
    ...labels,
    names: [...names, `point ${number}`],
    colors: [...colors, colorOf(names.length)],
    frames: frames.map((one) => ({ ...one, marks: [...one.marks, undefined] })),
  };
};

/** Takes a point out of every frame. */
export const deletePoint = (labels: Labels, point: number): Labels => {
  const others = <Item>(items: readonly Item[]): Item[] => items.filter((_, n) => n !== point);
  const moved = (pairs: PointsFile['connections']): PointsFile['connections'] =>
    pairs
      .filter((pair) => !pair.includes(point))
      .map(([a, b]) => [a > point ? a - 1 : a, b > point ? b - 1 : b]);
  const { names, colors, frames, rest } = labels;
  return {
    names: others(names),
    colors: others(colors),
    frames: frames
      .map((one) => ({ ...one, marks: others(one.marks) }))
      .filter(({ marks }) => marks.some((mark) => mark !== undefined)),
    rest: { connections: moved(rest.connections), mirrorPairs: moved(rest.mirrorPairs) },
  };
};

/** @returns undefined for a name that is empty or another point's */
export const renamePoint = (labels: Labels, point: number, name: string): Labels | undefined => {
  const text = name.trim();
  if (text === '' || labels.names.some((other, n) => other === text && n !== point)) return undefined;
  return { ...labels, names: labels.names.with(point, text) };
};

export const recolorPoint = (labels: Labels, point: number, color: string): Labels => ({
  ...labels,
  colors: labels.colors.with(point, color),
});

/** As the file that the project's commands read: what is not placed is hidden. */
export const toFile = ({ names, colors, frames, rest }: Labels): PointsFile => ({
  ...{ names, colors, ...rest, pixels: false },
  marks: frames.map(({ clip, frame, marks }) => ({
    ...(frame === undefined ? { picture: clip } : { video: clip, frame }),
    points: marks.map((mark) => mark ?? null),
  })),
});

/**
 * @param sizeOf a clip's frames, pixels: needed where the file holds pixels
 * @throws Error in plain words for a file in pixels of pictures that are not open
 */
export const fromFile = (
  file: PointsFile,
  sizeOf: (clip: string) => { width: number; height: number } | undefined,
): Labels => {
  const { names, colors, connections, mirrorPairs, unit, pixels, marks } = file;
  return {
    names,
    colors: colors ?? names.map((_, point) => colorOf(point)),
    frames: marks.map(({ picture, video, frame, points }): LabelledFrame => {
      const clip = video ?? picture;
      if (clip === undefined) throw new Error('The file does not say of which videos its frames are.');
      const size = pixels ? sizeOf(clip) : { width: 1, height: 1 };
      if (size === undefined) throw new Error(`The file holds pixels: open ${clip} first.`);
      return {
        ...{ clip, ...(video === undefined || frame === undefined ? {} : { frame }) },
        marks: points.map((point) => point && { x: point.x / size.width, y: point.y / size.height }),
      };
    }),
    rest: { connections, mirrorPairs, ...(unit === undefined ? {} : { unit }) },
  };
};

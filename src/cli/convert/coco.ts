/** COCO keypoints: one JSON file of images, annotations and a category with its keypoints. */
import { InputError } from '../../errors.ts';
import type { Point } from '../../geometry/coordinates.ts';
import type { IndexPair } from '../../landmarks/landmark-set.ts';
import { lastPart, type ConvertOptions, type KeypointRow, type Keypoints } from './keypoints.ts';

type Image = {
  id: number;
  file_name: string;
  width?: number;
  height?: number;
  video?: string;
  frame_id?: number;
};
type Annotation = { image_id: number; category_id?: number; keypoints: number[] };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isImage = (value: unknown): value is Image =>
  isRecord(value) && typeof value.id === 'number' && typeof value.file_name === 'string';

const isAnnotation = (value: unknown): value is Annotation =>
  isRecord(value) &&
  typeof value.image_id === 'number' &&
  Array.isArray(value.keypoints) &&
  value.keypoints.every((part) => typeof part === 'number');

/** The category with keypoints; of several the first one. */
const categoryOf = (path: string, categories: unknown) => {
  const found = (Array.isArray(categories) ? categories : []).find(
    (one: unknown) => isRecord(one) && Array.isArray(one.keypoints) && one.keypoints.length > 0,
  ) as { id?: number; keypoints: string[]; skeleton?: [number, number][] } | undefined;
  if (found === undefined) {
    throw new InputError(`${path} has no category with "keypoints". Give a file of COCO keypoints.`);
  }
  return found;
};

/** Visible points are those of v = 2; 1 is annotated but covered, 0 is not annotated. */
const pointsOf = ({ keypoints }: Annotation, count: number): (Point | null)[] =>
  Array.from({ length: count }, (_, n) =>
    keypoints[3 * n + 2] === 2 ? { x: keypoints[3 * n], y: keypoints[3 * n + 1] } : null,
  );

/** @throws InputError that names the file and what is wrong with it */
export const readCoco = (value: unknown, path: string, { onNote }: ConvertOptions): Keypoints => {
  if (!isRecord(value) || !Array.isArray(value.images) || !Array.isArray(value.annotations)) {
    throw new InputError(`${path} has no "images" and "annotations". Give a file of COCO keypoints.`);
  }
  const { id, keypoints: names, skeleton = [] } = categoryOf(path, value.categories);
  const images = value.images.filter(isImage);
  const annotations = value.annotations
    .filter(isAnnotation)
    .filter(({ category_id: category }) => category === undefined || id === undefined || category === id);
  const wrong = annotations.find(({ keypoints }) => keypoints.length !== 3 * names.length);
  if (wrong !== undefined) {
    throw new InputError(
      `${path} has an annotation of ${wrong.keypoints.length} numbers but ${names.length} keypoints, of 3 numbers each. Repair or remove it.`,
    );
  }
  let others = 0;
  const rows = images.flatMap((image): KeypointRow[] => {
    const own = annotations.filter(({ image_id: of }) => of === image.id);
    others += Math.max(0, own.length - 1);
    const points = own.slice(0, 1).map((annotation) => pointsOf(annotation, names.length));
    const { file_name: file, width, height, video, frame_id: frame } = image;
    const isFrame = video !== undefined && frame !== undefined;
    return points.map((ofImage) => ({
      ...(isFrame ? { video: lastPart(video), frame } : { picture: lastPart(file) }),
      ...(width === undefined || height === undefined ? {} : { size: { width, height } }),
      points: ofImage,
    }));
  });
  if (others > 0)
    onNote(`${others} annotations are of further objects in a picture, and left out: one is taken`);
  return {
    ...{ names, rows },
    // Counted from 1 in these files.
    connections: skeleton.map(([from, to]): IndexPair => [from - 1, to - 1]),
  };
};

/** @returns the file's content */
export const writeCoco = ({ names, connections, rows }: Keypoints): string => {
  const images = rows.map(({ picture, video, frame, size }, id) => ({
    ...{ id, file_name: picture ?? `${(video ?? 'frame').replace(/\.[^.]*$/, '')}-${frame}.png` },
    ...size,
    ...(video === undefined ? {} : { video }),
    ...(frame === undefined ? {} : { frame_id: frame }),
  }));
  const annotations = rows.map(({ points }, id) => {
    const seen = points.filter((point) => point !== null);
    const [xs, ys] = [seen.map(({ x }) => x), seen.map(({ y }) => y)];
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const bbox =
      seen.length === 0 ? [0, 0, 0, 0] : [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
    return {
      ...{ id, image_id: id, category_id: 1, iscrowd: 0, num_keypoints: seen.length },
      ...{ bbox, area: bbox[2] * bbox[3] },
      keypoints: points.flatMap((point) => (point === null ? [0, 0, 0] : [point.x, point.y, 2])),
    };
  });
  const skeleton = connections.map(([from, to]) => [from + 1, to + 1]);
  const categories = [{ id: 1, name: 'object', keypoints: names, skeleton }];
  return `${JSON.stringify({ images, annotations, categories })}\n`;
};

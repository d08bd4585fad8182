import { basename } from 'node:path';
import { correspondPictures, type PictureSide } from '../correspond/correspond-pictures.ts';
import type { Correspondence, MatchedPoint } from '../correspond/correspondence.ts';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { writeCorrespondOverlay } from './correspond-overlay.ts';
import { modelOptions, resultOptions, withModel, mutualOptions } from './model-options.ts';
import { printResult, round } from './output.ts';
import { readPointsFile } from './read-points.ts';
import { readRoi } from './read-roi.ts';
import { readOwnSet } from './track-input.ts';

export const summary = 'Find the places of one picture in another.';

const command = defineCommand({
  name: 'dve correspond',
  about:
    'Finds the object in two pictures and matches it place by place. With --points the file holds one entry [x, y,\nconfidence] per point, in pixels of B, or null of a hidden point; without it the field: for every cell of the square in A its place in B, its\nconfidence, and whether the way there and back came home.',
  positionals: [
    { name: 'A', describe: 'Picture whose places are sought.' },
    { name: 'B', describe: 'Picture to find them in.' },
  ],
  options: {
    ...modelOptions,
    points: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Points of A: its entry in a file as "dve landmarks" takes it.',
    },
    'roi-a': {
      type: 'string',
      placeholder: 'X,Y,SIZE[,DEGREES]',
      describe: 'Where the object is in A, pixels (default: the network finds it).',
    },
    'roi-b': { type: 'string', placeholder: 'X,Y,SIZE[,DEGREES]', describe: 'The same in B.' },
    pyramid: {
      type: 'string',
      placeholder: 'LIST',
      default: '1',
      describe: 'Resolutions at which B is looked at, for example 0.5,1,2.',
    },
    tolerance: {
      type: 'number',
      placeholder: 'SHARE',
      minimum: 0,
      describe: 'How far the way there and back may miss, sides of the square (default 0.02).',
    },
    ...mutualOptions,
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'JSON file to write.' },
    overlay: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'PNG to write: A, B, and B in the shape of A.',
    },
    ...resultOptions,
  },
});

const readPicture = async (path: string): Promise<PixelImage> => {
  const { rgb, width, height } = await decodePicture(path);
  return { data: rgb, width, height, channels: 3 };
};

/** The entry of the picture by its file name, or the only one; null is a hidden point. */
const readPoints = async (file: string, picture: string, size: Size): Promise<(Point | null)[]> => {
  const { pictures } = await readPointsFile(file);
  const entry =
    pictures.find(({ picture: name }) => name === basename(picture)) ??
    (pictures.length === 1 ? pictures[0] : undefined);
  if (entry === undefined) {
    throw new InputError(
      `${file} has points of ${pictures.length} pictures but none of ${basename(picture)}. Give a file with its points.`,
    );
  }
  return entry.points(size);
};

const readPyramid = (text: string): number[] => {
  const levels = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (levels.some((level) => !(level > 0) || !Number.isFinite(level))) {
    throw new UsageError(`--pyramid wants resolutions above 0, for example 0.5,1,2, not "${text}".`);
  }
  return levels;
};

/** One entry per point of A, null of a hidden one. @param found those of the others, in order */
const describePoints = (marked: readonly (Point | null)[], found: readonly MatchedPoint[]) => {
  let next = 0;
  return marked.map((point) => {
    if (point === null) return null;
    const { x, y, confidence } = found[next++];
    return [round(x, 3), round(y, 3), round(confidence, 4)];
  });
};

const describeField = ({ columns, rows, from, to, places, confidences, mutual }: Correspondence) => ({
  ...{ columns, rows, from, to },
  places: Array.from({ length: columns * rows }, (_, cell) => [
    round(places[2 * cell], 3),
    round(places[2 * cell + 1], 3),
  ]),
  confidences: Array.from(confidences, (value) => round(value, 4)),
  mutual: Array.from(mutual),
});

export const run = createRun(command, async ({ values, positionals: [pathA, pathB] }) => {
  const side = (image: PixelImage, text: string | undefined, option: string): PictureSide => ({
    image,
    ...(text === undefined ? {} : { roi: readRoi(text, option) }),
  });
  const pyramid = readPyramid(values.pyramid);
  const [imageA, imageB] = [await readPicture(pathA), await readPicture(pathB)];
  const a = side(imageA, values['roi-a'], 'roi-a');
  const b = side(imageB, values['roi-b'], 'roi-b');
  const marked = values.points === undefined ? [] : await readPoints(values.points, pathA, imageA);
  // What is hidden in A cannot be sought in B.
  const points = marked.filter((point) => point !== null);
  const set = await readOwnSet(values.model);
  const { field, points: found } = await withModel(values, (model) =>
    correspondPictures(model, set, a, b, {
      ...{ points, pyramid },
      ...(values.tolerance === undefined ? {} : { tolerance: values.tolerance }),
      ...(values.roughness === undefined ? {} : { roughness: values.roughness }),
    }),
  );
  const content =
    values.points === undefined ? { field: describeField(field) } : { points: describePoints(marked, found) };
  await writeFileAtomic(values.out, `${JSON.stringify(content)}\n`);
  if (values.overlay !== undefined) {
    await writeCorrespondOverlay(values.overlay, [imageA, imageB], field, points, found);
  }
  const home = field.mutual.reduce((sum, flag) => sum + flag, 0) / field.mutual.length;
  printResult(
    { points: points.length, cells: field.mutual.length, mutual: round(100 * home, 2), out: values.out },
    values.json,
  );
});

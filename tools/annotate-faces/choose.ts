/**
 * Chooses varied faces whose annotation can be trusted from what main.ts wrote: the pictures that a landmark set is made
 * from, in the same format.
 *
 *   npx tsx tools/annotate-faces/choose.ts --images DIR --points ALL.json --count 60 --out models/face/annotations.json
 */
import { join } from 'node:path';
import { defineCommand } from '../../src/cli/arguments.ts';
import { printNote } from '../../src/cli/output.ts';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { roiOfShape } from '../../src/pipeline/roi-of-shape.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { readJson } from '../../src/files-node/read-json.ts';
import { meanShapeOf } from '../../src/landmark-maker/mean-shape.ts';
import { fitSimilarity, applySimilarity, invertSimilarity } from '../../src/geometry/similarity.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { cropToTensor } from '../../src/pipeline/crop.ts';
import { runTool } from '../run-tool.ts';
import { showsApart } from './apart.ts';
import { chooseVaried } from './varied.ts';

const command = defineCommand({
  name: 'choose-faces',
  about: 'Chooses varied faces with trustworthy points.',
  options: {
    images: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of the pictures.' },
    points: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Annotations of annotate-faces.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'File to write.' },
    count: { type: 'integer', placeholder: 'N', default: 60, minimum: 2, describe: 'Pictures to choose.' },
    trusted: {
      type: 'number',
      placeholder: 'SHARE',
      default: 0.98,
      minimum: 0.01,
      describe: 'Share of the pictures, those whose looks agree best, that may be chosen.',
    },
  },
});

type Item = { image: string; spread: number; landmarks: [number, number][] };

const readItems = async (path: string): Promise<Item[]> => {
  const { items } = (await readJson(path, 'Annotate the pictures first.')) as { items?: Item[] };
  if (items === undefined || items.length < 2 || items.some(({ spread }) => typeof spread !== 'number')) {
    throw new InputError(`${path} is not what annotate-faces writes. Annotate the pictures first.`);
  }
  return items;
};

/** Side of the thumbnail whose pixels stand for how a face looks. */
const thumbnailSide = 8;

/**
 * What a face is like: where its points lie once place, size and direction are taken away, and a thumbnail of it.
 * @returns per item a row of numbers; shape and looks weigh the same over all items
 */
const describeFaces = async (folder: string, items: readonly Item[]): Promise<number[][]> => {
  const shapes = items.map(({ landmarks }) => landmarks.map(([x, y]): Point => ({ x, y })));
  const mean = meanShapeOf(shapes, 1.2);
  const rows: { shape: number[]; look: number[] }[] = [];
  for (const [index, { image }] of items.entries()) {
    const toImage = fitSimilarity(mean, shapes[index]);
    const back = invertSimilarity(toImage);
    const shape = shapes[index].flatMap((point) => {
      const { x, y } = applySimilarity(back, point);
      return [x, y];
    });
    const { rgb, width, height } = await decodePicture(join(folder, image));
    const roi = roiOfShape(toImage);
    const look = [...cropToTensor({ width, height, data: rgb, channels: 3 }, roi, thumbnailSide)];
    rows.push({ shape, look });
  }
  const shapeScale = 1 / deviation(rows.map(({ shape }) => shape));
  const lookScale = 1 / deviation(rows.map(({ look }) => look));
  return rows.map(({ shape, look }) => [
    ...shape.map((value) => value * shapeScale),
    ...look.map((value) => value * lookScale),
  ]);
};

/** RMS distance of the rows from their mean. */
const deviation = (rows: readonly number[][]): number => {
  let squared = 0;
  rows[0].forEach((_, column) => {
    const mean = rows.reduce((sum, row) => sum + row[column], 0) / rows.length;
    for (const row of rows) squared += (row[column] - mean) ** 2;
  });
  return Math.sqrt(squared / rows.length);
};

await runTool(command, async ({ values }) => {
  const { images, points, out, count, trusted } = values;
  const all = await readItems(points);
  const candidates = [...all]
    .sort((a, b) => a.spread - b.spread)
    .slice(0, Math.max(count, Math.ceil(trusted * all.length)));
  if (candidates.length < count) {
    throw new InputError(
      `${points} has ${all.length} pictures but ${count} are to be chosen. Ask for fewer.`,
    );
  }
  const rows = await describeFaces(images, candidates);
  const isApart = showsApart(candidates.map(({ landmarks }) => landmarks.map(([x, y]): Point => ({ x, y }))));
  const chooseWhere = (flag: boolean, wanted: number): Item[] => {
    const places = candidates.flatMap((_, index) => (isApart[index] === flag ? [index] : []));
    if (places.length <= wanted) return places.map((index) => candidates[index]);
    return chooseVaried(
      places.map((index) => rows[index]),
      wanted,
    ).map((place) => candidates[places[place]]);
  };
  // Half of them open their mouths, though few of all do: see showsApart.
  const open = chooseWhere(true, Math.round(count / 2));
  const chosen = [...open, ...chooseWhere(false, count - open.length)];
  chosen.sort((a, b) => (a.image < b.image ? -1 : 1));
  const lines = chosen.map(({ image, landmarks }) => JSON.stringify({ image, landmarks }));
  const note =
    'Points of a landmark set in iBUG order by MediaPipe FaceLandmarker, pixels of the picture, the centre of the top-left pixel is (0.5, 0.5). Made by tools/annotate-faces.';
  await writeFileAtomic(out, `{\n"note": ${JSON.stringify(note)},\n"items": [\n${lines.join(',\n')}\n]\n}\n`);
  printNote(
    `${chosen.length} of ${all.length} pictures chosen, ${open.length} of them with landmarks apart that mostly coincide`,
  );
});

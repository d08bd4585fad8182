/**
 * Cuts pictures for training out of pictures in which the object lies anywhere, in any size: the project's own localizer
 * finds it, and each picture that is kept has it where `batch.base` of a training's config expects it.
 *
 *   npx tsx tools/prepare-pictures/main.ts --model MODEL_DIR --images DIR --out DIR
 */
import { mkdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import sharp from 'sharp';
import { defineCommand } from '../../src/cli/arguments.ts';
import { createProgress, printNote, printResult } from '../../src/cli/output.ts';
import { withModel, modelOptions, resultOptions } from '../../src/cli/model-options.ts';
import { readLandmarkSet } from '../../src/cli/track-input.ts';
import { InputError } from '../../src/errors.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { listPictures } from '../../src/media-node/load-pictures.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { Localizer, type LocalizerOptions } from '../../src/pipeline/localizer.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { defaultBatchSettings } from '../../src/train/settings/batch-settings.ts';
import { runTool } from '../run-tool.ts';
import { canonicalSquare, shareInside, type Square } from './canonical-square.ts';

const command = defineCommand({
  name: 'prepare-pictures',
  about:
    'Finds the object of a model in every picture of a folder and writes square pictures with the object where\ntraining expects it. What it is not sure of is left out and counted.',
  options: {
    ...modelOptions,
    images: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of pictures.' },
    out: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder to write; made when missing.',
    },
    side: {
      type: 'integer',
      placeholder: 'N',
      default: 256,
      minimum: 32,
      describe: 'Side of the pictures, pixels.',
    },
    least: {
      type: 'integer',
      placeholder: 'N',
      default: 70,
      minimum: 1,
      describe: 'Side of the object’s square that a picture must have at least, pixels.',
    },
    inside: {
      type: 'number',
      placeholder: 'SHARE',
      default: 0.6,
      minimum: 0,
      describe: 'Share of that square that must lie inside the picture.',
    },
    steadiness: {
      type: 'number',
      placeholder: 'N',
      describe: 'How steady a find has to be, at most 1; default: as tracking asks.',
    },
    runs: {
      type: 'integer',
      placeholder: 'N',
      default: 150,
      minimum: 1,
      describe: 'Runs of the network for one picture at most.',
    },
    ...resultOptions,
  },
});

type Search = Omit<LocalizerOptions<PixelImage, Float32Array>, 'budget'>;

/** Runs of the network in one step of a search. */
const runsPerStep = 6;

const findObject = async (picture: RawPicture, search: Search, runs: number): Promise<Roi | undefined> => {
  const localizer = new Localizer<PixelImage, Float32Array>({ ...search, budget: runsPerStep });
  const image: PixelImage = { ...picture, data: picture.rgb, channels: 3 };
  for (let used = 0; used < runs; used += runsPerStep) {
    const roi = await localizer.step(image, picture);
    if (roi !== undefined) return roi;
  }
  return undefined;
};

/** Writes a square of a picture; what lies beyond its edge repeats the edge. */
const cutSquare = async (
  { rgb, width, height }: RawPicture,
  { left, top, side }: Square,
  outSide: number,
  path: string,
): Promise<void> => {
  const [x, y, size] = [Math.round(left), Math.round(top), Math.round(side)];
  const edges = {
    left: Math.max(0, -x),
    top: Math.max(0, -y),
    right: Math.max(0, x + size - width),
    bottom: Math.max(0, y + size - height),
  };
  const extended = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .extend({ ...edges, extendWith: 'copy' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  await sharp(extended.data, { raw: extended.info })
    .extract({ left: x + edges.left, top: y + edges.top, width: size, height: size })
    .resize(outSide, outSide)
    .jpeg({ quality: 94 })
    .toFile(path);
};

type Counts = {
  pictures: number;
  kept: number;
  notFound: number;
  tooSmall: number;
  cutOff: number;
  broken: number;
};

await runTool(command, async ({ values }) => {
  const { images, out, side, least, inside, steadiness, runs } = values;
  const names = await listPictures(images);
  if (names.length === 0) throw new InputError(`${images} holds no pictures. Give a folder with some.`);
  const landmarkSet = await readLandmarkSet(undefined, values.model);
  await mkdir(out, { recursive: true });
  const counts: Counts = { pictures: names.length, kept: 0, notFound: 0, tooSmall: 0, cutOff: 0, broken: 0 };
  const progress = createProgress('pictures');

  await withModel(values, async (session) => {
    const search: Search = {
      ...{ model: session, cropper: createPictureCropper<PixelImage>(), landmarkSet },
      ...(steadiness !== undefined && { steadiness }),
    };
    const prepare = async (name: string): Promise<keyof Counts> => {
      const picture = await decodePicture(join(images, name));
      const roi = await findObject(picture, search, runs);
      if (roi === undefined) return 'notFound';
      if (roi.size < least) return 'tooSmall';
      if (shareInside(roi, picture) < inside) return 'cutOff';
      const square = canonicalSquare(roi, defaultBatchSettings.base, picture);
      await cutSquare(picture, square, side, join(out, `${parse(name).name}.jpg`));
      return 'kept';
    };
    for (const [done, name] of names.entries()) {
      try {
        counts[await prepare(name)]++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        printNote(`skipped: ${error.message}`);
        counts.broken++;
      }
      progress(done + 1, names.length);
    }
  });
  if (counts.kept === 0) {
    throw new InputError(
      `The object of ${values.model} was found well enough in none of the ${names.length} pictures of ${images} (${counts.notFound} not found, ${counts.tooSmall} too small, ${counts.cutOff} cut off by the edge, ${counts.broken} broken). Give pictures of it.`,
    );
  }
  printNote(
    `${counts.kept} of ${names.length} pictures kept: ${counts.notFound} without a sure find, ${counts.tooSmall} too small, ${counts.cutOff} cut off by the edge, ${counts.broken} broken`,
  );
  printResult(counts, values.json);
});

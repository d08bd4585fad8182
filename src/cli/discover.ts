import { join } from 'node:path';
import { embedSquare, type EmbeddedSquare } from '../correspond/correspondence.ts';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { cropToImage } from '../geometry/roi.ts';
import { buildLandmarkSet } from '../landmark-maker/build-landmark-set.ts';
import { discoverPoints } from '../landmark-maker/discover-points.ts';
import type { SetPicture } from '../landmark-maker/set-request.ts';
import { serializeLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import { listPictures } from '../media-node/load-pictures.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { writePointSheet } from './point-sheet.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { createSkipLog, type SkipLog } from './skipped.ts';
import { readOwnSet } from './track-input.ts';

export const summary = 'Find landmarks that nobody clicked.';

const command = defineCommand({
  name: 'dve discover',
  about:
    'Chooses places that nothing else in their picture looks like, that are found in other pictures and back, and round\nthrough a third, spread over the object; averages them over the pictures, round after round. The object is found by the\nmodel’s own landmarks; a model without any takes each picture’s middle square.',
  options: {
    ...modelOptions,
    images: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures that show the object.',
    },
    count: {
      type: 'integer',
      placeholder: 'K',
      required: true,
      minimum: 3,
      describe: 'Landmarks to choose.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'Landmark set to write.' },
    limit: {
      type: 'integer',
      placeholder: 'N',
      default: 60,
      minimum: 4,
      describe: 'Pictures to use at most, spread over the folder.',
    },
    rounds: {
      type: 'integer',
      placeholder: 'N',
      default: 3,
      minimum: 0,
      describe: 'Rounds of averaging and finding anew.',
    },
    overlay: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'PNG to write: some of the pictures with the landmarks.',
    },
    ...resultOptions,
  },
});

/** A picture, and its object as the network sees it. */
type Subject = { image: PixelImage; name: string; square: EmbeddedSquare };

const readSubjects = async (
  folder: string,
  limit: number,
  model: Model,
  own: LandmarkSet | undefined,
  { onSkip }: SkipLog,
): Promise<Subject[]> => {
  const names = await listPictures(folder, onSkip);
  const wanted = Math.min(limit, names.length);
  const progress = createProgress('pictures');
  const subjects: Subject[] = [];
  for (let i = 0; i < wanted; i++) {
    const name = names[Math.floor((i * names.length) / wanted)];
    progress(i, wanted);
    try {
      const { rgb, width, height } = await decodePicture(join(folder, name));
      const image: PixelImage = { data: rgb, width, height, channels: 3 };
      const roi =
        own === undefined
          ? { center: { x: width / 2, y: height / 2 }, size: Math.min(width, height), rotation: 0 }
          : await findObject(image, {
              ...{ model, cropper: createPictureCropper<PixelImage>(), landmarkSet: own },
            });
      if (roi === undefined) {
        onSkip(`${name}: no ${model.manifest.category} is found in it.`);
        continue;
      }
      const square = await embedSquare(model, cropToTensor(image, roi, model.manifest.inputSize), roi);
      subjects.push({ image, name, square });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip(error.message);
    }
  }
  progress(wanted, wanted);
  return subjects;
};

/** A square may reach beyond its picture, and what is found in it as well. */
const clampToPicture = ({ x, y }: Point, { width, height }: Size): Point => ({
  x: Math.min(Math.max(x, 0), width),
  y: Math.min(Math.max(y, 0), height),
});

/** Pictures of the overlay at most. */
const shown = 12;

export const run = createRun(command, async ({ values }) => {
  const own = await readOwnSet(values.model);
  const skipped = createSkipLog();
  const { pictures, set, share } = await withModel(values, async (model) => {
    const subjects = await readSubjects(values.images, values.limit, model, own, skipped);
    const discovered = discoverPoints(
      subjects.map(({ square }) => square.map),
      {
        ...{ count: values.count, rounds: values.rounds },
        ...{ temperature: model.manifest.temperature, cropMargin: model.manifest.cropMargin },
        onProgress: createProgress('compared'),
      },
    );
    const pictures = subjects.map(({ image, name, square: { roi } }, i): SetPicture => {
      const points = discovered.points[i].map((point) =>
        clampToPicture(cropToImage(point, roi, model.manifest.inputSize), image),
      );
      return { image, roi, points, name };
    });
    const { set } = await buildLandmarkSet(
      { pictures, names: Array.from({ length: values.count }, (_, n) => `place ${n + 1}`) },
      {
        ...{ session: model, statistics: false },
        ...(own === undefined ? {} : { anchors: own }),
      },
    );
    const flags = discovered.found.flat();
    return { pictures, set, share: flags.filter((isFound) => isFound).length / flags.length };
  });
  await writeFileAtomic(values.out, serializeLandmarkSet(set));
  if (values.overlay !== undefined) await writePointSheet(values.overlay, pictures.slice(0, shown));
  skipped.finish();
  printResult(
    { landmarks: set.names.length, pictures: pictures.length, found: round(100 * share, 2) },
    values.json,
  );
});

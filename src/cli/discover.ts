import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { discoverLandmarks, type DiscoverPicture } from '../landmark-maker/discover-landmarks.ts';
import { serializeLandmarkSet } from '../landmarks/landmark-set.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import { listPictures } from '../media-node/load-pictures.ts';
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
    'Takes places that nothing else in their picture looks like, that are found in other pictures and back, and round\nthrough a third, several times as many as are wanted, spread over the object. Each becomes a cluster of descriptors:\naveraged over the pictures and found anew, round after round. Kept are the steadiest, by how exactly they are found again\nin the same pictures turned, scaled and shifted, and in others. The object is found by the model’s own landmarks; a model\nwithout any takes each picture’s middle square.',
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

/** Pictures of a folder, spread over it. */
async function* readPictures(
  folder: string,
  limit: number,
  { onSkip }: SkipLog,
): AsyncGenerator<DiscoverPicture & { name: string }, void> {
  const names = await listPictures(folder, onSkip);
  const wanted = Math.min(limit, names.length);
  const progress = createProgress('pictures');
  for (let i = 0; i < wanted; i++) {
    const name = names[Math.floor((i * names.length) / wanted)];
    progress(i, wanted);
    try {
      const { rgb, width, height } = await decodePicture(join(folder, name));
      yield { image: { data: rgb, width, height, channels: 3 }, name };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip(error.message);
    }
  }
  progress(wanted, wanted);
}

/** Pictures of the overlay at most. */
const shown = 12;

export const run = createRun(command, async ({ values }) => {
  const own = await readOwnSet(values.model);
  const skipped = createSkipLog();
  const { pictures, landmarks, found } = await withModel(values, (model) =>
    discoverLandmarks(model, own, readPictures(values.images, values.limit, skipped), {
      ...{ count: values.count, rounds: values.rounds },
      onMiss: ({ name = '' }) => {
        skipped.onSkip(`${name}: no ${model.manifest.category} is found in it.`);
      },
      onProgress: createProgress('compared'),
    }),
  );
  await writeFileAtomic(values.out, serializeLandmarkSet(landmarks));
  if (values.overlay !== undefined) await writePointSheet(values.overlay, pictures.slice(0, shown));
  skipped.finish();
  printResult(
    { landmarks: landmarks.names.length, pictures: pictures.length, found: round(100 * found, 2) },
    values.json,
  );
});

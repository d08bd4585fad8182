import { evaluateClicks } from '../evaluation-node/evaluate-clicks.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { createSkipLog } from './skipped.ts';
import { readLandmarkSet } from './track-input.ts';

export const summary = 'Mark points on one picture, and find them in the others.';

const command = defineCommand({
  name: 'dve eval clicks',
  about:
    'What a user gets who clicks five points on one picture: the set is made as createLandmarkSet() makes it, the objects\nare found by the network in all pictures. The pictures that are marked are those that "dve eval landmarks --shots 1"\ntakes, so that the two compare. Percent of the inter-ocular distance.',
  options: {
    ...modelOptions,
    data: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures of faces with landmarks.json.',
    },
    draws: { type: 'integer', placeholder: 'N', default: 5, minimum: 1, describe: 'Pictures to mark.' },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of the draws.' },
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const folder = await readAnnotatedFolder(values.data);
  const own = await readLandmarkSet(undefined, values.model);
  const skipped = createSkipLog();
  const result = await withModel(values, (model) =>
    evaluateClicks({
      ...{ model, own, folder, draws: values.draws, seed: values.seed },
      onProgress: createProgress('pictures'),
      onSkip: skipped.onSkip,
    }),
  );
  skipped.finish();
  const percent = (share: number): number => round(100 * share, 3);
  printResult(
    {
      nme_iod: percent(result.nme),
      median_iod: percent(result.median),
      pck10: percent(result.pck10),
      failure10: percent(result.failure10),
      images: result.images,
      not_found: result.notFound,
    },
    values.json,
  );
});

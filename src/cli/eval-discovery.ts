import { evaluateDiscovery } from '../evaluation-node/evaluate-discovery.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { createSkipLog } from './skipped.ts';
import { readLandmarkSet, withModelAndSet } from './track-input.ts';

export const summary = 'Hold landmarks that nobody clicked against annotated ones.';

const command = defineCommand({
  name: 'dve eval discovery',
  about:
    'Percent of the landmarks found within 5 % of the inter-ocular distance of where a warp takes them, and of where their\nembeddings in one picture are found in another; percent of the object that they cover; and the error of a linear map\nfrom them to five annotated points, learnt on one half of the pictures (or on others) and measured on the rest.',
  options: {
    ...modelOptions,
    set: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Landmark set of "dve discover".',
    },
    images: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures of faces with landmarks.json.',
    },
    'regress-from': {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Pictures to learn the map from (default: one half of --images).',
    },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of warps and halves.' },
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const set = await readLandmarkSet(values.set, values.model);
  const folder = await readAnnotatedFolder(values.images);
  const other = values['regress-from'];
  const from = other === undefined ? undefined : await readAnnotatedFolder(other);
  const skipped = createSkipLog();
  const result = await withModelAndSet({ ...values, landmarks: values.set }, set, (model) =>
    evaluateDiscovery({
      ...{ model, set, folder, seed: values.seed },
      // The same folder twice would be measured on what was learnt.
      regressFrom: from?.path === folder.path ? undefined : from,
      onProgress: createProgress('pictures'),
      onSkip: skipped.onSkip,
    }),
  );
  skipped.finish();
  printResult(
    {
      regression_iod: round(100 * result.regression, 3),
      warp_repeatability: round(100 * result.warpRepeatability, 2),
      pair_repeatability: round(100 * result.pairRepeatability, 2),
      coverage: round(100 * result.coverage, 1),
      learnt: result.learnt,
      measured: result.measured,
    },
    values.json,
  );
});

import { evaluateCorrespondence } from '../evaluation-node/evaluate-correspondence.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel, mutualOptions } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { createSkipLog } from './skipped.ts';
import { readLandmarkSet } from './track-input.ts';

export const summary = 'Find points of one picture in pictures of others, and in a warp of itself.';

const command = defineCommand({
  name: 'dve eval correspond',
  about:
    'Correspondence between pictures whose points are known: five points of a face in pictures of other people (percent of\ntheir inter-ocular distance) and in another warp of the same picture (pixels of the crop), one by one and read from the\ndense field; of those that find their way there and back, the share within 10 %; and what the field costs, both ways,\nover one run of the network (with --device wasm --threads 1: that of a browser).',
  options: {
    ...modelOptions,
    images: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of pictures with landmarks.json.',
    },
    pairs: { type: 'integer', placeholder: 'N', default: 500, minimum: 1, describe: 'Pairs to measure.' },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of pictures and warps.' },
    boxes: { type: 'flag', describe: 'Take the annotated boxes instead of finding the objects.' },
    tolerance: {
      type: 'number',
      placeholder: 'SHARE',
      minimum: 0,
      describe: 'How far the way there and back may miss, sides of the square.',
    },
    ...mutualOptions,
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const folder = await readAnnotatedFolder(values.images);
  const landmarkSet = values.boxes ? undefined : await readLandmarkSet(undefined, values.model);
  const skipped = createSkipLog();
  const result = await withModel(values, (model) =>
    evaluateCorrespondence({
      ...{ model, landmarkSet, folder, pairs: values.pairs, seed: values.seed },
      ...(values.tolerance === undefined ? {} : { tolerance: values.tolerance }),
      ...(values.roughness === undefined ? {} : { roughness: values.roughness }),
      onProgress: createProgress('pairs'),
      onSkip: skipped.onSkip,
    }),
  );
  skipped.finish();
  printResult(
    {
      different_iod: round(100 * result.differentIod, 3),
      different_field_iod: round(100 * result.differentFieldIod, 3),
      same_px: round(result.samePixels, 3),
      same_field_px: round(result.sameFieldPixels, 3),
      mutual_kept: round(100 * result.mutualKept, 2),
      mutual_right: round(100 * result.mutualRight, 2),
      cost_runs: round(result.cost, 2),
      pairs: result.pairs,
      not_found: result.notFound,
    },
    values.json,
  );
});

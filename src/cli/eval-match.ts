import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { evaluateMatching } from '../evaluation-node/evaluate-match.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { createSkipLog } from './skipped.ts';

export const summary = 'Match warped pictures of the same person and of different people.';

const command = defineCommand({
  name: 'dve eval match',
  about:
    'The matching protocol: embeddings at five points of a warped face are looked for in another warp of the same\npicture, and in a warped picture of someone else. Mean error in pixels of a 70-pixel picture.',
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
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const folder = await readAnnotatedFolder(values.images);
  const skipped = createSkipLog();
  const result = await withModel(values, (model) =>
    evaluateMatching({
      model,
      folder,
      pairs: values.pairs,
      seed: values.seed,
      onProgress: createProgress('pairs'),
      onSkip: skipped.onSkip,
    }),
  );
  skipped.finish();
  printResult(
    {
      same_px: round(result.samePixels, 4),
      different_px: round(result.differentPixels, 4),
      pairs: result.pairs,
    },
    values.json,
  );
});

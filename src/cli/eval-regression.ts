import { InputError } from '../errors.ts';
import type { AnnotatedFolder } from '../evaluation/annotations.ts';
import { loadNodeRuntime } from '../model/runtime-node.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { evaluateRegression, paperRegressor, splitCrops } from '../evaluation/evaluate-regression.ts';
import { loadEvaluationCrops } from '../evaluation-node/load-evaluation-crops.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { cropOptions, cropShape, modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printAccuracy } from './output.ts';
import { createSkipLog } from './skipped.ts';

export const summary = "Train the paper's landmark regressor on the frozen embedding.";

const command = defineCommand({
  name: 'dve eval regression',
  about:
    "The paper's regressor (50 soft-argmax points a landmark, a linear map of them) is trained on the frozen embedding\nof annotated pictures and measured on others. Percent of the inter-ocular distance, as in dve eval landmarks.",
  options: {
    ...modelOptions,
    train: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures to train on, with landmarks.json.',
    },
    test: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures to measure on; the same folder wants --split.',
    },
    split: {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      describe: 'Of one folder: train on N pictures, measure on the others.',
    },
    points: {
      type: 'choice',
      choices: ['5', '51', '68'],
      default: '68',
      describe: 'Which points of the face.',
    },
    steps: {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      default: paperRegressor.steps,
      describe: 'Training steps.',
    },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of split, weights and order.' },
    ...cropOptions,
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const trainFolder = await readAnnotatedFolder(values.train);
  const testFolder = await readAnnotatedFolder(values.test);
  const same = trainFolder.path === testFolder.path;
  if (same && values.split === undefined) {
    throw new UsageError(
      '--train and --test are the same folder: say how many of its pictures to train on by --split N. See "dve eval regression --help".',
    );
  }
  if (!same && values.split !== undefined) {
    throw new UsageError(
      '--split divides one folder, but --train and --test are two: leave it out. See "dve eval regression --help".',
    );
  }
  const skipped = createSkipLog();
  const result = await withModel(values, async (model) => {
    const { inputSize, margin } = cropShape(values, model);
    const cut = (folder: AnnotatedFolder) => loadEvaluationCrops(folder, inputSize, { margin, ...skipped });
    const load = async () => {
      const crops = await cut(trainFolder);
      if (values.split === undefined) return { train: crops, test: await cut(testFolder) };
      if (values.split >= crops.length) {
        throw new InputError(
          `--split ${values.split} leaves none of the ${crops.length} usable pictures to measure on. Give a smaller number.`,
        );
      }
      return splitCrops(crops, values.split, values.seed);
    };
    const progress = { embedding: createProgress('embedded'), training: createProgress('steps') };
    return evaluateRegression({
      model,
      runtime: await loadNodeRuntime({
        ...(values.device === undefined ? {} : { device: values.device }),
        ...(values.threads === undefined ? {} : { threads: values.threads }),
      }),
      ...(await load()),
      points: values.points,
      settings: { ...paperRegressor, steps: values.steps, seed: values.seed },
      onProgress: (stage, done, total) => {
        progress[stage](done, total);
      },
    });
  });
  skipped.finish();
  printAccuracy(result, values.json);
});

import { openNodeModel } from '../model/model-node.ts';
import type { Model } from '../model/model.ts';

/** Options of every command that runs a model. */
export const modelOptions = {
  model: { type: 'string', placeholder: 'DIR', required: true, describe: 'Model directory.' },
  precision: {
    type: 'choice',
    choices: ['fp32', 'int8'],
    default: 'fp32',
    describe: 'Which of its networks to run.',
  },
  device: {
    type: 'choice',
    choices: ['cpu', 'wasm'],
    describe: 'onnxruntime-node or onnxruntime-web (default: cpu where it is installed).',
  },
  threads: { type: 'integer', placeholder: 'N', minimum: 1, describe: 'Threads of ONNX Runtime.' },
} as const;

/** Options of every command that prints figures. */
export const resultOptions = {
  json: { type: 'flag', describe: 'Print one JSON object as the last line.' },
} as const;

/** Option of commands that measure on annotated pictures, in percent of the object's size. */
export const cropOptions = {
  'crop-margin': {
    type: 'number',
    placeholder: 'X',
    minimum: 0.5,
    describe:
      'Side of the square that is cut out, over that of the box of the points. Default: the cropMargin of the model, as tracking does.',
  },
} as const;

/** Option of commands that say which matches are mutual. */
export const mutualOptions = {
  roughness: {
    type: 'number',
    placeholder: 'SHARE',
    minimum: 0,
    describe: 'How far the matches of neighbours may lie off an affine map, sides of the square (1: anyhow).',
  },
} as const;

/** How squares are cut: S, and their side over that of the box of the points. */
export type CropShape = { inputSize: number; margin: number };

export const cropShape = (
  values: { 'crop-margin': number | undefined },
  { manifest: { inputSize, cropMargin } }: Model,
): CropShape => ({ inputSize, margin: values['crop-margin'] ?? cropMargin });

export type ModelValues = {
  model: string;
  precision: 'fp32' | 'int8';
  device: 'cpu' | 'wasm' | undefined;
  threads: number | undefined;
};

/** Loads the model that the options name, and closes it when `use` is through. */
export const withModel = async <Result>(
  { model, precision, device, threads }: ModelValues,
  use: (session: Model) => Promise<Result>,
): Promise<Result> => {
  const session = await openNodeModel(model, {
    precision,
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
};

import { ModelError } from '../errors.ts';
import type { Manifest } from './manifest.ts';

/** What ONNX Runtime tells of an input or output; symbolic and unknown sizes are names. */
export type ValueInfo = {
  name: string;
  isTensor: boolean;
  type?: string;
  shape?: readonly (number | string)[];
};

type Expected = { name: string; shape: readonly (number | string)[]; meaning: string };

const show = (shape: readonly (number | string)[]): string => `(${shape.join(', ')})`;

/** Whether every size that both sides give as a number is the same. */
const agrees = (found: readonly (number | string)[], wanted: readonly (number | string)[]): boolean =>
  found.length === wanted.length &&
  wanted.every((size, axis) => {
    const other = found[axis];
    // Runtimes report an unnamed free size as an empty name, −1 or 0.
    return typeof size === 'string' || typeof other === 'string' || other <= 0 || other === size;
  });

const checkValue = (
  where: string,
  kind: 'input' | 'output',
  found: readonly ValueInfo[],
  wanted: Expected,
): void => {
  const value = found.find(({ name }) => name === wanted.name);
  if (value === undefined) {
    const names = found.map(({ name }) => `"${name}"`).join(', ');
    throw new ModelError(
      `${where} has no ${kind} "${wanted.name}" ${show(wanted.shape)} (it has ${names || 'none'}). Use a network that "dve train" exported.`,
    );
  }
  if (!value.isTensor || value.type !== 'float32') {
    throw new ModelError(
      `${where}: ${kind} "${wanted.name}" is ${value.type ?? 'not a tensor'} but should be float32. Use a network that "dve train" exported.`,
    );
  }
  if (value.shape !== undefined && value.shape.length > 0 && !agrees(value.shape, wanted.shape)) {
    throw new ModelError(
      `${where}: ${kind} "${wanted.name}" has shape ${show(value.shape)} but manifest.json says ${show(wanted.shape)} (${wanted.meaning}). The two are of different exports: export the model again with "dve train".`,
    );
  }
};

/**
 * Checks that a network takes and gives what its manifest says: names, types and shapes.
 * @param where how errors call the network, for example its path
 * @throws ModelError that names both sides
 */
export const checkNetwork = (
  where: string,
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
  manifest: Pick<Manifest, 'inputSize' | 'stride' | 'embeddingSize'>,
): void => {
  const { inputSize, stride, embeddingSize } = manifest;
  const cells = inputSize / stride;
  checkValue(where, 'input', inputs, {
    name: 'image',
    shape: ['B', 3, inputSize, inputSize],
    meaning: `inputSize ${inputSize}`,
  });
  checkValue(where, 'input', inputs, {
    name: 'references',
    shape: ['N', embeddingSize],
    meaning: `embeddingSize ${embeddingSize}`,
  });
  checkValue(where, 'output', outputs, {
    name: 'embedding',
    shape: ['B', embeddingSize, cells, cells],
    meaning: `embeddingSize ${embeddingSize}, inputSize ${inputSize}, stride ${stride}`,
  });
  checkValue(where, 'output', outputs, {
    name: 'matches',
    shape: ['B', 'N', 3],
    meaning: 'x, y and confidence of each reference',
  });
  const extra = inputs.find(({ name }) => name !== 'image' && name !== 'references');
  if (extra !== undefined) {
    throw new ModelError(
      `${where} wants the input "${extra.name}", which nothing feeds: a model takes "image" and "references". Use a network that "dve train" exported.`,
    );
  }
};

/** Networks whose weights are damaged: told by what they give. */
import { DeviceError, ModelError } from '../errors.ts';

/** Whether vectors have length 1, but for rounding. @param embedding (C, cells) */
const isUnit = (embedding: Float32Array, channels: number): boolean => {
  const cells = embedding.length / channels;
  for (let cell = 0; cell < cells; cell++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += embedding[c * cells + cell] ** 2;
    if (Math.abs(Math.sqrt(sum) - 1) > 0.1) return false;
  }
  return true;
};

/**
 * A network with damaged weights loads like any other, and then recognises nothing, without a word.
 * @param where how errors call the network
 * @param channels C of the embedding, (1, C, cells) @param matches what else the network gave
 * @throws ModelError, or DeviceError where it may be the GPU
 */
export const checkValues = (
  where: string,
  device: string,
  channels: number,
  embedding: Float32Array,
  matches: Float32Array,
): void => {
  const areFinite = [embedding, matches].every((values) => values.every(Number.isFinite));
  // Activations may swallow what is no number, and pass on zeros.
  if (areFinite && isUnit(embedding, channels)) return;
  const found = (): string =>
    areFinite ? 'embeddings that are no unit vectors' : 'values that are no finite numbers';
  throw device === 'webgpu'
    ? new DeviceError(
        `${where} gives ${found()} on webgpu. Use device "wasm", or "auto", which finds that out.`,
      )
    : new ModelError(
        `${where} gives ${found()} on ${device}: its weights are damaged. Export the model again with "dve train".`,
      );
};

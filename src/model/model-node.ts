import { join } from 'node:path';
import { ModelError } from '../errors.ts';
import { readModelDirectory, type ModelDirectory } from './model-directory-node.ts';
import { loadNodeRuntime, type RuntimeOptions } from './runtime-node.ts';
import { createModel, type Model, type ModelPrecision } from './model.ts';

export type NodeModelOptions = RuntimeOptions & {
  /** Default `fp32`. */ precision?: ModelPrecision;
};

/** The file of the wanted network. @throws ModelError where the model has none of that precision */
const chooseNetwork = (
  { manifest, contents, path }: ModelDirectory,
  precision: ModelPrecision,
): { where: string; bytes: Uint8Array } => {
  if (precision === 'fp32') return { where: join(path, manifest.files.model.name), bytes: contents.model };
  if (manifest.files.int8 === undefined || contents.int8 === undefined) {
    throw new ModelError(
      `${path} has no int8 network, only fp32. Use precision "fp32", or export the model again.`,
    );
  }
  return { where: join(path, manifest.files.int8.name), bytes: contents.int8 };
};

/**
 * Loads a model directory for use in Node: onnxruntime-node where it is installed, else onnxruntime-web's wasm
 * (`device` of the session tells which).
 * @param model path of the directory, or what {@link readModelDirectory} returned
 * @throws ModelError when the directory or its network cannot be used; DeviceError when `device` cannot be had
 */
export const openNodeModel = async (
  model: string | ModelDirectory,
  { precision = 'fp32', ...runtimeOptions }: NodeModelOptions = {},
): Promise<Model> => {
  const directory = typeof model === 'string' ? await readModelDirectory(model) : model;
  const file = chooseNetwork(directory, precision);
  return createModel(await loadNodeRuntime(runtimeOptions), {
    ...file,
    manifest: directory.manifest,
    precision,
  });
};

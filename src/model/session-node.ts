import type { InferenceSession } from 'onnxruntime-web';
import { join } from 'node:path';
import { ModelError, firstLine } from '../errors.ts';
import { readModelDirectory, type ModelDirectory } from './model-directory-node.ts';
import { checkNetwork } from './network-contract.ts';
import { loadNodeRuntime, type RuntimeOptions } from './runtime-node.ts';
import { createSession } from './session-core.ts';
import type { ModelSession, SessionPrecision } from './session.ts';

export type NodeSessionOptions = RuntimeOptions & {
  /** Default `fp32`. */ precision?: SessionPrecision;
};

/** The file of the wanted network. @throws ModelError where the model has none of that precision */
const chooseNetwork = (
  { manifest, contents, path }: ModelDirectory,
  precision: SessionPrecision,
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
export const createNodeSession = async (
  model: string | ModelDirectory,
  { precision = 'fp32', ...runtimeOptions }: NodeSessionOptions = {},
): Promise<ModelSession> => {
  const directory = typeof model === 'string' ? await readModelDirectory(model) : model;
  const { manifest } = directory;
  const { where, bytes } = chooseNetwork(directory, precision);
  const runtime = await loadNodeRuntime(runtimeOptions);
  let network: InferenceSession;
  try {
    network = await runtime.InferenceSession.create(bytes, runtime.sessionOptions);
  } catch (error) {
    throw new ModelError(
      `${where} cannot be loaded by ONNX Runtime (${firstLine(error)}). Export the model again with "dve train".`,
      { cause: error },
    );
  }
  try {
    checkNetwork(where, network.inputMetadata, network.outputMetadata, manifest);
  } catch (error) {
    await network.release();
    throw error;
  }
  return createSession({
    manifest,
    device: runtime.device,
    precision,
    where,
    network,
    Tensor: runtime.Tensor,
  });
};

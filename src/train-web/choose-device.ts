/** Where a training runs: WebGPU where it computes the same step as wasm, faster. */
import { DeviceError, firstLine } from '../errors.ts';
import * as faults from '../model/faults.ts';
import { NoWebGpuError, openGpuDevice } from '../model/gpu-device.ts';
import type { Runtime } from '../model/model.ts';
import { loadWebRuntime, runtimeOn, type WebRuntime, type WebRuntimeFiles } from '../model/model-web.ts';
import type { Batch } from '../train/batch/batch.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { createTrainingEngine, type StepResult } from '../train/step/engine.ts';
import { scheduleAt } from '../train/graph/adam.ts';
import { freshState, stepShape } from '../train/trainer.ts';
import { parameterLayout } from '../train/network/training-network.ts';
import { buildTrainingStep } from '../train/step/training-step.ts';
import type { DeviceChoice } from '../worker/messages.ts';
import { findSlow, findWrong } from './compare-steps.ts';

/** ONNX Runtime on a device, for the steps; `wasm` of the same build is for everything small. */
export type ChosenDevice = {
  steps: Runtime;
  wasm: Runtime;
  device: 'wasm' | 'webgpu';
  threads: number;
  /** Why WebGPU is not used, where it might have been. */ note: string | undefined;
  /** Settles with the reason when the device is lost; never for wasm. */ lost: Promise<string>;
  /** Frees the GPU. */ close(): void;
};

const loadFaults = (): Promise<typeof faults> => Promise.resolve(faults);

const never = new Promise<never>(() => undefined);

const wasmDevice = (runtime: WebRuntime, note: string | undefined): ChosenDevice => ({
  steps: runtimeOn(runtime, undefined, loadFaults),
  wasm: runtimeOn(runtime, undefined, loadFaults),
  device: 'wasm',
  threads: runtime.env.wasm.numThreads ?? 1,
  note,
  lost: never,
  close: () => undefined,
});

const gpuDevice = (runtime: WebRuntime, device: GPUDevice): ChosenDevice => ({
  ...wasmDevice(runtime, undefined),
  steps: runtimeOn(runtime, device, loadFaults),
  device: 'webgpu',
  lost: device.lost.then(({ reason, message }) => `${reason}${message === '' ? '' : `: ${message}`}`),
  close: () => {
    device.destroy();
  },
});

/** The first steps of a training on a runtime; the very first is slower than all others. */
const tryOut = async (
  config: TrainingConfig,
  runtime: Runtime,
  batch: Batch,
  steps: number,
): Promise<StepResult[]> => {
  const layout = parameterLayout(config.network, config.batch.inputSize);
  const shape = stepShape(config);
  const graph = buildTrainingStep(layout, config.network, config.loss, config.optimizer, shape);
  const engine = await createTrainingEngine(runtime, graph, shape, freshState(config, layout));
  try {
    const results: StepResult[] = [];
    for (let step = 0; step < steps; step++) {
      results.push(await engine.step(batch, scheduleAt(step, config.steps, config.optimizer)));
    }
    return results;
  } finally {
    await engine.close();
  }
};

export type DeviceOptions = {
  config: TrainingConfig;
  device: DeviceChoice;
  runtime: WebRuntimeFiles;
  /** Gives a batch to try the devices on. */ batch: () => Promise<Batch>;
};

/**
 * @throws DeviceError where ONNX Runtime or the asked-for device cannot be had, or WebGPU was asked for and computes
 *   something else than wasm
 */
export const chooseDevice = async ({
  config,
  device,
  runtime: files,
  batch,
}: DeviceOptions): Promise<ChosenDevice> => {
  if (device === 'wasm') return wasmDevice(await loadWebRuntime(files.wasm), undefined);
  const fallBack = async (reason: string, cause?: unknown): Promise<ChosenDevice> => {
    if (device === 'webgpu') {
      throw new DeviceError(`training cannot run on WebGPU: ${reason}. Pass device 'wasm'.`, { cause });
    }
    return wasmDevice(await loadWebRuntime(files.wasm), reason);
  };
  let gpu;
  try {
    gpu = await openGpuDevice();
  } catch (error) {
    if (error instanceof NoWebGpuError) return fallBack(`no WebGPU: ${error.reason}`, error);
    throw error;
  }
  if (gpu.isSoftware && device === 'auto') {
    gpu.device.destroy();
    return fallBack('WebGPU runs on the CPU here, which is slower than wasm');
  }
  const { device: opened } = gpu;
  const runtime = await loadWebRuntime(files.webgpu).catch((error: unknown) => {
    opened.destroy();
    throw error;
  });
  const chosen = gpuDevice(runtime, gpu.device);
  let reason: string | undefined;
  try {
    const tried = await batch();
    // Where nothing is to be chosen, nothing is timed.
    const steps = device === 'auto' ? 2 : 1;
    const onDevice = await tryOut(config, chosen.steps, tried, steps);
    const onCpu = await tryOut(config, chosen.wasm, tried, steps);
    reason = findWrong(onDevice, onCpu) ?? (device === 'auto' ? findSlow(onDevice, onCpu) : undefined);
  } catch (error) {
    reason = `WebGPU failed its self-check (${firstLine(error)})`;
  }
  if (reason === undefined) return chosen;
  chosen.close();
  if (device === 'webgpu') return fallBack(reason);
  return wasmDevice(runtime, reason);
};

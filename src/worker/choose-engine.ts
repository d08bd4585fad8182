import { firstLine, InputError, ModelError } from '../errors.ts';
import { gpuObstacle, NoWebGpuError } from '../model/gpu-obstacle.ts';
import { createModelOf, type ModelPrecision } from '../model/model.ts';
import { loadWebRuntime, runtimeOn } from '../model/model-web.ts';
import { assemble, createWasmEngine, createWasmModel, networkFile } from './engine.ts';
import type { ChosenEngine, Context, EngineOptions } from './engine-context.ts';
import { fetchExplained } from './explained.ts';
import { loadPart } from './parts.ts';

const createContext = (options: EngineOptions): Context => {
  const loaded = new Map<ModelPrecision, Promise<ArrayBuffer>>();
  const load = (precision: ModelPrecision): Promise<ArrayBuffer> => {
    const { files } = options.manifest;
    const entry = precision === 'int8' ? files.int8 : files.model;
    if (entry === undefined) {
      throw new ModelError(
        'the model has no int8 network, only fp32. Pass precision "fp32" or "auto", or export the model again.',
      );
    }
    const bytes = loaded.get(precision) ?? fetchExplained(options.parts, options.urls, entry);
    loaded.set(precision, bytes);
    return bytes;
  };
  const { manifest, parts, precision, runtime: files } = options;
  return {
    ...options,
    load,
    // On wasm 8 bits are about twice as fast for plain convolutions; a model has an int8 file where that holds.
    wasmPrecision: precision === 'auto' ? (manifest.files.int8 === undefined ? 'fp32' : 'int8') : precision,
    openRuntime: (build) => loadWebRuntime(files[build]),
    onDevice: (runtime, gpu) => runtimeOn(runtime, gpu, () => loadPart(parts, 'faults')),
    threadsOf: ({ env }) => env.wasm.numThreads ?? 1,
    createWasmEngine: async (model) => createWasmEngine(model, await loadPart(parts, 'frames')),
    ...{ assemble, createWasmModel, networkFile, createModelOf },
  };
};

const chooseWasm = async (context: Context, note: string | undefined): Promise<ChosenEngine> => {
  const { manifest, parts, wasmPrecision } = context;
  const [runtime, bytes] = await Promise.all([
    context.openRuntime('wasm'),
    context.load(wasmPrecision),
    // Already on its way while the network is.
    loadPart(parts, 'frames'),
  ]);
  const model = await createWasmModel(context.onDevice(runtime), manifest, bytes, wasmPrecision);
  return { engine: await context.createWasmEngine(model), threads: context.threadsOf(runtime), note };
};

/**
 * Opens the network where it is to run.
 * @throws ModelError when its files cannot be used; DeviceError when the asked-for device cannot be had
 */
export const chooseEngine = async (options: EngineOptions): Promise<ChosenEngine> => {
  const { device, precision, parts } = options;
  if (device === 'webgpu' && precision === 'int8') {
    throw new InputError('WebGPU cannot run int8 networks. Pass precision "auto", or device "wasm".');
  }
  const context = createContext(options);
  if (device === 'wasm' || precision === 'int8') return chooseWasm(context, undefined);
  const obstacle = gpuObstacle();
  if (obstacle !== undefined) {
    if (device === 'webgpu') throw new NoWebGpuError(obstacle);
    return chooseWasm(context, `no WebGPU: ${obstacle}`);
  }
  let gpu: GPUDevice | undefined;
  try {
    const { gpuOrReason, requestGpuDevice } = await loadPart(parts, 'device');
    const found = device === 'webgpu' ? await requestGpuDevice() : await gpuOrReason();
    if (typeof found === 'string') return await chooseWasm(context, found);
    gpu = found.device;
    const { chooseGpu, tryGpu } = await loadPart(parts, 'gpu');
    return await (device === 'webgpu' ? chooseGpu : tryGpu)(context, gpu);
  } catch (error) {
    gpu?.destroy();
    if (device === 'webgpu') throw error;
    // A model that is at fault is at fault on wasm too, and is reported from there.
    return chooseWasm(context, `WebGPU failed its self-check (${firstLine(error)})`);
  }
};

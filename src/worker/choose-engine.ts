import { InputError, ModelError } from '../errors.ts';
import { NoWebGpuError, openGpuDevice, type GpuHandle } from '../model/gpu-device.ts';
import type { Manifest } from '../model/manifest.ts';
import type { ModelPrecision } from '../model/model.ts';
import {
  fetchModelFile,
  loadWebRuntime,
  type ModelUrls,
  type WebRuntime,
  type WebRuntimeFiles,
} from '../model/model-web.ts';
import { createGpuEngine, createWasmEngine, type Engine } from './engine.ts';
import type { DeviceChoice, PrecisionChoice } from './messages.ts';
import { compareEngines } from './self-check.ts';

export type EngineOptions = {
  urls: ModelUrls;
  manifest: Manifest;
  runtime: WebRuntimeFiles;
  device: DeviceChoice;
  precision: PrecisionChoice;
};

/** @param note why WebGPU is not used, where it might have been */
export type ChosenEngine = { engine: Engine; threads: number; note: string | undefined };

type Context = EngineOptions & { load(precision: ModelPrecision): Promise<ArrayBuffer> };

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
    const bytes = loaded.get(precision) ?? fetchModelFile(options.urls, entry);
    loaded.set(precision, bytes);
    return bytes;
  };
  return { ...options, load };
};

/** On wasm 8 bits are about twice as fast for plain convolutions; a model has an int8 file where that holds. */
const wasmPrecision = ({ precision, manifest }: Context): ModelPrecision =>
  precision === 'auto' ? (manifest.files.int8 === undefined ? 'fp32' : 'int8') : precision;

const threadsOf = (runtime: WebRuntime): number => runtime.env.wasm.numThreads ?? 1;

const chooseWasm = async (context: Context, note: string | undefined): Promise<ChosenEngine> => {
  const precision = wasmPrecision(context);
  const [runtime, bytes] = await Promise.all([loadWebRuntime(context.runtime.wasm), context.load(precision)]);
  const engine = await createWasmEngine(runtime, context.manifest, bytes, precision);
  return { engine, threads: threadsOf(runtime), note };
};

const chooseGpu = async (context: Context): Promise<ChosenEngine> => {
  const { device } = await openGpuDevice();
  const files = Promise.all([loadWebRuntime(context.runtime.webgpu), context.load('fp32')]);
  const [runtime, bytes] = await files.catch((error: unknown) => {
    device.destroy();
    throw error;
  });
  const engine = await createGpuEngine(runtime, context.manifest, bytes, device);
  return { engine, threads: 1, note: undefined };
};

/** WebGPU where it gives the same landmarks as wasm and is faster, both found out by trying. */
const tryGpu = async (context: Context, { device }: GpuHandle): Promise<ChosenEngine> => {
  const { manifest } = context;
  const precision = wasmPrecision(context);
  const engines: Engine[] = [];
  const open = async (creation: Promise<Engine>): Promise<Engine> => {
    const engine = await creation;
    engines.push(engine);
    return engine;
  };
  const closeAllBut = (chosen: Engine | undefined): Promise<unknown> =>
    Promise.all(engines.filter((engine) => engine !== chosen).map((engine) => engine.close()));
  try {
    const [runtime, bytes, wasmBytes] = await Promise.all([
      loadWebRuntime(context.runtime.webgpu),
      context.load('fp32'),
      context.load(precision),
    ]);
    const judge = await open(createWasmEngine(runtime, manifest, bytes, 'fp32'));
    const rival =
      precision === 'fp32' ? judge : await open(createWasmEngine(runtime, manifest, wasmBytes, precision));
    const gpu = await open(createGpuEngine(runtime, manifest, bytes, device));
    const verdict = await compareEngines({ candidate: gpu, judge, rival });
    const engine = verdict.isBetter ? gpu : rival;
    await closeAllBut(engine);
    return { engine, threads: threadsOf(runtime), note: verdict.isBetter ? undefined : verdict.reason };
  } catch (error) {
    await closeAllBut(undefined);
    device.destroy();
    throw error;
  }
};

const gpuOrReason = async (): Promise<GpuHandle | string> => {
  try {
    const handle = await openGpuDevice();
    if (!handle.isSoftware) return handle;
    handle.device.destroy();
    return 'WebGPU runs on the CPU here, which is slower than wasm';
  } catch (error) {
    if (error instanceof NoWebGpuError) return `no WebGPU: ${error.reason}`;
    throw error;
  }
};

/**
 * Opens the network where it is to run.
 * @throws ModelError when its files cannot be used; DeviceError when the asked-for device cannot be had
 */
export const chooseEngine = async (options: EngineOptions): Promise<ChosenEngine> => {
  const { device, precision } = options;
  if (device === 'webgpu' && precision === 'int8') {
    throw new InputError('WebGPU cannot run int8 networks. Pass precision "auto", or device "wasm".');
  }
  const context = createContext(options);
  if (device === 'webgpu') return chooseGpu(context);
  if (device === 'wasm' || precision === 'int8') return chooseWasm(context, undefined);
  const gpu = await gpuOrReason();
  if (typeof gpu === 'string') return chooseWasm(context, gpu);
  try {
    return await tryGpu(context, gpu);
  } catch (error) {
    // A model that is at fault is at fault on wasm too, and is reported from there.
    const reason = error instanceof Error ? error.message : String(error);
    return chooseWasm(context, `WebGPU failed its self-check (${reason})`);
  }
};

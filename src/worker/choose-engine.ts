import { InputError, ModelError } from '../errors.ts';
import { NoWebGpuError, openGpuDevice, type GpuHandle } from '../model/gpu-device.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Model, ModelPrecision } from '../model/model.ts';
import {
  fetchModelFile,
  loadWebRuntime,
  type ModelUrls,
  type WebRuntime,
  type WebRuntimeFiles,
} from '../model/model-web.ts';
import { createGpuEngine, createWasmEngine, createWasmModel, type Engine } from './engine.ts';
import type { DeviceChoice, PrecisionChoice } from './messages.ts';
import { loadPart, type PartUrls } from './parts.ts';

export type EngineOptions = {
  urls: ModelUrls;
  manifest: Manifest;
  runtime: WebRuntimeFiles;
  parts: PartUrls;
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
  const [runtime, bytes, work] = await Promise.all([
    loadWebRuntime(context.runtime.wasm),
    context.load(precision),
    loadPart(context.parts, 'frames'),
  ]);
  const model = await createWasmModel(runtime, context.manifest, bytes, precision);
  return { engine: createWasmEngine(model, work), threads: threadsOf(runtime), note };
};

/** @param device destroyed when anything fails */
const chooseGpu = async (context: Context, device: GPUDevice): Promise<ChosenEngine> => {
  try {
    const [runtime, bytes, work] = await Promise.all([
      loadWebRuntime(context.runtime.webgpu),
      context.load('fp32'),
      loadPart(context.parts, 'gpu'),
    ]);
    const engine = await createGpuEngine(runtime, context.manifest, bytes, device, work);
    return { engine, threads: 1, note: undefined };
  } catch (error) {
    device.destroy();
    throw error;
  }
};

/**
 * WebGPU where it gives the same landmarks as wasm and is faster, both found out by trying.
 * @param device destroyed unless it is chosen
 */
const tryGpu = async (context: Context, device: GPUDevice): Promise<ChosenEngine> => {
  const { manifest, parts } = context;
  const precision = wasmPrecision(context);
  const opened: { close(): Promise<void> }[] = [];
  const open = async <Opened extends Model | Engine>(creation: Promise<Opened>): Promise<Opened> => {
    const creature = await creation;
    opened.push(creature);
    return creature;
  };
  const closeAllBut = (chosen: Model | Engine | undefined): Promise<unknown> =>
    Promise.all(opened.filter((one) => one !== chosen).map((one) => one.close()));
  try {
    const [runtime, bytes, wasmBytes, { compareEngines, createGpuCropper }] = await Promise.all([
      loadWebRuntime(context.runtime.webgpu),
      context.load('fp32'),
      context.load(precision),
      loadPart(parts, 'gpu'),
    ]);
    const judge = await open(createWasmModel(runtime, manifest, bytes, 'fp32'));
    const rival =
      precision === 'fp32' ? judge : await open(createWasmModel(runtime, manifest, wasmBytes, precision));
    const gpu = await open(createGpuEngine(runtime, manifest, bytes, device, { createGpuCropper }));
    const verdict = await compareEngines({ candidate: gpu, judge, rival });
    if (verdict.isBetter) {
      await closeAllBut(gpu);
      return { engine: gpu, threads: threadsOf(runtime), note: undefined };
    }
    const engine = createWasmEngine(rival, await loadPart(parts, 'frames'));
    await closeAllBut(rival);
    return { engine, threads: threadsOf(runtime), note: verdict.reason };
  } catch (error) {
    // What closing throws would hide why.
    await closeAllBut(undefined).catch(() => undefined);
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
  if (device === 'webgpu') return chooseGpu(context, (await openGpuDevice()).device);
  if (device === 'wasm' || precision === 'int8') return chooseWasm(context, undefined);
  const gpu = await gpuOrReason();
  if (typeof gpu === 'string') return chooseWasm(context, gpu);
  try {
    return await tryGpu(context, gpu.device);
  } catch (error) {
    // A model that is at fault is at fault on wasm too, and is reported from there.
    const reason = error instanceof Error ? error.message : String(error);
    return chooseWasm(context, `WebGPU failed its self-check (${reason})`);
  }
};

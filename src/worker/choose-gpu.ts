/**
 * Opens the network on WebGPU, where it is good for that. A part of the tracker's worker that stands alone: what it uses of
 * the worker is given to it.
 */
import type { Manifest } from '../model/manifest.ts';
import type { Model, Runtime } from '../model/model.ts';
import { createGpuCropper, type GpuImage } from '../pipeline/crop-gpu.ts';
import type { Engine } from './engine.ts';
import type { ChosenEngine, Context } from './engine-context.ts';
import { compareEngines } from './self-check.ts';

/**
 * The network on WebGPU. A frame's pixels stay in the memory of the GPU; (N, 3) numbers come back.
 * @param device becomes the engine's: it is destroyed with it, and when the engine cannot be made
 * @throws ModelError when the file is not a network or does not fit its manifest
 */
export const createGpuEngine = async (
  runtime: Runtime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  device: GPUDevice,
  { assemble, createModelOf, networkFile }: Pick<Context, 'assemble' | 'createModelOf' | 'networkFile'>,
): Promise<Engine> => {
  try {
    const model = await createModelOf<GpuImage | Float32Array>(
      runtime,
      networkFile(manifest, bytes, 'fp32'),
      (image) => {
        if (!(image instanceof Float32Array)) {
          const { buffer, dims } = image;
          return runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
        }
        const { inputSize } = manifest;
        const batch = image.length / (3 * inputSize * inputSize);
        return new runtime.Tensor('float32', image, [batch, 3, inputSize, inputSize]);
      },
    );
    const engine = assemble(model, () => createGpuCropper(device));
    return {
      ...engine,
      gpu: {
        device,
        embedInto: (crop, buffer) => {
          const { embeddingSize, inputSize, stride } = manifest;
          const dims = [1, embeddingSize, inputSize / stride, inputSize / stride];
          const tensor = runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
          return model.embedInto(crop, tensor);
        },
      },
      lost: device.lost.then(({ reason, message }) => `${reason}${message === '' ? '' : `: ${message}`}`),
      close: async () => {
        try {
          await engine.close();
        } finally {
          device.destroy();
        }
      },
    };
  } catch (error) {
    device.destroy();
    throw error;
  }
};

/** On WebGPU and nowhere else. @param device destroyed when anything fails @throws ModelError for files that cannot be used */
export const chooseGpu = async (context: Context, device: GPUDevice): Promise<ChosenEngine> => {
  try {
    const [runtime, bytes] = await Promise.all([context.openRuntime('webgpu'), context.load('fp32')]);
    const engine = await createGpuEngine(
      context.onDevice(runtime, device),
      context.manifest,
      bytes,
      device,
      context,
    );
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
export const tryGpu = async (context: Context, device: GPUDevice): Promise<ChosenEngine> => {
  const { manifest, wasmPrecision: precision, createWasmModel } = context;
  const opened: { close(): Promise<void> }[] = [];
  const open = async <Opened extends Model | Engine>(creation: Promise<Opened>): Promise<Opened> => {
    const creature = await creation;
    opened.push(creature);
    return creature;
  };
  const closeAllBut = (chosen: Model | Engine | undefined): Promise<unknown> =>
    Promise.all(opened.filter((one) => one !== chosen).map((one) => one.close()));
  try {
    const [runtime, bytes, wasmBytes] = await Promise.all([
      context.openRuntime('webgpu'),
      context.load('fp32'),
      context.load(precision),
    ]);
    const wasm = context.onDevice(runtime);
    const judge = await open(createWasmModel(wasm, manifest, bytes, 'fp32'));
    const rival =
      precision === 'fp32' ? judge : await open(createWasmModel(wasm, manifest, wasmBytes, precision));
    const gpu = await open(
      createGpuEngine(context.onDevice(runtime, device), manifest, bytes, device, context),
    );
    const verdict = await compareEngines({ candidate: gpu, judge, rival });
    if (verdict.isBetter) {
      await closeAllBut(gpu);
      return { engine: gpu, threads: context.threadsOf(runtime), note: undefined };
    }
    const engine = await context.createWasmEngine(rival);
    await closeAllBut(rival);
    return { engine, threads: context.threadsOf(runtime), note: verdict.reason };
  } catch (error) {
    // What closing throws would hide why.
    await closeAllBut(undefined).catch(() => undefined);
    device.destroy();
    throw error;
  }
};

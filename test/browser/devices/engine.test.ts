import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openGpuDevice } from '../../../src/model/gpu-device.ts';
import { fetchManifest, fetchModelFile, loadWebRuntime, runtimeOn } from '../../../src/model/model-web.ts';
import { parseLandmarkSet } from '../../../src/landmarks/landmark-set.ts';
import { chooseEngine } from '../../../src/worker/choose-engine.ts';
import { createGpuEngine } from '../../../src/worker/choose-gpu.ts';
import { createModelOf, type Model } from '../../../src/model/model.ts';
import { createPlaneCropper } from '../../../src/pipeline/frame-planes.ts';
import {
  assemble,
  createWasmEngine,
  createWasmModel,
  networkFile,
  type Engine,
} from '../../../src/worker/engine.ts';
import { compareEngines } from '../../../src/worker/self-check.ts';
import { blobModel, parts, runtimeFiles } from '../runtime-files.ts';
import { errorOf, sceneFrame, times } from '../scene.ts';
import { describeOn } from './on-devices.ts';

const openWasmModel = async (build: 'wasm' | 'webgpu'): Promise<Model> => {
  const manifest = await fetchManifest(blobModel);
  const bytes = await fetchModelFile(blobModel, manifest.files.model);
  return createWasmModel(runtimeOn(await loadWebRuntime(runtimeFiles[build])), manifest, bytes, 'fp32');
};

const openWasm = async (build: 'wasm' | 'webgpu'): Promise<Engine> =>
  createWasmEngine(await openWasmModel(build), { createPlaneCropper });

const openGpu = async (): Promise<Engine> => {
  const manifest = await fetchManifest(blobModel);
  const bytes = await fetchModelFile(blobModel, manifest.files.model);
  const runtime = await loadWebRuntime(runtimeFiles.webgpu);
  const { device } = await openGpuDevice();
  const tools = { assemble, createModelOf, networkFile };
  return createGpuEngine(runtimeOn(runtime, device), manifest, bytes, device, tools);
};

const openEngines = async (): Promise<{ wasm: Engine; gpu: Engine }> => ({
  wasm: await openWasm('webgpu'),
  gpu: await openGpu(),
});

/** Makes the software adapter look like hardware. */
const pretendHardware = (): void => {
  vi.spyOn(GPUAdapterInfo.prototype, 'isFallbackAdapter', 'get').mockReturnValue(false);
};

afterEach(() => {
  vi.restoreAllMocks();
});

describeOn(['wasm', 'webgpu'], 'an engine', (device) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = device === 'wasm' ? await openWasm('wasm') : await openGpu();
    return () => engine.close();
  });

  test('tracks the scene', async () => {
    const text = await (await fetch(blobModel('landmarks.json'))).text();
    const tracker = engine.createTracker({ landmarkSet: parseLandmarkSet(text), smoothing: false });
    const errors: number[] = [];
    for (const seconds of times(5)) {
      const frame = sceneFrame(seconds);
      errors.push(errorOf(await tracker.step(frame, seconds)));
      frame.close();
    }
    expect(errors.at(-1)).toBeLessThan(2);
  });
});

describeOn(['webgpu'], 'the choice of an engine', () => {
  test('WebGPU gives the same landmarks as wasm, from the VideoFrame on', async () => {
    const { wasm, gpu } = await openEngines();
    const text = await (await fetch(blobModel('landmarks.json'))).text();
    const { references } = parseLandmarkSet(text);
    const frame = sceneFrame(0.2);
    const roi = { center: { x: 160, y: 120 }, size: 170, rotation: 0.1 };
    const [onWasm, onGpu] = [
      await wasm.matchSquare(frame, roi, references),
      await gpu.matchSquare(frame, roi, references),
    ];
    frame.close();
    expect(onGpu).toHaveLength(18);
    onWasm.forEach((value, index) => {
      expect(Math.abs(onGpu[index] - value)).toBeLessThan(0.01);
    });
    await Promise.all([wasm.close(), gpu.close()]);
  });

  test('WebGPU is not chosen where it is slower than wasm, and the check says so', async () => {
    const [wasm, gpu] = [await openWasmModel('webgpu'), await openGpu()];
    const verdict = await compareEngines({ candidate: gpu, judge: wasm, rival: wasm });
    expect(verdict).toMatchObject({ isBetter: false });
    expect(verdict.isBetter ? '' : verdict.reason).toContain('slower');
    const slowWasm: Model = {
      ...wasm,
      match: async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return wasm.match(...given);
      },
    };
    expect(await compareEngines({ candidate: gpu, judge: wasm, rival: slowWasm })).toEqual({
      isBetter: true,
    });
    await Promise.all([wasm.close(), gpu.close()]);
  });

  test('WebGPU is not chosen where it gives other landmarks', async () => {
    const [wasm, gpu] = [await openWasmModel('webgpu'), await openGpu()];
    const wrong: Engine = {
      ...gpu,
      matchSquare: async (...given) => {
        const matches = await gpu.matchSquare(...given);
        return matches.map((value, index) => (index === 3 ? value + 1 : value));
      },
    };
    const verdict = await compareEngines({ candidate: wrong, judge: wasm, rival: wasm });
    expect(verdict).toMatchObject({ isBetter: false });
    expect(verdict.isBetter ? '' : verdict.reason).toContain('other landmarks');
    await Promise.all([wasm.close(), gpu.close()]);
  });

  test('auto passes a software adapter by, and says why', async () => {
    const manifest = await fetchManifest(blobModel);
    const chosen = await chooseEngine({
      urls: blobModel,
      manifest,
      runtime: runtimeFiles,
      parts,
      device: 'auto',
      precision: 'auto',
    });
    expect(chosen.engine.device).toBe('wasm');
    expect(chosen.note).toContain('on the CPU');
    await chosen.engine.close();
  });

  test('auto measures a hardware adapter before it takes it', async () => {
    pretendHardware();
    const manifest = await fetchManifest(blobModel);
    const chosen = await chooseEngine({
      urls: blobModel,
      manifest,
      runtime: runtimeFiles,
      parts,
      device: 'auto',
      precision: 'auto',
    });
    expect(chosen.engine.device).toBe('wasm');
    expect(chosen.note).toContain('slower than wasm');
    await chosen.engine.close();
  });
});

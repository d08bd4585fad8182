import { expect, test } from 'vitest';
import { openGpuDevice } from '../../src/model/gpu-device.ts';
import {
  createWebSession,
  fetchManifest,
  fetchModelFile,
  loadWebRuntime,
} from '../../src/model/session-web.ts';
import { blobModel, runtimeFiles } from './runtime-files.ts';

test('wasm and WebGPU give the same landmarks', async () => {
  const t0 = performance.now();
  const manifest = await fetchManifest(blobModel);
  const bytes = await fetchModelFile(blobModel, manifest.files.model);
  const { device, isSoftware } = await openGpuDevice();
  console.log('device', isSoftware, performance.now() - t0);
  const runtime = await loadWebRuntime(runtimeFiles.webgpu);
  console.log('runtime', performance.now() - t0);
  const onWasm = await createWebSession({ runtime, manifest, bytes, precision: 'fp32' });
  console.log('wasm session', performance.now() - t0);
  const onGpu = await createWebSession({ runtime, manifest, bytes, precision: 'fp32', gpu: device });
  console.log('gpu session', performance.now() - t0);
  const image = Float32Array.from({ length: 2 * 3 * 96 * 96 }, (_, i) => Math.sin(i * 0.37) * 0.5 + 0.5);
  const references = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const [a, b] = await Promise.all([onWasm.match(image, references), onGpu.match(image, references)]);
  console.log('runs', performance.now() - t0, device.features.size, crossOriginIsolated);
  console.log(a.slice(0, 6), b.slice(0, 6));
  a.forEach((value, index) => {
    expect(b[index]).toBeCloseTo(value, 3);
  });
  await onWasm.close();
  await onGpu.close();
});

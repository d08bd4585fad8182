import { beforeAll, expect, it } from 'vitest';
import { openGpuDevice } from '../../../src/model/gpu-device.ts';
import type { WebRuntime } from '../../../src/model/model-web.ts';
import { loadWebRuntime } from '../../../src/model/model-web.ts';
import type { OperatorCase } from '../../fixtures/operator-cases.ts';
import { operatorCases, worstDifference } from '../../fixtures/operator-cases.ts';
import { runtimeFiles } from '../runtime-files.ts';
import { describeOn } from './on-devices.ts';

let runtime: WebRuntime;
let gpu: GPUDevice;

const run = async ({ bytes, feeds }: OperatorCase, device: 'wasm' | 'webgpu') => {
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [device === 'webgpu' ? { name: 'webgpu', device: gpu } : 'wasm'],
    logSeverityLevel: 3,
  });
  const tensors = Object.entries(feeds).map(
    ([name, { data, shape }]) => [name, new runtime.Tensor('float32', data, shape)] as const,
  );
  const outputs = await session.run(Object.fromEntries(tensors));
  const copied = session.outputNames.map(
    (name) => [name, Float32Array.from(outputs[name].data as Float32Array)] as const,
  );
  await session.release();
  return Object.fromEntries(copied);
};

describeOn(['webgpu'], 'an operator', () => {
  beforeAll(async () => {
    gpu = (await openGpuDevice()).device;
    runtime = await loadWebRuntime(runtimeFiles.webgpu);
  });

  it.each(operatorCases())('$name gives the numbers of wasm', async (operatorCase) => {
    const difference = worstDifference(await run(operatorCase, 'webgpu'), await run(operatorCase, 'wasm'));
    expect(difference).toBeLessThan(1e-4);
  });
});

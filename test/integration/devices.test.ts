import { describe, expect, it } from 'vitest';
import type { NodeRuntime } from '../../src/model/runtime-node.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import type { OperatorCase } from '../fixtures/operator-cases.ts';
import { operatorCases, worstDifference } from '../fixtures/operator-cases.ts';

const run = async (runtime: NodeRuntime, { bytes, feeds }: OperatorCase) => {
  const session = await runtime.InferenceSession.create(bytes, runtime.sessionOptions);
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

const wasm = await loadNodeRuntime({ device: 'wasm', threads: 1 });
const native = await loadNodeRuntime({ threads: 1 });

describe.skipIf(native.device !== 'cpu')(
  'onnxruntime-node and onnxruntime-web (wasm) give the same numbers',
  () => {
    it.each(operatorCases())('$name', async (operatorCase) => {
      const difference = worstDifference(await run(native, operatorCase), await run(wasm, operatorCase));
      expect(difference).toBeLessThan(1e-4);
    });
  },
);

import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import { ModelError } from '../../src/errors.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import type { Runtime } from '../../src/model/model.ts';
import { exportNetwork } from '../../src/train/network/export.ts';
import { importWeights } from '../../src/train/network/import-weights.ts';
import type { NetworkKind, NetworkSettings } from '../../src/train/network/networks.ts';
import {
  initialParameters,
  initialStatistics,
  parameterLayout,
  slotData,
} from '../../src/train/network/training-network.ts';

const inputSize = 32;
const settingsOf = (kind: NetworkKind, embeddingSize = 8): NetworkSettings => ({
  ...{ kind, embeddingSize },
  widths: [8, 12, 16],
});

let runtime: Runtime;
beforeAll(async () => {
  runtime = await loadNodeRuntime({ threads: 1 });
});

/** A network as after a training: no batch norm is an identity. */
const trainedNetwork = (kind: NetworkKind) => {
  const network = settingsOf(kind);
  const layout = parameterLayout(network, inputSize);
  const random = createRandom(4);
  const parameters = initialParameters(layout, random);
  for (const slot of layout.parameters) {
    if (slot.name.endsWith('.weight')) continue;
    const data = slotData(parameters, slot);
    data.forEach((value, i) => (data[i] = 0.8 * value + 0.2 * random.normal()));
  }
  const statistics = initialStatistics(layout).map((value) => value + 0.3 * random.uniform());
  return { network, layout, model: exportNetwork(layout, { parameters, statistics }, network, inputSize) };
};

const crops = (): Float32Array => {
  const random = createRandom(9);
  return Float32Array.from({ length: 6 * 3 * inputSize ** 2 }, () => random.uniform());
};

const weightsOf = (model: Uint8Array): Map<string, Float32Array> =>
  new Map(
    decodeModel(model).initializers.flatMap(({ value, bytes }) =>
      /\.(weight|bias)$/.test(value.name)
        ? [[value.name, new Float32Array(Uint8Array.from(bytes).buffer)] as const]
        : [],
    ),
  );

describe('weights of an exported network', () => {
  it.each(['light', 'smallnet'] as const)('of %s export to the same network again', async (kind) => {
    const { network, layout, model } = trainedNetwork(kind);
    const weights = await importWeights(model, layout, { runtime, network, inputSize, crops: crops() });
    const before = weightsOf(model);
    const after = weightsOf(exportNetwork(layout, weights, network, inputSize));
    expect(after.size).toBe(before.size);
    expect(before.size).toBeGreaterThan(5);
    for (const [name, values] of before) {
      const again = after.get(name) ?? new Float32Array(values.length).fill(NaN);
      const difference = values.reduce((most, value, i) => Math.max(most, Math.abs(value - again[i])), 0);
      expect(difference).toBeLessThan(1e-5);
    }
    // Batch statistics in training would otherwise be another network than running ones in the export.
    const variances = layout.statistics.filter(({ name }) => name.endsWith('.variance'));
    const all = variances.flatMap((slot) => [...slotData(weights.statistics, slot)]);
    expect(Math.max(...all.map((value) => Math.abs(value - 1)))).toBeGreaterThan(0.1);
  });

  it('are refused where the config asks for other sizes', async () => {
    const { model } = trainedNetwork('light');
    const network = settingsOf('light', 12);
    const layout = parameterLayout(network, inputSize);
    const read = importWeights(model, layout, { runtime, network, inputSize, crops: crops() });
    await expect(read).rejects.toThrow(ModelError);
    await expect(read).rejects.toThrow(/"embedding.weight" .* \[12, 8, 1, 1\] .* \[8, 8, 1, 1\]/);
  });

  it('of hourglass are refused, which normalises what no convolution put out', async () => {
    const network: NetworkSettings = { kind: 'hourglass', embeddingSize: 8, widths: [] };
    const layout = parameterLayout(network, 64);
    const options = { runtime, network, inputSize: 64, crops: new Float32Array(3 * 64 * 64) };
    await expect(importWeights(new Uint8Array(), layout, options)).rejects.toThrow(/Start from a checkpoint/);
  });
});

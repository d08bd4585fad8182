import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { exportNetwork } from '../../src/train/network/export.ts';
import type { NetworkSettings } from '../../src/train/network/networks.ts';
import { checkInputSize, defaultNetwork, networkStride } from '../../src/train/network/networks.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  initialParameters,
  initialStatistics,
  parameterLayout,
} from '../../src/train/network/training-network.ts';

const at64 = (kind: NetworkSettings['kind']): NetworkSettings => ({
  ...defaultNetwork,
  kind,
  embeddingSize: 64,
});

/** Multiplications and additions of all convolutions of an exported network, one picture. */
const flops = (network: NetworkSettings, inputSize: number): number => {
  const layout = parameterLayout(network, inputSize);
  const weights = {
    parameters: initialParameters(layout, createRandom(1)),
    statistics: initialStatistics(layout),
  };
  const { nodes, initializers } = decodeModel(exportNetwork(layout, weights, network, inputSize));
  const shapes = new Map(initializers.map(({ value }) => [value.name, value.shape.map(Number)]));
  const sides = new Map([['image', inputSize]]);
  let total = 0;
  for (const { operator, inputs, outputs, attributes } of nodes) {
    const side = sides.get(inputs[0]) ?? 0;
    const shape = shapes.get(inputs[1]) ?? [];
    const strides = 'strides' in attributes ? attributes.strides : undefined;
    const [stride] = strides?.kind === 'ints' ? strides.value : [1];
    let next = side;
    if (operator === 'Conv') {
      next = side / stride;
      const [channels, taps, kh, kw] = shape;
      total += 2 * next * next * channels * taps * kh * kw;
    } else if (operator === 'AveragePool' || operator === 'MaxPool') next = side / 2;
    else if (operator === 'Resize') next = side * 2;
    for (const output of outputs) sides.set(output, next);
  }
  return total;
};

describe('networks', () => {
  it('smallnet and hourglass have the parameter counts of the paper at 64-D', () => {
    expect(parameterLayout(at64('smallnet'), 96).parameterCount).toBe(350_552);
    expect(parameterLayout(at64('hourglass'), 96).parameterCount).toBe(12_609_472);
  });

  it.each(['light', 'smallnet', 'hourglass'] as const)(
    'the map of %s has the stride that it states',
    (kind) => {
      const network = at64(kind);
      const layout = parameterLayout(network, 96);
      const parameters = new Float32Array(layout.parameterCount);
      const weights = { parameters, statistics: initialStatistics(layout) };
      const { outputs } = decodeModel(exportNetwork(layout, weights, network, 96));
      const shape = outputs.find(({ name }) => name === 'embedding')?.shape;
      expect(shape?.slice(1).map(Number)).toEqual([
        64,
        96 / networkStride(network),
        96 / networkStride(network),
      ]);
    },
  );

  it('light stays within 1.1 M parameters and 0.3 GFLOP at 96×96', () => {
    expect(parameterLayout(defaultNetwork, 96).parameterCount).toBeLessThanOrEqual(1_100_000);
    const total = flops(defaultNetwork, 96);
    expect(total).toBeGreaterThan(0.1e9);
    expect(total).toBeLessThanOrEqual(0.3e9);
  });

  it('light sees the whole crop: its deepest map has 3×3 cells at 96×96', () => {
    const layout = parameterLayout(defaultNetwork, 96);
    expect(96 / 2 ** defaultNetwork.widths.length).toBe(3);
    expect(layout.parameters.some(({ name }) => name.startsWith('down4.1'))).toBe(true);
  });

  it('parameters lie side by side in the flat vector, without gaps', () => {
    const { parameters, parameterCount } = parameterLayout(at64('hourglass'), 64);
    let end = 0;
    for (const { offset, shape } of parameters) {
      expect(offset).toBe(end);
      end += shape.reduce((product, dim) => product * dim, 1);
    }
    expect(end).toBe(parameterCount);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
  });

  it('an input side that does not halve evenly is refused with the multiple to use', () => {
    expect(() => {
      checkInputSize(defaultNetwork, 90);
    }).toThrow(
      new InputError(
        'inputSize is 90 but network "light" halves its input down to 1/32. Use a multiple of 32.',
      ),
    );
  });

  it('channel counts that WebGPU computes wrongly are refused', () => {
    expect(() => {
      checkInputSize({ ...defaultNetwork, widths: [6, 8, 8] }, 96);
    }).toThrow(/has 6 channels somewhere .* Use multiples of 4/);
  });
});

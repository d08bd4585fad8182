import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { createKnownWarp, evaluateFlow, flowAccuracy } from '../../src/evaluation/evaluate-flow.ts';
import { readFlowFile } from '../../src/flow/flow-file.ts';
import {
  disFlow,
  flowValidity,
  rgbToGray,
  type FlowField,
  type GrayImage,
} from '../../src/flow/optical-flow.ts';
import { createRandom } from '../../src/augment/random.ts';

/** Smooth random texture: sums of waves, so that it can be read anywhere without interpolation. */
const createTexture = (seed: number): ((x: number, y: number) => number) => {
  const random = createRandom(seed);
  const waves = Array.from({ length: 40 }, () => {
    const length = random.uniform(6, 40);
    const angle = random.uniform(0, 2 * Math.PI);
    return {
      kx: (2 * Math.PI * Math.cos(angle)) / length,
      ky: (2 * Math.PI * Math.sin(angle)) / length,
      phase: random.uniform(0, 7),
    };
  });
  return (x, y) => {
    let sum = 0;
    for (const { kx, ky, phase } of waves) sum += Math.sin(kx * x + ky * y + phase);
    return 128 + 12 * sum;
  };
};

const paint = (width: number, height: number, value: (x: number, y: number) => number): GrayImage => ({
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))),
});

const constantFlow = (width: number, height: number, x: number, y: number): FlowField => ({
  width,
  height,
  x: new Float32Array(width * height).fill(x),
  y: new Float32Array(width * height).fill(y),
});

const everywhere = (flow: FlowField): Uint8Array => new Uint8Array(flow.x.length).fill(1);

describe('disFlow', () => {
  const texture = createTexture(1);

  test('two equal pictures have no motion', () => {
    const picture = paint(64, 48, texture);
    const flow = disFlow(picture, picture);
    expect(Math.max(...flow.x.map(Math.abs), ...flow.y.map(Math.abs))).toBeLessThan(0.01);
  });

  test('a shift is found with its sign, x before y, in a picture of odd size', () => {
    const [width, height] = [101, 75];
    const a = paint(width, height, texture);
    const b = paint(width, height, (x, y) => texture(x - 5.3, y + 2.6));
    const truth = {
      flow: constantFlow(width, height, 5.3, -2.6),
      known: new Uint8Array(width * height).fill(1),
    };
    const forward = disFlow(a, b);
    const result = flowAccuracy(forward, flowValidity(forward, disFlow(b, a)), truth);
    expect(result.epeMasked).toBeLessThan(0.05);
    expect(result.coverage).toBeGreaterThan(0.88);
  });

  test.each([
    [3, 1, 0.1, 0.94],
    [8, 1.08, 0.2, 0.83],
    [-12, 0.9, 0.3, 0.9],
    [15, 1.2, 0.4, 0.64],
  ])('a turn of %s° at scale %s is followed', async (degrees, scale, epe, coverage) => {
    const picture = paint(160, 160, texture);
    const { a, b, truth } = createKnownWarp(picture, { side: 112, degrees, scale, noise: 2, seed: 1 });
    const result = await evaluateFlow(a, b, truth, disFlow);
    expect(result.epeMasked).toBeLessThan(epe);
    expect(result.coverage).toBeGreaterThan(coverage);
  });

  test('a change of brightness and contrast is not taken for motion', () => {
    const a = paint(96, 96, texture);
    const b = paint(96, 96, (x, y) => 15 + 0.85 * texture(x - 2, y - 1));
    const flow = disFlow(a, b);
    const truth = { flow: constantFlow(96, 96, 2, 1), known: everywhere(flow) };
    expect(flowAccuracy(flow, everywhere(flow), truth).epe).toBeLessThan(0.35);
  });

  test('a picture without any texture gives a finite flow', () => {
    const flat = paint(40, 40, () => 90);
    const flow = disFlow(flat, flat);
    expect(flow.x.every(Number.isFinite) && flow.y.every(Number.isFinite)).toBe(true);
  });

  test('the smallest picture is as large as a patch', () => {
    const flow = disFlow(paint(8, 8, texture), paint(8, 8, texture));
    expect(flow.x.every(Number.isFinite)).toBe(true);
    expect(() => disFlow(paint(7, 20, texture), paint(7, 20, texture))).toThrow(InputError);
  });

  test('pictures of different sizes, or with too few values, are refused with both sizes', () => {
    const a = paint(32, 24, texture);
    expect(() => disFlow(a, paint(32, 32, texture))).toThrow('32×24 and 32×32');
    expect(() => disFlow(a, { ...a, data: new Float32Array(10) })).toThrow('768 values but has 10');
  });
});

describe('flowValidity', () => {
  test('a flow that comes back is valid, but not where it leaves the picture', () => {
    const valid = flowValidity(constantFlow(20, 10, 4, 0), constantFlow(20, 10, -4, 0));
    const row = [...valid.subarray(0, 20)];
    expect(row).toEqual([...Array<number>(16).fill(1), ...Array<number>(4).fill(0)]);
  });

  test('a flow that ends elsewhere on its way back is not valid', () => {
    const valid = flowValidity(constantFlow(20, 10, 4, 0), constantFlow(20, 10, -3, 0));
    expect(valid.some((value) => value !== 0)).toBe(false);
  });
});

describe('rgbToGray', () => {
  test('weighs the channels and ignores alpha', () => {
    expect(rgbToGray(Uint8Array.of(10, 20, 30), 1, 1).data[0]).toBeCloseTo(18.15, 4);
    expect(rgbToGray(Uint8Array.of(10, 20, 30, 0), 1, 1, 4).data[0]).toBeCloseTo(18.15, 4);
    expect(rgbToGray(Uint8Array.of(77), 1, 1, 1).data[0]).toBe(77);
  });
});

const data = join(process.env.DVE_DATA ?? '../shared/data', 'eval/flow');
if (!existsSync(data)) console.log(`skipped: figures of the optical flow (no ${data}; set DVE_DATA)`);

describe.skipIf(!existsSync(data))('figures of the optical flow', () => {
  const load = async (file: string): Promise<GrayImage> => {
    const { rgb, width, height } = await decodePicture(join(data, file));
    return rgbToGray(rgb, width, height);
  };

  test('RubberWhale: end-point error at most 0.115 px', async () => {
    const file = 'rubberwhale/flow10.flo';
    const truth = readFlowFile(await readFile(join(data, file)), file);
    const [a, b] = [await load('rubberwhale/frame10.png'), await load('rubberwhale/frame11.png')];
    const flow = disFlow(a, b);
    expect(flowAccuracy(flow, everywhere(flow), truth).epe).toBeLessThan(0.115);
  });

  test.each([
    [3, 1, 0.15, 0.14, 0.95],
    [8, 1.08, 0.85, 0.27, 0.83],
    [15, 1.2, 4.5, 0.95, 0.65],
  ])('known warp of %s° × %s', async (degrees, scale, epe, epeMasked, coverage) => {
    const options = { side: 256, degrees, scale, noise: 2, seed: 5 };
    const { a, b, truth } = createKnownWarp(await load('Dimetrodon_10.png'), options);
    const result = await evaluateFlow(a, b, truth, disFlow);
    expect(result.epe).toBeLessThan(epe);
    expect(result.epeMasked).toBeLessThan(epeMasked);
    expect(result.coverage).toBeGreaterThan(coverage);
  });
});

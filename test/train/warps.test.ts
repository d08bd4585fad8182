import { describe, expect, test } from 'vitest';
import { cropToImage } from '../../src/geometry/roi.ts';
import { defaultBatchSettings } from '../../src/train/settings/batch-settings.ts';
import {
  applyGridMap,
  createGridMap,
  gridMapJacobian,
  invertGridMap,
} from '../../src/train/views/grid-map.ts';
import type { GridMap } from '../../src/train/views/grid-map.ts';
import { createRandom } from '../../src/augment/random.ts';
import { correspond, createWarpSampler } from '../../src/train/views/warps.ts';
import type { PointMap, View } from '../../src/train/views/warps.ts';

const size = 96;
const picture = { width: 256, height: 240, base: defaultBatchSettings.base };
const wild = {
  ...defaultBatchSettings.geometric,
  rotationSd: 60,
  bendSd: 0.1,
  perspectiveSd: 0.2,
  turnSd: 0.1,
  wideScaleShare: 1,
};
const kinds = [
  { name: 'default', settings: defaultBatchSettings.geometric },
  { name: 'far wilder', settings: wild },
];

const pairsOf = (settings: typeof wild, count: number): [GridMap, GridMap][] => {
  const sampler = createWarpSampler(size, settings);
  return Array.from({ length: count }, (_, i) => sampler.drawPair(picture, createRandom(1, i)));
};

const viewOf = (map: GridMap): View => ({ map, ...picture, occluded: new Uint8Array(size * size) });

/** Correspondences of a pair, row-major over the query grid. */
const matchesOf = (source: View, target: View, queryGrid: number, between?: PointMap) => {
  const targets = new Float32Array(2 * queryGrid * queryGrid);
  const valid = new Float32Array(queryGrid * queryGrid);
  correspond(source, target, queryGrid, targets, valid, between);
  return { targets, valid };
};

describe('a grid map', () => {
  test('without a bend it is the rotated square of the ROI convention', () => {
    const roi = { center: { x: 100, y: 80 }, size: 150, rotation: 0.4 };
    const map = createGridMap(size, { center: roi.center, width: 150, height: 150, rotation: 0.4 });
    const out = new Float64Array(2);
    for (const point of [
      { x: 0, y: 0 },
      { x: 17.3, y: 88.1 },
      { x: 96, y: 96 },
    ]) {
      applyGridMap(map, point.x, point.y, out);
      const expected = cropToImage(point, roi, size);
      expect(out[0]).toBeCloseTo(expected.x, 9);
      expect(out[1]).toBeCloseTo(expected.y, 9);
    }
  });

  test.each(kinds)('map and inverse return every crop position ($name warps)', ({ settings }) => {
    const out = new Float64Array(2);
    const random = createRandom(2);
    let worst = 0;
    let lost = 0;
    for (const map of pairsOf(settings, 150).flat()) {
      for (let i = 0; i < 100; i++) {
        const x = random.uniform(0.01, size - 0.01);
        const y = random.uniform(0.01, size - 0.01);
        applyGridMap(map, x, y, out);
        if (invertGridMap(map, out[0], out[1], out)) {
          worst = Math.max(worst, Math.hypot(out[0] - x, out[1] - y));
        } else lost++;
      }
    }
    console.log(`inverse: worst error ${worst.toExponential(1)} px, ${lost} of 30000 positions lost`);
    expect(worst).toBeLessThan(0.05);
    // Newton's method may run in a circle across a kink; such a query is called invalid, which costs nothing.
    expect(lost).toBeLessThanOrEqual(settings === wild ? 60 : 0);
  });

  test('a position beyond the crop has no inverse', () => {
    const map = createGridMap(size, { center: { x: 50, y: 50 }, width: 40, height: 40, rotation: 0 });
    const out = new Float64Array(2);
    expect(invertGridMap(map, 29.9, 50, out)).toBe(false);
    expect(invertGridMap(map, 30.1, 50, out)).toBe(true);
    expect(invertGridMap(map, 1e6, -1e6, out)).toBe(false);
  });
});

describe('drawn pairs', () => {
  test.each(kinds)('no view is ever mirrored or folded ($name warps)', ({ settings }) => {
    let least = Infinity;
    for (const map of pairsOf(settings, 150).flat()) {
      for (let y = 0; y <= size; y += 4) {
        for (let x = 0; x <= size; x += 4) least = Math.min(least, gridMapJacobian(map, x, y));
      }
    }
    expect(least).toBeGreaterThan(0);
  });

  test('each view covers the rotations, scales and shifts that the settings ask for', () => {
    const { rotationSd, logScaleSd, translationSd } = defaultBatchSettings.geometric;
    const calm = { ...defaultBatchSettings.geometric, bendSd: 0, perspectiveSd: 0, turnSd: 0, aspectSd: 0 };
    const { base } = defaultBatchSettings;
    // Normal draws are cut at three deviations (−1.3 %); a thousand of them scatter by 2.2 %.
    const expectNear = (actual: number, asked: number): void => {
      expect(Math.abs(actual / asked - 1)).toBeLessThan(0.08);
    };
    for (const index of [0, 1] as const) {
      const maps = pairsOf({ ...calm, wideScaleShare: 0 }, 1000).map((pair) => pair[index]);
      const deviation = (values: number[]): number => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      };
      const out = new Float64Array(2);
      const poses = maps.map((map) => {
        const side = Math.hypot(map.x[map.cells] - map.x[0], map.y[map.cells] - map.y[0]);
        applyGridMap(map, size / 2, size / 2, out);
        return {
          rotation: Math.atan2(map.y[map.cells] - map.y[0], map.x[map.cells] - map.x[0]),
          logScale: Math.log(side / (base.side * picture.height)),
          shift: (out[0] - base.centerX * picture.width) / side,
        };
      });
      expectNear(deviation(poses.map((pose) => (pose.rotation * 180) / Math.PI)), rotationSd);
      expectNear(deviation(poses.map((pose) => pose.logScale)), logScaleSd);
      expectNear(deviation(poses.map((pose) => pose.shift)), translationSd);
    }
  });

  test('with wide scales, one view of each pair may be twice as near or as far', () => {
    const calm = { ...defaultBatchSettings.geometric, bendSd: 0, perspectiveSd: 0, turnSd: 0, aspectSd: 0 };
    const scales = pairsOf({ ...calm, wideScaleShare: 1 }, 500)
      .flat()
      .map((map) => Math.hypot(map.x[map.cells] - map.x[0], map.y[map.cells] - map.y[0]))
      .map((side) => side / (defaultBatchSettings.base.side * picture.height));
    expect(Math.min(...scales)).toBeLessThan(0.55);
    expect(Math.max(...scales)).toBeGreaterThan(1.85);
  });

  test('turning moves the middle of the object and leaves its rim', () => {
    const still = { ...wild, rotationSd: 0, bendSd: 0, perspectiveSd: 0, aspectSd: 0, translationSd: 0 };
    const settings = { ...still, logScaleSd: 0, wideScaleShare: 0, turnSd: 0.05 };
    const out = new Float64Array(2);
    const { base } = defaultBatchSettings;
    let moved = 0;
    for (const map of pairsOf(settings, 20).flat()) {
      applyGridMap(map, size / 2, size / 2, out);
      moved += Math.hypot(out[0] - base.centerX * picture.width, out[1] - base.centerY * picture.height);
      applyGridMap(map, 0, size / 2, out);
      expect(out[0]).toBeCloseTo(base.centerX * picture.width - (base.side * picture.height) / 2, 9);
    }
    expect(moved / 40).toBeGreaterThan(4);
  });
});

describe('correspondences', () => {
  test('source and target positions of every valid query meet at one picture position', () => {
    const out = new Float64Array(2);
    let seen = 0;
    for (const [source, target] of pairsOf(defaultBatchSettings.geometric, 60)) {
      const { targets, valid } = matchesOf(viewOf(source), viewOf(target), 24);
      valid.forEach((isValid, query) => {
        if (isValid === 0) return;
        seen++;
        applyGridMap(source, ((query % 24) + 0.5) * 4, (Math.floor(query / 24) + 0.5) * 4, out);
        const [x, y] = out;
        expect(x >= 0 && x <= picture.width && y >= 0 && y <= picture.height).toBe(true);
        applyGridMap(target, targets[2 * query], targets[2 * query + 1], out);
        expect(Math.hypot(out[0] - x, out[1] - y)).toBeLessThan(1e-3);
      });
    }
    expect(seen).toBeGreaterThan(20_000);
  });

  test('an occluder over the source or over the target makes its queries invalid', () => {
    const map = createGridMap(size, { center: { x: 128, y: 120 }, width: 100, height: 100, rotation: 0 });
    const hidden = viewOf(map);
    hidden.occluded.fill(1, 0, (size * size) / 2);
    for (const { valid } of [matchesOf(hidden, viewOf(map), 24), matchesOf(viewOf(map), hidden, 24)]) {
      expect(valid.subarray(0, 288).every((value) => value === 0)).toBe(true);
      expect(valid.subarray(288).every((value) => value === 1)).toBe(true);
    }
  });

  test('beyond the edge of the picture nothing is valid and every target stays finite', () => {
    const map = createGridMap(size, { center: { x: 0, y: 120 }, width: 100, height: 100, rotation: 0 });
    const { targets, valid } = matchesOf(viewOf(map), viewOf(map), 24);
    valid.forEach((value, query) => {
      expect(value).toBe(query % 24 < 12 ? 0 : 1);
    });
    expect(targets.every((value) => Number.isFinite(value))).toBe(true);
  });

  test('a map between two pictures, such as a flow, is composed with both views', () => {
    const map = createGridMap(size, { center: { x: 128, y: 120 }, width: 96, height: 96, rotation: 0 });
    const flow: PointMap = (x, y, out) => {
      out[0] = x + 5;
      out[1] = y - 3;
      return Number(x < 128);
    };
    const { targets, valid } = matchesOf(viewOf(map), viewOf(map), 24, flow);
    const query = 12 * 24 + 4;
    expect(valid[query]).toBe(1);
    expect(targets[2 * query]).toBeCloseTo(4.5 * 4 + 5, 4);
    expect(targets[2 * query + 1]).toBeCloseTo(12.5 * 4 - 3, 4);
    expect(valid[12 * 24 + 20]).toBe(0);
  });
});

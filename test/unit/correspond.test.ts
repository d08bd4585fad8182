import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import {
  cellPlace,
  correspondSquares,
  fieldOf,
  followField,
  matchSquares,
  pointsOf,
  type EmbeddedSquare,
  type MatchOptions,
} from '../../src/correspond/correspondence.ts';
import { checkCorrespondOptions } from '../../src/correspond/correspond-pictures.ts';
import { embedReference, liveFields } from '../../src/correspond/live-correspondence.ts';
import { matchMaps, missedBy, type CellMatches } from '../../src/correspond/match-maps.ts';
import { roughnessOf } from '../../src/correspond/roughness.ts';
import { meshMap, splineMap, warpPicture } from '../../src/correspond/warp-picture.ts';
import { InputError } from '../../src/errors.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import type { EmbeddingMap } from '../../src/landmarks/matching.ts';
import { matchInWindow } from '../../src/landmarks/matching.ts';
import type { Model } from '../../src/model/model.ts';

const side = 24;
const stride = 2;
const channels = 24;

/** A smooth embedding of the plane in which every place differs: waves of different directions, unit vectors. */
const embeddingAt = (x: number, y: number): number[] => {
  const vector = Array.from({ length: channels / 2 }, (_, k) => {
    const angle = (k * Math.PI * 2) / channels;
    const phase = (0.08 + 0.03 * (k % 3)) * (Math.cos(angle) * x + Math.sin(angle) * y);
    return [Math.cos(phase), Math.sin(phase)];
  }).flat();
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};

/** The plane seen through a shift, crop pixels. */
const shifted = (dx: number, dy: number): EmbeddingMap => {
  const data = new Float32Array(channels * side * side);
  for (let cell = 0; cell < side * side; cell++) {
    const x = ((cell % side) + 0.5) * stride + dx;
    const y = (Math.floor(cell / side) + 0.5) * stride + dy;
    embeddingAt(x, y).forEach((value, c) => (data[c * side * side + cell] = value));
  }
  return { data, channels, height: side, width: side, stride };
};

const size = side * stride;
const roi: Roi = { center: { x: 100, y: 80 }, size: 2 * size, rotation: 0.3 };
const square = (dx: number, dy: number, at: Roi = roi): EmbeddedSquare => ({
  roi: at,
  map: shifted(dx, dy),
});
const settings = { temperature: 0.002 };

describe('matchMaps', () => {
  it('finds what comparing every cell with every other finds', () => {
    const [a, b] = [shifted(0, 0), shifted(3.3, -2.1)];
    const { forward } = matchMaps(a, b, settings);
    const rows = new Float32Array(side * side * channels);
    for (let cell = 0; cell < side * side; cell++) {
      for (let c = 0; c < channels; c++) rows[cell * channels + c] = a.data[c * side * side + cell];
    }
    const whole = matchInWindow(b, rows, { temperature: settings.temperature, radius: 2 });
    let same = 0;
    for (let cell = 0; cell < side * side; cell++) {
      if (Math.hypot(forward.x[cell] - whole[3 * cell], forward.y[cell] - whole[3 * cell + 1]) < 1e-3) same++;
    }
    expect(same / (side * side)).toBeGreaterThan(0.99);
  });

  it('comes home from the middle, within a fraction of a cell', () => {
    const { forward, backward } = matchMaps(shifted(0, 0), shifted(3.3, -2.1), settings);
    const missed = missedBy(forward, backward, stride);
    for (let row = 6; row < side - 6; row++) {
      for (let column = 6; column < side - 6; column++) expect(missed[row * side + column]).toBeLessThan(0.7);
    }
  });
});

describe('roughnessOf', () => {
  const ones = new Float32Array(side * side).fill(1);
  const matchesOf = (place: (column: number, row: number) => [number, number]): CellMatches => {
    const places = Array.from({ length: side * side }, (_, cell) =>
      place(cell % side, Math.floor(cell / side)),
    );
    return {
      ...{ columns: side, rows: side, cosine: new Float32Array(side * side).fill(1) },
      ...{ x: Float32Array.from(places, ([x]) => x), y: Float32Array.from(places, ([, y]) => y) },
    };
  };

  it('is nothing where all are moved, turned, scaled and sheared together', () => {
    const rough = roughnessOf(
      matchesOf((c, r) => [5 + 1.7 * c - 0.4 * r, 30 + 0.3 * c + 0.6 * r]),
      ones,
    );
    rough.forEach((value) => {
      expect(value).toBeLessThan(1e-3);
    });
  });

  it('is what is left of the best affine map, at the rim as in the middle', () => {
    const wave = (c: number, r: number): [number, number] => [2 * c + Math.sin(2 * c + r), 2 * r];
    const rough = roughnessOf(matchesOf(wave), ones);
    for (const [column, row] of [
      [12, 12],
      [0, 3],
      [side - 1, side - 1],
    ]) {
      // Least squares over the window, by its normal equations.
      const cells: [number, number][] = [];
      for (let r = Math.max(0, row - 2); r <= Math.min(side - 1, row + 2); r++)
        for (let c = Math.max(0, column - 2); c <= Math.min(side - 1, column + 2); c++) cells.push([c, r]);
      const mean = (of: (c: number, r: number) => number): number =>
        cells.reduce((sum, [c, r]) => sum + of(c, r), 0) / cells.length;
      const [mc, mr, mx] = [mean((c) => c), mean((_, r) => r), mean((c, r) => wave(c, r)[0])];
      const slope = (of: (c: number, r: number) => number): number =>
        mean((c, r) => of(c, r) * (wave(c, r)[0] - mx)) / mean((c, r) => of(c, r) ** 2);
      const [alongC, alongR] = [slope((c) => c - mc), slope((_, r) => r - mr)];
      const left = mean((c, r) => (wave(c, r)[0] - mx - alongC * (c - mc) - alongR * (r - mr)) ** 2);
      const spare = cells.length / (cells.length - 3);
      expect(rough[row * side + column]).toBeCloseTo(Math.sqrt(left * spare), 3);
    }
  });

  it('is great where two surfaces part, and nowhere else', () => {
    const rough = roughnessOf(
      matchesOf((c, r) => [2 * c + (c < 12 ? 0 : 9), 2 * r]),
      ones,
    );
    expect(rough[12 * side + 12]).toBeGreaterThan(1);
    expect(rough[12 * side + 4]).toBeLessThan(1e-3);
  });

  it('does not count what has no weight: the object is even up to its edge', () => {
    const anywhere = (c: number, r: number): [number, number] => [(c * 37) % 48, (r * 29 + c * 11) % 48];
    const matches = matchesOf((c, r) => (c < 12 ? [2 * c + 5, 2 * r] : anywhere(c, r)));
    const weights = Float32Array.from({ length: side * side }, (_, cell) => (cell % side < 12 ? 1 : 0));
    expect(roughnessOf(matches, weights)[12 * side + 11]).toBeLessThan(1e-2);
    expect(roughnessOf(matches, ones)[12 * side + 11]).toBeGreaterThan(1);
  });
});

describe('a correspondence', () => {
  const target: Roi = { center: { x: 300, y: 200 }, size, rotation: 0 };
  const a = square(0, 0);
  const b = square(4, 2, target);
  const field = correspondSquares(a, [b], settings);

  it('takes the middle of one square to where the other shows it, in pixels of the pictures', () => {
    // What lies at crop place p of the first lies at p − (4, 2) of the second, whose crop has the picture's scale.
    const there = followField(field, roi.center);
    expect(there?.x).toBeCloseTo(target.center.x - 4, 0);
    expect(there?.y).toBeCloseTo(target.center.y - 2, 0);
    expect(there?.mutual).toBe(true);
    expect(there?.confidence).toBeGreaterThan(0.9);
    const [point] = pointsOf(matchSquares(a, [b], settings, [roi.center]), settings);
    expect(point.x).toBeCloseTo(target.center.x - 4, 1);
    expect(point.y).toBeCloseTo(target.center.y - 2, 1);
    expect(point.mutual).toBe(true);
  });

  it('says nothing outside of its square', () => {
    expect(followField(field, { x: 100 + 2 * size, y: 80 })).toBeUndefined();
  });

  it('does not come home from what the other picture does not show', () => {
    // The leftmost cells moved out of the second picture.
    const cell = (side >> 1) * side;
    expect(field.mutual[cell]).toBe(0);
    expect(field.confidences[cell]).toBeLessThan(field.confidences[cell + (side >> 1)]);
  });

  it('does not keep what comes home beside a tear; where anything may be rough it does', () => {
    // Right of its middle the first picture shows a place that lies six pixels further on.
    const torn: EmbeddedSquare = { roi, map: shifted(0, 0) };
    const further = shifted(6, 0);
    for (let i = 0; i < torn.map.data.length; i++) {
      if (i % side >= side >> 1) torn.map.data[i] = further.data[i];
    }
    const matches = matchSquares(torn, [b], settings);
    const [middle, beside] = [10 * side + 5, 10 * side + 11];
    const kept = fieldOf(matches, settings);
    const all = fieldOf(matches, { ...settings, roughness: 1 });
    expect([kept.mutual[middle], all.mutual[middle]]).toEqual([1, 1]);
    expect([kept.mutual[beside], all.mutual[beside]]).toEqual([0, 1]);
    expect(kept.confidences[beside]).toBeLessThan(all.confidences[beside] / 2);
    const asked = matchSquares(torn, [b], settings, [cellPlace(kept, 11, 10)]);
    const mutualAt = (options: MatchOptions): boolean => pointsOf(asked, options)[0].mutual;
    expect(mutualAt(settings)).toBe(false);
    expect(mutualAt({ ...settings, roughness: 1 })).toBe(true);
  });

  it('takes the resolution at which a point is surest', () => {
    const wrong: EmbeddedSquare = { roi: target, map: shifted(200, 150) };
    const [point] = pointsOf(matchSquares(a, [wrong, b], settings, [roi.center]), settings);
    expect(point.x).toBeCloseTo(target.center.x - 4, 1);
    const both = correspondSquares(a, [wrong, b], settings);
    const at = (side >> 1) * side + (side >> 1);
    expect(both.places[2 * at]).toBeCloseTo(field.places[2 * at], 1);
  });

  it('warps the second picture into the shape of the first, by mesh and by spline', () => {
    const width = 400;
    const picture = { data: new Uint8Array(width * 300 * 3), width, height: 300, channels: 3 as const };
    // Brightness tells the column.
    for (let i = 0; i < width * 300; i++) picture.data.fill((i % width) >> 1, 3 * i, 3 * i + 3);
    for (const map of [meshMap(field), splineMap(field)]) {
      const warped = warpPicture(picture, map, { width: 200, height: 160 });
      const at = 4 * (80 * 200 + 100);
      expect(warped.data[at + 3]).toBe(255);
      expect(Math.abs(warped.data[at] - (target.center.x - 4) / 2)).toBeLessThan(2);
    }
    expect(warpPicture(picture, meshMap(field), { width: 200, height: 160 }).data[3]).toBe(0);
  });

  it('has a place for every cell', () => {
    const place = cellPlace(field, 0, 0);
    const back = followField(field, place);
    expect(back?.x).toBeCloseTo(field.places[0], 3);
  });

  it('lays no spline through nothing', () => {
    const none = { ...field, mutual: new Uint8Array(side * side) };
    expect(() => splineMap(none)).toThrow(InputError);
  });
});

describe('a live correspondence', () => {
  const manifest = {
    inputSize: size,
    stride,
    embeddingSize: channels,
    ...{ temperature: 0.002, cropMargin: 1 },
  };
  const image = { data: new Uint8Array(300 * 200 * 3), width: 300, height: 200, channels: 3 as const };
  const upright: Roi = { center: { x: 150, y: 100 }, size: 2 * size, rotation: 0 };
  /** Where the frame shows the plane: what lies at (x, y) of the seen square's crop is place (x + 4, y + 2) of the plane. */
  const seen = [{ id: 3, timestamp: 1.5, roi: upright, embedding: shifted(4, 2).data as Float32Array }];
  /** Opens a reference whose squares show the given embeddings one after the other. */
  const open = (maps: EmbeddingMap[], options: object) => {
    const left = [...maps];
    const model = {
      manifest: { ...manifest, category: 'plane' },
      embed: () => Promise.resolve(left.shift()?.data),
    } as unknown as Model;
    return embedReference(model, undefined, { image, roi: upright }, options);
  };
  const fieldFor = async (maps: EmbeddingMap[], options: object) => {
    const [{ id, timestamp, field }] = liveFields(await open(maps, options), seen, {
      manifest: { ...manifest, category: 'plane' },
    });
    expect([id, timestamp, field.from]).toEqual([3, 1.5, upright]);
    return field;
  };

  it('looks at the reference in several resolutions where it is told to', async () => {
    // The network recognises the plane only where the square is half as large.
    const random = createRandom(1);
    const other: EmbeddingMap = {
      ...shifted(0, 0),
      data: shifted(0, 0).data.map(() => random.normal(0, 0.2)),
    };
    const options = { tolerance: 0.06, roughness: 0.03 };
    const near = await fieldFor([other, shifted(0, 0)], { ...options, pyramid: [1, 2] });
    const middle = followField(near, upright.center);
    // The middle of the half square is the middle of the plane's crop, 4 and 2 crop pixels further in the frame.
    expect(middle?.x).toBeCloseTo(upright.center.x - 4 * (upright.size / size), 0);
    expect(middle?.y).toBeCloseTo(upright.center.y - 2 * (upright.size / size), 0);
    expect(middle?.mutual).toBe(true);
    const one = await fieldFor([other], options);
    expect(followField(one, upright.center)?.mutual).toBe(false);
  });

  it('knows nothing of what a resolution does not show', async () => {
    const field = await fieldFor([shifted(0, 0)], { pyramid: [2] });
    expect([field.confidences[0], field.mutual[0]]).toEqual([0, 0]);
  });

  it('refuses points, which it would not look for', async () => {
    await expect(open([], { points: [{ x: 1, y: 1 }] })).rejects.toThrow(
      /takes no points\. Ask followField\(\)/,
    );
    await expect(open([], { pyramid: [0] })).rejects.toThrow(InputError);
  });
});

describe('checkCorrespondOptions', () => {
  it.each<[object, RegExp]>([
    [{ points: [{ x: NaN, y: 1 }] }, /points\[0\] is \(NaN, 1\)/],
    [{ points: 'tip' }, /points is "tip"\. Give a list/],
    [{ points: [null] }, /points\[0\] is null\. Give \{ x, y \}/],
    [{ pyramid: 2 }, /pyramid is 2\. Give 1 to 8/],
    [{ pyramid: [] }, /pyramid is \[\]/],
    [{ pyramid: [1, -1] }, /pyramid is \[1, -1\]/],
    [{ tolerance: 0 }, /tolerance is 0/],
    [{ roughness: NaN }, /roughness is NaN/],
    [{ tolerence: 0.1 }, /no option "tolerence"/],
  ])('refuses %o', (options, message) => {
    expect(() => {
      checkCorrespondOptions(options);
    }).toThrow(message);
  });
});

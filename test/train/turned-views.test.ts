import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { defaultTurns } from '../../src/train/settings/turn-settings.ts';
import { createTurnedPool } from '../../src/train-node/turned-pool.ts';
import type { SolidPoint } from '../../src/train/pairs/turned-views.ts';
import { createTurner } from '../../src/train/pairs/turned-views.ts';

const side = 128;
const degrees = Math.PI / 180;

/** A picture whose colour tells the place: red is x, green is y. */
const ramp = (): RawPicture => {
  const rgb = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    rgb[3 * i] = 2 * (i % side);
    rgb[3 * i + 1] = 2 * Math.floor(i / side);
  }
  return { file: 'ramp', width: side, height: side, rgb };
};

/** Points on the front of an ellipsoid in the middle of the picture, its nearest point in the centre. */
const dome = (): SolidPoint[] => {
  const points: SolidPoint[] = [];
  for (let v = -0.9; v <= 0.9; v += 0.15) {
    for (let u = -0.9; u <= 0.9; u += 0.15) {
      if (u * u + v * v > 0.85) continue;
      points.push({ x: 64 + 36 * u, y: 64 + 44 * v, depth: -36 * Math.sqrt(1 - u * u - v * v) });
    }
  }
  return points;
};

const center = 64 * side + 64;

describe('turned views of a still', () => {
  it('do not move anything at turn 0', () => {
    const still = ramp();
    const { picture, flow, weights } = createTurner(still, dome())({ yaw: 0, pitch: 0 });
    expect(Math.max(...flow.x.map(Math.abs))).toBeLessThan(1e-3);
    expect(Math.max(...flow.y.map(Math.abs))).toBeLessThan(1e-3);
    expect(weights[center]).toBe(255);
    const inside = (64 * side + 30) * 3;
    expect(Math.abs(picture.rgb[inside] - still.rgb[inside])).toBeLessThanOrEqual(2);
  });

  it('show, where the flow leads, what the still shows where it starts', () => {
    const still = ramp();
    const turn = createTurner(still, dome());
    for (const [yaw, pitch] of [
      [20, 0],
      [-35, 10],
      [15, -20],
    ]) {
      const { picture, flow, weights } = turn({ yaw: yaw * degrees, pitch: pitch * degrees });
      let compared = 0;
      let total = 0;
      for (let i = 0; i < side * side; i++) {
        if (weights[i] !== 255) continue;
        const x = Math.floor((i % side) + 0.5 + flow.x[i]);
        const y = Math.floor(Math.floor(i / side) + 0.5 + flow.y[i]);
        const to = (y * side + x) * 3;
        // Half a pixel of rounding on either side, stretched by the turn.
        total += Math.abs(picture.rgb[to] - still.rgb[3 * i]) / 2;
        total += Math.abs(picture.rgb[to + 1] - still.rgb[3 * i + 1]) / 2;
        compared += 1;
      }
      expect(compared).toBeGreaterThan(1500);
      expect(total / compared).toBeLessThan(1.2);
    }
  });

  it('move the near middle against the rim, to the side that it turns to', () => {
    const turn = createTurner(ramp(), dome());
    const rim = 64 * side + 32;
    const right = turn({ yaw: -20 * degrees, pitch: 0 }).flow;
    expect(right.x[center]).toBeGreaterThan(right.x[rim] + 3);
    const left = turn({ yaw: 20 * degrees, pitch: 0 }).flow;
    expect(left.x[center]).toBeLessThan(left.x[rim] - 3);
    expect(Math.abs(left.y[center])).toBeLessThan(1);
  });

  it('leave out what the turn hides', () => {
    const turn = createTurner(ramp(), dome());
    const visible = (weights: Uint8Array): number => weights.filter((weight) => weight > 0).length;
    const straight = visible(turn({ yaw: 0, pitch: 0 }).weights);
    const aside = visible(turn({ yaw: 50 * degrees, pitch: 0 }).weights);
    expect(aside).toBeLessThan(0.95 * straight);
    expect(aside).toBeGreaterThan(0.3 * straight);
  });
});

describe('a pool of turned views', () => {
  const withFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'dve-turned-'));
    try {
      await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const base = { centerX: 0.5, centerY: 0.5, side: 1 };
  const points = dome().map(({ x, y, depth }) => [x, y, depth]);

  it('holds the asked-for views of every picture, the same ones for the same seed', async () => {
    await withFolder(async (folder) => {
      const { rgb } = ramp();
      await sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
        .png()
        .toFile(join(folder, 'a.png'));
      const meshes = join(folder, 'meshes.json');
      await writeFile(meshes, JSON.stringify({ items: [{ image: 'a.png', size: [side, side], points }] }));
      const settings = { ...defaultTurns, perPicture: 2, side: 64 };
      const pool = await createTurnedPool(folder, meshes, settings, base, 1);
      expect(pool.pairs).toHaveLength(2);
      expect(pool.videos).toEqual(['a.png']);
      const again = await createTurnedPool(folder, meshes, settings, base, 1);
      expect(Buffer.compare(Buffer.from(again.bytes), Buffer.from(pool.bytes))).toBe(0);
      const other = await createTurnedPool(folder, meshes, settings, base, 2);
      expect(Buffer.compare(Buffer.from(other.bytes), Buffer.from(pool.bytes))).not.toBe(0);
    });
  });

  it('leaves out, by name, pictures whose object is too small, and refuses a file of nothing else', async () => {
    await withFolder(async (folder) => {
      const raw = { width: side, height: side, channels: 3 as const };
      for (const name of ['a.png', 'b.png']) {
        await sharp(ramp().rgb, { raw }).png().toFile(join(folder, name));
      }
      const [large, small] = [
        { image: 'a.png', size: [side, side], points },
        {
          image: 'b.png',
          size: [side, side],
          points: points.map((point) => point.map((value) => value / 7)),
        },
      ];
      const meshes = join(folder, 'meshes.json');
      const settings = { ...defaultTurns, perPicture: 1, side: 64 };
      await writeFile(meshes, JSON.stringify({ items: [small, large] }));
      const skipped: string[] = [];
      const pool = await createTurnedPool(folder, meshes, settings, base, 1, (message) =>
        skipped.push(message),
      );
      expect(pool.pairs.map(({ video }) => pool.videos[video])).toEqual(['a.png']);
      expect(skipped).toEqual([expect.stringMatching(/^b\.png gives no turned views: .* 8 % .* 15 %/)]);
      await writeFile(meshes, JSON.stringify({ items: [small] }));
      await expect(createTurnedPool(folder, meshes, settings, base, 1)).rejects.toThrow(/all 1 pictures/);
    });
  });

  it('refuses a file of another form and a picture that is not there', async () => {
    await withFolder(async (folder) => {
      const meshes = join(folder, 'meshes.json');
      await writeFile(meshes, '{"items":[{"image":"a.png"}]}');
      await expect(createTurnedPool(folder, meshes, defaultTurns, base, 1)).rejects.toThrow(InputError);
      await writeFile(meshes, JSON.stringify({ items: [{ image: 'gone.png', size: [side, side], points }] }));
      await expect(createTurnedPool(folder, meshes, defaultTurns, base, 1)).rejects.toThrow(
        /names gone\.png/,
      );
    });
  });
});

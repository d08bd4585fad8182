import { describe, expect, it } from 'vitest';
import type { Roi } from '../../src/geometry/roi.ts';
import { Localizer } from '../../src/pipeline/localizer.ts';
import { roiChange } from '../../src/pipeline/roi-of-shape.ts';
import { defaultPasses, passRois } from '../../src/pipeline/search-plan.ts';
import { trialLooks } from '../../src/pipeline/trial.ts';
import { createNoise, createWorld, landmarkSet, type VirtualFrame } from './virtual-world.ts';

const create = (noise = 1, seed = 1) => {
  const world = createWorld(noise, seed);
  const localizer = new Localizer({
    ...world,
    landmarkSet,
    budget: 6,
  });
  return { world, localizer };
};

const frame = (object?: Roi): VirtualFrame => ({ width: 640, height: 480, ...(object && { object }) });

const search = async (
  localizer: ReturnType<typeof create>['localizer'],
  view: VirtualFrame,
  steps: number,
) => {
  for (let step = 1; step <= steps; step++) {
    const roi = await localizer.step(view, view);
    if (roi !== undefined) return { roi, step };
  }
  return undefined;
};

describe('Localizer', () => {
  it('finds objects of all sizes, places and directions', async () => {
    const random = createNoise(11);
    for (let trial = 0; trial < 40; trial++) {
      const size = 480 * 0.13 * Math.exp(random() * Math.log(8));
      const reach = Math.min(size / 3.2, 230);
      const object: Roi = {
        center: { x: reach + (640 - 2 * reach) * random(), y: reach + (480 - 2 * reach) * random() },
        size,
        rotation: (random() - 0.5) * 1.57,
      };
      const found = await search(create(1, trial + 1).localizer, frame(object), 200);
      expect(found, JSON.stringify(object)).toBeDefined();
      if (found === undefined) continue;
      const change = roiChange(found.roi, object);
      expect(change.offset).toBeLessThan(0.1);
      expect(change.scale).toBeLessThan(1.15);
    }
  });

  it('finds an object that fills the frame within three frames', async () => {
    const { localizer } = create();
    const found = await search(localizer, frame({ center: { x: 330, y: 250 }, size: 400, rotation: 0.1 }), 3);
    expect(found).toBeDefined();
  });

  it('finds an object that moves while it is searched', async () => {
    const { localizer } = create();
    for (let step = 0; step < 60; step++) {
      const object: Roi = { center: { x: 100 + 4 * step, y: 200 }, size: 150, rotation: 0 };
      const roi = await localizer.step(frame(object), frame());
      if (roi === undefined) continue;
      expect(roiChange(roi, object).offset).toBeLessThan(0.1);
      return;
    }
    expect.unreachable('the object was not found');
  });

  it('never runs the network more often in a step than its budget', async () => {
    const { localizer, world } = create();
    for (const budget of [1, 4, 6, 9]) {
      for (let step = 0; step < 40; step++) {
        const before = world.runs();
        await localizer.step(frame(), frame(), [], budget);
        expect(world.runs() - before).toBeGreaterThan(0);
        expect(world.runs() - before).toBeLessThanOrEqual(budget);
      }
    }
    expect(world.largestBatch()).toBeGreaterThan(1);
  });

  it('finds what moves with a small budget, too: the looks that decide are of one frame', async () => {
    const { localizer, world } = create();
    const shown = (step: number): Roi => ({
      center: { x: 250 + ((8 * step) % 160), y: 240 },
      ...{ size: 300, rotation: 0 },
    });
    for (let step = 0; step < 150; step++) {
      const before = world.runs();
      const roi = await localizer.step(frame(shown(step)), frame(), [], 1);
      const runs = world.runs() - before;
      expect([1, trialLooks]).toContain(runs);
      if (roi === undefined) continue;
      expect(runs).toBe(trialLooks);
      expect(roiChange(roi, shown(step)).offset).toBeLessThan(0.1);
      return;
    }
    expect.unreachable('the object was not found');
  });

  it('finds nothing where there is nothing, however long it looks', async () => {
    expect(await search(create().localizer, frame(), 300)).toBeUndefined();
  });

  it('looks first where the object was last seen', async () => {
    const { localizer } = create();
    const object: Roi = { center: { x: 90, y: 400 }, size: 70, rotation: 0 };
    localizer.lookNear({ center: { x: 95, y: 402 }, size: 75, rotation: 0 });
    expect((await search(localizer, frame(object), 2))?.step).toBeLessThanOrEqual(2);
  });

  it('after a failed run the next step works', async () => {
    const { world } = create();
    let fails = true;
    const localizer = new Localizer({
      cropper: world.cropper,
      model: {
        ...world.model,
        match: (input, references) => {
          if (fails) return Promise.reject(new Error('no device'));
          return world.model.match(input, references);
        },
      },
      landmarkSet,
    });
    const view = frame({ center: { x: 320, y: 240 }, size: 300, rotation: 0 });
    await expect(localizer.step(view, view)).rejects.toThrow('no device');
    fails = false;
    expect(await search(localizer, view, 120)).toBeDefined();
  });

  it('tells how near it has come, and forgets that with a find', async () => {
    const { localizer } = create();
    expect(localizer.best).toBeUndefined();
    expect(await search(localizer, frame(), 20)).toBeUndefined();
    const { best } = localizer;
    if (best === undefined) throw new Error('20 steps and no look');
    expect(best.needed).toBeGreaterThan(0.5);
    expect(best.evidence).toBeLessThan(best.needed);
    expect(best.agreement).toBeGreaterThanOrEqual(0);
    expect(best.agreement).toBeLessThanOrEqual(1);
    await search(localizer, frame(), 20);
    expect(localizer.best?.evidence).toBeGreaterThanOrEqual(best.evidence);
    const view = frame({ center: { x: 320, y: 240 }, size: 300, rotation: 0 });
    expect(await search(localizer, view, 120)).toBeDefined();
    expect(localizer.best).toBeUndefined();
  });
});

describe('the search plan', () => {
  it.each([
    ['wide', { width: 640, height: 480 }],
    ['tall', { width: 360, height: 640 }],
    ['square', { width: 64, height: 64 }],
  ])('covers every place of a %s frame in every pass', (_, size) => {
    for (const pass of [...defaultPasses.near, ...defaultPasses.far]) {
      const rois = passRois(pass, size);
      for (let x = 0; x <= 10; x++) {
        for (let y = 0; y <= 10; y++) {
          const at = { x: (x / 10) * size.width, y: (y / 10) * size.height };
          const near = rois.some(
            (roi) =>
              Math.max(Math.abs(roi.center.x - at.x), Math.abs(roi.center.y - at.y)) <=
              0.5 * roi.size + 0.1 * size.width,
          );
          expect(near).toBe(true);
        }
      }
      rois.forEach((roi) => {
        expect(roi.size).toBeCloseTo(pass.side * Math.min(size.width, size.height), 6);
      });
    }
  });
});

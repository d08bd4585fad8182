import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { FrameTracker, type FrameTrackerOptions } from '../../src/pipeline/frame-tracker.ts';
import type { LowRankMap, Refiner } from '../../src/landmarks/refiner.ts';
import { AdaptingTracker } from '../../src/pipeline/adapting-tracker.ts';
import type { LookLearner } from '../../src/pipeline/learn-look.ts';
import { findLandmark, type TrackingResult, type TrackResult } from '../../src/pipeline/result.ts';
import {
  createWorld,
  landmarkSet,
  trueLandmarks,
  type VirtualFrame,
  type VirtualInput,
} from './virtual-world.ts';

const create = (
  options: Partial<FrameTrackerOptions<VirtualFrame, VirtualInput>> = {},
  noise = 0.5,
): { tracker: FrameTracker<VirtualFrame, VirtualInput>; world: ReturnType<typeof createWorld> } => {
  const world = createWorld(noise);
  return { world, tracker: new FrameTracker({ ...world, landmarkSet, ...options }) };
};

const frame = (object?: Roi): VirtualFrame => ({ width: 640, height: 480, ...(object && { object }) });

const still: Roi = { center: { x: 320, y: 240 }, size: 300, rotation: 0 };

const asTracking = (result: TrackResult): TrackingResult => {
  if (result.status !== 'tracking') throw new Error('not tracking');
  return result;
};

/** Mean distance of the raw landmarks from the truth, image pixels. */
const meanError = (result: TrackResult, view: VirtualFrame): number => {
  const truth = trueLandmarks(view);
  const distances = asTracking(result).landmarks.map(({ raw }, index) =>
    Math.hypot(raw.x - truth[index].x, raw.y - truth[index].y),
  );
  return distances.sort((a, b) => a - b)[distances.length >> 1];
};

describe('FrameTracker', () => {
  it('tells refined landmarks where the set has a refiner, and looks where the matches say', async () => {
    const size = 2 * landmarkSet.names.length;
    const map = (features: number): LowRankMap => ({
      ...{ down: new Float32Array(features), up: new Float32Array(size), offset: new Float32Array(size) },
    });
    const fromCoordinates = map(size);
    // To the right, in the object's own frame, by a tenth of its ROI.
    fromCoordinates.offset.forEach((_, i, offset) => (offset[i] = i % 2 === 0 ? 0.1 : 0));
    // Looks at the embedding, and finds nothing in it.
    const embedded = { ...map(size + size / 2), up: new Float32Array(size) };
    const refiner: Refiner = {
      shape: { components: new Float32Array(0), variances: new Float32Array(0) },
      ...{ projection: new Float32Array([1]), fromCoordinates, fromEmbeddings: embedded },
    };
    const turned: Roi = { ...still, rotation: 0.4 };
    const plain = create({ smoothing: false }, 0);
    const refined = create({ smoothing: false, landmarkSet: { ...landmarkSet, refiner } }, 0);
    for (const { tracker } of [plain, refined]) tracker.giveGists(true);
    let results: TrackResult[] = [];
    for (let index = 0; index < 30; index++) {
      results = await Promise.all(
        [plain, refined].map(({ tracker }) => tracker.step(frame(turned), index / 30)),
      );
    }
    const [before, after] = results.map(asTracking);
    expect(after.roi).toEqual(before.roi);
    // An embedding that was looked at is told in little: of one channel that is 1 everywhere, 127 in each part.
    expect(before.gist).toBeUndefined();
    expect(after.gist?.means).toEqual(new Int8Array(64).fill(127));
    refined.tracker.giveGists(false);
    expect(asTracking(await refined.tracker.step(frame(turned), 1)).gist).toBeUndefined();
    after.landmarks.forEach(({ raw, x, y, confidence }, n) => {
      const match = before.landmarks[n];
      expect(raw.x - match.raw.x).toBeCloseTo(0.1 * still.size * Math.cos(0.4), 0);
      expect(raw.y - match.raw.y).toBeCloseTo(0.1 * still.size * Math.sin(0.4), 0);
      expect([x, y]).toEqual([raw.x, raw.y]);
      expect(confidence).toBe(match.confidence);
    });
  });

  it('looks with references that follow the object, and with the set’s own after it was lost', async () => {
    const followed = { ...landmarkSet, references: landmarkSet.references.slice() };
    let [learnt, resets] = [0, 0];
    const adapt = (given: typeof landmarkSet): LookLearner => ({
      get landmarkSet() {
        return learnt > 0 ? followed : given;
      },
      reset: () => {
        learnt = 0;
        resets++;
      },
      learn: ({ embedding }, told) => {
        expect(embedding.length).toBeGreaterThan(0);
        expect(told.length).toBe(landmarkSet.names.length);
        learnt++;
      },
    });
    const { world } = create();
    const looked: Float32Array[] = [];
    const model: typeof world.model = {
      ...world.model,
      matchAndEmbed: (input, references) => {
        looked.push(references);
        return world.model.matchAndEmbed(input, references);
      },
    };
    const tracker = new AdaptingTracker({ ...world, model, landmarkSet }, adapt);
    for (let index = 0; index < 30; index++) await tracker.step(frame(still), index / 30);
    expect(learnt).toBeGreaterThan(5);
    expect(looked[0]).toBe(landmarkSet.references);
    expect(looked.at(-1)).toBe(followed.references);
    for (let index = 30; index < 40; index++) await tracker.step(frame(), index / 30);
    expect(resets).toBeGreaterThan(0);
    looked.length = 0;
    for (let index = 40; index < 70 && looked.length === 0; index++) {
      await tracker.step(frame(still), index / 30);
    }
    expect(looked[0]).toBe(landmarkSet.references);
  });

  it('tells calibrated confidences where the set has them, and decides by the raw ones', async () => {
    const calibration = {
      tolerance: 0.05,
      own: 0,
      mean: 0,
      misfit: 0,
      offsets: landmarkSet.names.map(() => -2),
    };
    const plain = create();
    const calibrated = create({ landmarkSet: { ...landmarkSet, calibration } });
    for (let index = 0; index < 30; index++) {
      const expected = await plain.tracker.step(frame(still), index / 30);
      const result = await calibrated.tracker.step(frame(still), index / 30);
      expect(result.status).toBe(expected.status);
      if (result.status !== 'tracking') continue;
      expect(result.roi).toEqual(asTracking(expected).roi);
      for (const { confidence } of result.landmarks)
        expect(confidence).toBeCloseTo(1 / (1 + Math.exp(2)), 10);
      expect(asTracking(expected).landmarks.some(({ confidence }) => confidence > 0.8)).toBe(true);
    }
    expect((await calibrated.tracker.step(frame(still), 1)).status).toBe('tracking');
  });

  it('searches, then tracks, one result a frame with its timestamp and size', async () => {
    const { tracker } = create();
    expect(await tracker.step(frame(), 5)).toEqual({
      status: 'searching',
      searched: {
        evidence: expect.any(Number) as number,
        needed: 0.72,
        agreement: expect.any(Number) as number,
      },
      objects: [],
      timestamp: 5,
      width: 640,
      height: 480,
    });
    let result = await tracker.step(frame(still), 5.04);
    for (let index = 0; index < 20 && result.status === 'searching'; index++) {
      result = await tracker.step(frame(still), 5.08 + index / 30);
    }
    const { landmarks, width, height } = asTracking(result);
    expect([width, height]).toEqual([640, 480]);
    expect(landmarks.map(({ name }) => name)).toEqual(landmarkSet.names);
    expect(meanError(result, frame(still))).toBeLessThan(1.5);
    for (const { x, y, normalized, visible, confidence } of landmarks) {
      expect(normalized).toEqual({ x: x / 640, y: y / 480 });
      expect(visible).toBe(confidence >= 0.1);
    }
  });

  it('follows an object that moves, turns and comes nearer, with one run a frame', async () => {
    const { tracker, world } = create();
    let tracked = 0;
    let runs = 0;
    for (let index = 0; index < 120; index++) {
      const object: Roi = {
        center: { x: 320 + 150 * Math.sin(index / 15), y: 240 + 60 * Math.sin(index / 11) },
        size: 240 * Math.exp(0.3 * Math.sin(index / 20)),
        rotation: 0.6 * Math.sin(index / 25),
      };
      const before = world.runs();
      const wasTracking = tracked > 0;
      const result = await tracker.step(frame(object), index / 30);
      if (result.status !== 'tracking') continue;
      tracked++;
      if (wasTracking) runs += world.runs() - before - 1;
      expect(meanError(result, frame(object))).toBeLessThan(3);
    }
    expect(tracked).toBeGreaterThan(115);
    expect(runs).toBe(0);
  });

  it('a still object keeps its ROI to the last bit', async () => {
    const { tracker } = create({}, 1);
    const rois: Roi[] = [];
    for (let index = 0; index < 60; index++) {
      const result = await tracker.step(frame(still), index / 30);
      if (result.status === 'tracking') rois.push(result.roi);
    }
    expect(rois.length).toBeGreaterThan(50);
    for (const roi of rois.slice(10)) expect(roi).toEqual(rois[rois.length - 1]);
  });

  it('an object that leaves is searched again, and found when it comes back', async () => {
    const { tracker } = create();
    const statuses: string[] = [];
    for (let index = 0; index < 90; index++) {
      const view = index >= 30 && index < 60 ? frame() : frame(still);
      statuses.push((await tracker.step(view, index / 30)).status);
    }
    expect(statuses.slice(5, 30)).not.toContain('searching');
    expect(statuses.slice(30, 60)).not.toContain('tracking');
    expect(statuses.slice(80)).not.toContain('searching');
  });

  it('one bad frame does not lose the object', async () => {
    const { tracker, world } = create();
    for (let index = 0; index < 30; index++) await tracker.step(frame(still), index / 30);
    expect((await tracker.step(frame(), 1)).status).toBe('doubtful');
    const before = world.runs();
    expect((await tracker.step(frame(still), 1.03)).status).toBe('tracking');
    expect(world.runs() - before).toBe(1);
  });

  it('does not follow a fit that jumps away or changes its size at once', async () => {
    for (const jump of [
      { ...still, size: still.size / 1.7 },
      { ...still, center: { x: still.center.x + 0.5 * still.size, y: still.center.y } },
    ]) {
      const { tracker, world } = create();
      for (let index = 0; index < 30; index++) await tracker.step(frame(still), index / 30);
      // The whole scene is exchanged for one frame only; the next shows the object where it was.
      const before = world.runs();
      expect((await tracker.step(frame(jump), 1)).status).toBe('doubtful');
      expect((await tracker.step(frame(still), 1.03)).status).toBe('tracking');
      expect(world.runs() - before).toBe(2);
    }
  });

  it('smoothed landmarks tremble less than raw ones, and raw ones are kept', async () => {
    const { tracker } = create({}, 0.5);
    const raw: number[] = [];
    const smoothed: number[] = [];
    for (let index = 0; index < 80; index++) {
      const result = await tracker.step(frame(still), index / 30);
      if (result.status !== 'tracking') continue;
      raw.push(result.landmarks[3].raw.x);
      smoothed.push(result.landmarks[3].x);
    }
    const tremble = (values: number[]) =>
      values
        .slice(20, -2)
        .reduce((sum, _, i) => sum + (values[i + 22] - 2 * values[i + 21] + values[i + 20]) ** 2, 0);
    expect(tremble(smoothed)).toBeLessThan(tremble(raw) / 4);
  });

  it('smoothing can be switched off and on', async () => {
    const { tracker } = create({ smoothing: false });
    let result = await tracker.step(frame(still), 0);
    for (let index = 1; index < 10; index++) result = await tracker.step(frame(still), index / 30);
    for (const { x, y, raw } of asTracking(result).landmarks) expect({ x, y }).toEqual(raw);
    tracker.setSmoothing({ minCutoff: 0.1, beta: 0 });
    await tracker.step(frame(still), 1);
    const { landmarks } = asTracking(await tracker.step(frame(still), 1.03));
    expect(landmarks.some(({ x, raw }) => x !== raw.x)).toBe(true);
  });

  it('repeated, backward, missing and impossible timestamps break nothing', async () => {
    const { tracker } = create();
    const timestamps = [
      0,
      0.03,
      0.03,
      0.03,
      -9,
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e9,
      0,
      0.03,
    ];
    for (const timestamp of [...timestamps, ...timestamps, ...timestamps]) {
      const result = await tracker.step(frame(still), timestamp);
      expect(Number.isFinite(result.timestamp)).toBe(true);
      if (timestamp !== undefined && Number.isFinite(timestamp)) expect(result.timestamp).toBe(timestamp);
      if (result.status !== 'tracking') continue;
      for (const { x, y } of result.landmarks) {
        expect(Math.hypot(x - still.center.x, y - still.center.y)).toBeLessThan(300);
      }
    }
    expect((await tracker.step(frame(still), 0.06)).status).toBe('tracking');
  });

  it('a frame without pixels is refused with the remedy, and the next one is tracked', async () => {
    const { tracker } = create();
    await expect(tracker.step({ width: 0, height: 480 }, 0)).rejects.toThrow(InputError);
    await expect(tracker.step({ width: 640, height: Number.NaN }, 0)).rejects.toThrow(
      /Pass frames that have pixels/,
    );
    for (let index = 0; index < 10; index++) await tracker.step(frame(still), index / 30);
    expect((await tracker.step(frame(still), 1)).status).toBe('tracking');
  });

  it('frames that change size mid-stream are searched anew', async () => {
    const { tracker } = create();
    for (let index = 0; index < 10; index++) await tracker.step(frame(still), index / 30);
    const small: VirtualFrame = {
      width: 320,
      height: 240,
      object: { center: { x: 160, y: 120 }, size: 150, rotation: 0 },
    };
    let result = await tracker.step(small, 0.4);
    for (let index = 0; index < 10; index++) result = await tracker.step(small, 0.5 + index / 30);
    expect(meanError(result, small)).toBeLessThan(1);
  });

  it('one failed run does not fail the next', async () => {
    const world = createWorld(0.5);
    let fails = false;
    const { tracker } = create({
      model: {
        ...world.model,
        match: (input, references) =>
          fails ? Promise.reject(new Error('device lost')) : world.model.match(input, references),
      },
    });
    for (let index = 0; index < 10; index++) await tracker.step(frame(still), index / 30);
    fails = true;
    await expect(tracker.step(frame(still), 1)).rejects.toThrow('device lost');
    fails = false;
    expect((await tracker.step(frame(still), 1.03)).status).toBe('tracking');
  });

  it('takes its start from another finder where one is given', async () => {
    const seen: string[] = [];
    const { tracker } = create({
      finder: {
        step: () => {
          seen.push('step');
          return Promise.resolve({ ...still, size: still.size * 1.2 });
        },
        reset: () => {
          seen.push('reset');
        },
      },
    });
    expect((await tracker.step(frame(still), 0)).status).toBe('tracking');
    tracker.reset();
    expect(seen).toEqual(['step', 'reset']);
  });

  it('a finder that points at nothing gives no landmarks', async () => {
    const { tracker } = create({
      finder: { step: () => Promise.resolve(still), reset: () => undefined },
    });
    for (let index = 0; index < 20; index++) {
      expect((await tracker.step(frame(), index / 30)).status).toBe('searching');
    }
  });

  it('tells where its time went', async () => {
    let time = 0;
    const { tracker } = create({ clock: () => (time += 1) });
    for (let index = 0; index < 5; index++) await tracker.step(frame(still), index / 30);
    expect(tracker.timing).toEqual({ search: 0, crop: 1, match: 1, filter: 1, total: 6 });
  });

  it('refuses smoothing settings that do not exist or make no sense', () => {
    const bad = (smoothing: Record<string, number>) => () => create({ smoothing });
    expect(bad({ mincutoff: 1 })).toThrow(/no option "mincutoff".*minCutoff, beta/);
    expect(bad({ minCutoff: -1 })).toThrow(InputError);
    expect(bad({ beta: Number.NaN })).toThrow(InputError);
  });

  it('a doubtful frame keeps id, ROI and landmarks, counts, and is then searched', async () => {
    const { tracker } = create();
    let last = await tracker.step(frame(still), 0);
    for (let index = 1; index < 30; index++) last = await tracker.step(frame(still), index / 30);
    const { id, roi, landmarks } = asTracking(last);
    for (const doubts of [1, 2]) {
      const result = await tracker.step(frame(), 1 + doubts / 30);
      expect(result).toMatchObject({ status: 'doubtful', doubts, id, roi, landmarks });
      expect(result.objects).toEqual([{ status: 'doubtful', doubts, id, roi, landmarks }]);
    }
    expect(await tracker.step(frame(), 1.1)).toMatchObject({ status: 'searching', objects: [] });
  });

  it('an object keeps its id, and has another one when it was lost and found', async () => {
    const { tracker } = create();
    const ids = new Set<number>();
    for (let index = 0; index < 90; index++) {
      const result = await tracker.step(index >= 30 && index < 60 ? frame() : frame(still), index / 30);
      for (const object of result.objects) ids.add(object.id);
    }
    expect([...ids]).toEqual([1, 2]);
  });

  it('gives a landmark by its name', async () => {
    const { tracker } = create();
    const searching = await tracker.step(frame(), 0);
    expect(findLandmark(searching, 'point-3')).toBeUndefined();
    let result = searching;
    for (let index = 1; index < 20; index++) result = await tracker.step(frame(still), index / 30);
    expect(findLandmark(result, 'point-3')).toBe(asTracking(result).landmarks[3]);
    expect(findLandmark(result.objects[0], 'nose')).toBeUndefined();
  });

  it('a reset during a step is not lost', async () => {
    const { tracker } = create();
    for (let index = 0; index < 30; index++) await tracker.step(frame(still), index / 30);
    const step = tracker.step(frame(still), 1);
    tracker.reset();
    await step;
    await tracker.step(frame(), 1.03);
    expect(tracker.timing.search).toBeGreaterThan(0);
    expect((await tracker.step(frame(), 1.06)).status).toBe('searching');
  });

  it('dropped frames do not bend where the object is expected', async () => {
    const { tracker } = create({}, 0);
    const speed = 600;
    const at = (time: number): Roi => ({ ...still, size: 200, center: { x: 120 + speed * time, y: 240 } });
    for (let index = 0; index < 12; index++) await tracker.step(frame(at(index / 30)), index / 30);
    // Two frames are dropped, then they come as before.
    await tracker.step(frame(at(14 / 30)), 14 / 30);
    const { roi } = asTracking(await tracker.step(frame(at(15 / 30)), 15 / 30));
    expect(Math.abs(roi.center.x - at(15 / 30).center.x)).toBeLessThan(0.03 * 200);
  });

  it('changes its landmarks without losing the object', async () => {
    const { tracker } = create();
    let last = await tracker.step(frame(still), 0);
    for (let index = 1; index < 30; index++) last = await tracker.step(frame(still), index / 30);
    const { id } = asTracking(last);
    // The same points, by other names, with a square half as large again.
    const meanShape = landmarkSet.meanShape.map(({ x, y }) => ({
      x: 0.5 + (x - 0.5) / 1.3,
      y: 0.5 + (y - 0.5) / 1.3,
    }));
    const names = landmarkSet.names.map((name) => `other-${name}`);
    const step = tracker.step(frame(still), 1);
    tracker.setLandmarks({ ...landmarkSet, names, meanShape });
    expect(asTracking(await step).landmarks[0].name).toBe('point-0');
    for (const time of [1.03, 1.06, 1.1]) {
      const result = asTracking(await tracker.step(frame(still), time));
      expect(result.id).toBe(id);
      expect(result.landmarks[0].name).toBe('other-point-0');
      expect(result.roi.size / still.size).toBeCloseTo(1.3, 1);
    }
  });
});

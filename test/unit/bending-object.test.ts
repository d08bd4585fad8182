import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { bonesOf } from '../../src/landmark-maker/bones.ts';
import {
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { certaintiesOf, lookFromMatches } from '../../src/pipeline/look.ts';
import { createWorld, landmarkSet, trueLandmarks, type VirtualFrame } from './virtual-world.ts';

const object = { center: { x: 320, y: 240 }, size: 200, rotation: 0 };
const still: VirtualFrame = { width: 640, height: 480, object };
/** The upper half is turned about the middle, like a lid. */
const bent = (angle: number): VirtualFrame => {
  const moves = new Map<number, Point>();
  trueLandmarks(still).forEach(({ x, y }, n) => {
    if (y > object.center.y - 10) return;
    const [u, v] = [x - object.center.x, y - object.center.y];
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    moves.set(n, { x: cos * u - sin * v - u, y: sin * u + cos * v - v });
  });
  return { ...still, moves };
};
const bending: LandmarkSet = {
  ...landmarkSet,
  parts: {
    bones: bonesOf([{ points: trueLandmarks(still), seen: landmarkSet.names.map(() => true) }], [], 1.6),
    references: landmarkSet.references,
  },
};

describe('an object that bends', () => {
  const find = async (frame: VirtualFrame): Promise<number> => {
    const tracker = new FrameTracker({ ...createWorld(1), landmarkSet: bending, smoothing: false });
    for (let i = 0; i < 40; i++) {
      const result = await tracker.step(frame, i / 25);
      if (result.status !== 'tracking') continue;
      const { landmarks } = result;
      const truth = trueLandmarks(frame);
      return Math.max(...landmarks.map(({ x, y }, n) => Math.hypot(x - truth[n].x, y - truth[n].y)));
    }
    return Infinity;
  };

  it('is found by its parts in another pose than the one that was marked', async () => {
    expect(await find(bent(1.9))).toBeLessThan(20);
  });

  it('is followed while it bends', async () => {
    const tracker = new FrameTracker({ ...createWorld(1), landmarkSet: bending, smoothing: false });
    tracker.follow(object);
    for (let i = 0; i < 30; i++) {
      const { status } = await tracker.step(bent(1.9 * Math.sin(i / 8)), i / 25);
      expect(status).toBe('tracking');
    }
  });
});

describe('a match of what bends', () => {
  it('is sure only where it hangs together with another one', () => {
    const places = trueLandmarks(still);
    const matches = Float32Array.from(
      places.flatMap(({ x, y }, n) => [n === 3 ? 5 : x, n === 3 ? 5 : y, 0.95]),
    );
    const roi = { center: { x: 320, y: 320 }, size: 640, rotation: 0 };
    const certainties = certaintiesOf(lookFromMatches(matches, roi, bending, 640), bending);
    certainties.forEach((certainty, n) => {
      if (n === 3) expect(certainty).toBe(0);
      else expect(certainty).toBeGreaterThan(0.9);
    });
  });
});

describe('the parts of a landmark set', () => {
  it('are written and read', () => {
    const { parts } = parseLandmarkSet(serializeLandmarkSet(bending));
    expect(parts?.references).toEqual(bending.parts?.references);
    expect(parts?.bones.length).toBe(bending.parts?.bones.length);
  });

  it.each([
    ['no bones', { bones: [], references: [[1]] }, 'bones'],
    ['a bone without a length', { bones: [[0, 1]], references: [[1]] }, 'bones'],
    ['names without a bone', { bones: [[0, 1, 0.2]], references: [[1]] }, '20 names but bones between 2'],
  ])('are refused with %s', (_, parts, problem) => {
    const file = JSON.parse(serializeLandmarkSet(bending)) as Record<string, unknown>;
    expect(() => parseLandmarkSet(JSON.stringify({ ...file, parts }))).toThrow(problem);
  });

  it('take of several references of a landmark the surest', () => {
    const count = bending.names.length;
    const two = Float32Array.from({ length: 6 * count }, (_, i) => {
      const isSecond = i >= 3 * count;
      return i % 3 === 2 ? (isSecond === (Math.floor(i / 3) % 2 === 0) ? 0.9 : 0.2) : isSecond ? 60 : 30;
    });
    const look = lookFromMatches(two, { center: { x: 48, y: 48 }, size: 96, rotation: 0 }, bending, 96);
    look.points.forEach(({ x }, n) => {
      expect(x).toBe(n % 2 === 0 ? 60 : 30);
    });
    look.confidences.forEach((confidence) => {
      expect(confidence).toBeCloseTo(0.9);
    });
  });
});

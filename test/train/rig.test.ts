import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import { InputError } from '../../src/errors.ts';
import { drawChange, flowBetween } from '../../src/train/pairs/rig-pairs.ts';
import { anglesOf, createRigFitter, turnRotation } from '../../src/train/rig/fit-rig.ts';
import { prepareRig } from '../../src/train/rig/prepared-rig.ts';
import { createScene } from '../../src/train/rig/rig-scene.ts';
import type { RigScene } from '../../src/train/rig/rig-scene.ts';
import type { RigChange } from '../../src/train/rig/rig-change.ts';
import { drawView, stillView } from '../../src/train/rig/rig-view.ts';
import { partOf } from '../../src/train/rig/rig.ts';
import { defaultRig } from '../../src/train/settings/rig-settings.ts';
import { createBumpRig, landmarksAt, poseAt, texturedPicture } from '../fixtures/bump-rig.ts';

const rig = createBumpRig();
const extent = 96;
const degrees = Math.PI / 180;
const unchanged: RigChange = {
  ...{ yaw: 0, pitch: 0, identity: [0], expression: [0] },
  light: [0, 0, 0],
  iris: [0, 0, 0],
};

describe('a fit', () => {
  it.each([
    [0, 0, 0],
    [25, 1.5, 0.7],
    [-40, -1, 0.3],
  ])('finds yaw %f°, identity %f and expression %f again', (yaw, identity, expression) => {
    const pose = poseAt(yaw * degrees, 4, { x: 50, y: 44 });
    const fit = createRigFitter(rig, { noise: 0.001 })(landmarksAt(rig, pose, identity, expression));
    expect(fit.error).toBeLessThan(0.01);
    expect(Math.abs(anglesOf(fit.pose.rotation).yaw - yaw)).toBeLessThan(2.5);
    expect(Math.abs(fit.identity[0] - identity)).toBeLessThan(0.25);
    expect(Math.abs(fit.expression[0] - expression)).toBeLessThan(0.1);
  });

  it('refuses another number of points, and points in one place', () => {
    const fit = createRigFitter(rig);
    expect(() => fit([{ x: 1, y: 1 }])).toThrow(/1 points but the rig has 25 landmarks/);
    expect(() => fit(rig.landmarks.map(() => ({ x: 5, y: 5 })))).toThrow(InputError);
  });
});

describe('head angles', () => {
  it('are those that a view was turned by', () => {
    const straight = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const angles = anglesOf(turnRotation(straight, 0.4, -0.3));
    expect(angles.yaw * degrees).toBeCloseTo(0.4, 9);
    expect(angles.pitch * degrees).toBeCloseTo(-0.3, 9);
    expect(angles.roll).toBeCloseTo(0, 9);
  });
});

describe('views', () => {
  let scene: RigScene;
  beforeAll(() => {
    const points = landmarksAt(rig, poseAt(0.1, 5, { x: 48, y: 48 }), 0.3, 0);
    scene = createScene(prepareRig(rig), texturedPicture(extent), createRigFitter(rig)(points), points);
  });

  it('that change nothing are the photograph', () => {
    const { picture } = drawView(scene, unchanged);
    const worst = picture.rgb.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - scene.still.rgb[i])),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1);
    expect(stillView(scene).picture).toBe(scene.still);
  });

  it('move to the right in the middle, against the rim, when they turn to the right', () => {
    const { placed } = drawView(scene, { ...unchanged, yaw: 0.5 });
    const moved = (landmark: number): number =>
      placed[3 * rig.landmarks[landmark]] - scene.placed[3 * rig.landmarks[landmark]];
    expect(moved(12)).toBeGreaterThan(Math.max(moved(10), moved(14)) + 2);
  });

  it('look down where pitch is positive', () => {
    const { placed } = drawView(scene, { ...unchanged, pitch: 0.4 });
    const moved = (landmark: number): number =>
      placed[3 * rig.landmarks[landmark] + 1] - scene.placed[3 * rig.landmarks[landmark] + 1];
    expect(moved(12)).toBeGreaterThan(Math.max(moved(2), moved(22)) + 2);
  });

  it.each([0, 1, 2])('show along the flow of pair %i what the first one shows', (seed) => {
    const settings = { ...defaultRig, yaw: 35, pitch: 20, lightShare: 0 };
    const a = drawView(scene, drawChange(scene, settings, createRandom(seed, 0)));
    const b = drawView(scene, drawChange(scene, settings, createRandom(seed, 1)));
    const { flow, weights } = flowBetween(scene, a, b);
    const along: number[] = [];
    const aside: number[] = [];
    weights.forEach((weight, pixel) => {
      if (weight !== 255) return;
      const column = Math.round((pixel % extent) + flow.x[pixel]);
      const row = Math.round(Math.floor(pixel / extent) + flow.y[pixel]);
      if (column < 0 || row < 0 || column >= extent || row >= extent) return;
      const difference = (target: number): number =>
        Math.abs(a.picture.rgb[3 * pixel] - b.picture.rgb[3 * target]);
      along.push(difference(row * extent + column));
      aside.push(difference(pixel));
    });
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(along.length).toBeGreaterThan(500);
    expect(mean(along)).toBeLessThan(0.5 * mean(aside));
  });

  it('count nothing where the background was replaced, or the surface is hidden', () => {
    const background = { ...scene.still, rgb: new Uint8Array(scene.still.rgb.length).fill(7) };
    const b = drawView(scene, { ...unchanged, yaw: 50 * degrees, background });
    const { weights } = flowBetween(scene, stillView(scene), b);
    const isReplaced = (pixel: number): boolean => b.picture.rgb[3 * pixel] === 7 && b.covered[pixel] === 1;
    expect(b.covered.filter((_, pixel) => isReplaced(pixel)).length).toBeGreaterThan(100);
    expect(weights.filter((weight) => weight === 0).length).toBeGreaterThan(500);
    expect(weights.filter((weight) => weight === 255).length).toBeGreaterThan(500);
  });

  it('are a pure function of the seed', () => {
    const draw = () => drawView(scene, drawChange(scene, defaultRig, createRandom(5))).picture.rgb;
    expect(draw()).toEqual(draw());
  });
});

describe('a rig', () => {
  it('without a part that is asked for says which ones it has', () => {
    expect(() => partOf(rig, 'teeth')).toThrow(/no part "teeth" but shield/);
  });
});

/** A still picture of the mean face that is moved by another view of the mean face, or by hand. */
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { createPortrait, createPuppet, type PuppetInput } from '../../src/puppet/index.ts';
import { rotationOfVector } from '../../src/puppet/solid-rotation.ts';
import { frameSize, inputOf, nothingAt, puppetFiles } from '../fixtures/puppet-files.ts';

const at = (vector: readonly [number, number, number], translation: readonly number[]) => ({
  rotation: rotationOfVector(...vector),
  translation: Float64Array.from(translation),
});
const ahead = at([0, 0, 0], [0, 0, -60]);
const still = inputOf(ahead, 0);
const options = { fieldOfView: 48 };

/** Moves landmarks of a frame, raw ones too. */
const moved = (input: PuppetInput, move: (index: number) => [number, number]): PuppetInput => ({
  ...input,
  objects: input.objects.map((object) => ({
    ...object,
    landmarks: object.landmarks.map((landmark, i) => {
      const [dx, dy] = move(i);
      const [x, y] = [landmark.x + dx, landmark.y + dy];
      return { ...landmark, x, y, raw: { x, y } };
    }),
  })),
});

/** A portrait and what moves it: rests for a second. */
const create = (live: typeof ahead = ahead) => {
  const puppet = createPuppet(puppetFiles());
  const portrait = createPortrait(puppet, still, options);
  for (let frame = 0; frame <= 30; frame++) portrait.update(puppet.update(inputOf(live, frame / 30)));
  return { puppet, portrait };
};
const opened = (index: number): [number, number] =>
  index >= 65 || (index >= 55 && index < 60) ? [0, 14] : [0, 0];
const gap = (portrait: { landmarks: { x: number; y: number }[] }): number =>
  portrait.landmarks[66].y - portrait.landmarks[62].y;

describe('a portrait', () => {
  test('at rest shows the picture as it is: every texture coordinate where its vertex is', () => {
    const { portrait } = create();
    for (const { texture, points, uv } of portrait.layers) {
      if (texture === 'mouth') continue;
      points.forEach((value, i) => {
        expect(value).toBeCloseTo(uv[i] * (i % 2 === 0 ? frameSize.width : frameSize.height), 1);
      });
    }
    const { landmarks } = still.objects[0];
    for (const l of [30, 36, 45, 48, 54, 62, 66]) {
      expect(
        Math.hypot(portrait.landmarks[l].x - landmarks[l].x, portrait.landmarks[l].y - landmarks[l].y),
      ).toBeLessThan(0.5);
    }
  });

  test('is drawn of triangles that go round counter-clockwise', () => {
    const { layers } = create().portrait;
    expect(layers.map(({ texture }) => texture)).toEqual([
      'picture',
      'picture',
      'picture',
      'mouth',
      'picture',
    ]);
    for (const { points, index } of layers.slice(0, 3)) {
      for (let t = 0; t < index.length; t += 3) {
        const [ax, ay, bx, by, cx, cy] = [0, 1, 2].flatMap((k) => [
          ...points.subarray(2 * index[t + k], 2 * index[t + k] + 2),
        ]);
        expect((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)).toBeLessThanOrEqual(0);
      }
    }
  });

  test('opens its mouth with the live one, by as much of its face, and closes it when the face is lost', () => {
    // Half as far away: twice as large in the picture.
    const near = at([0, 0, 0], [0, 0, -30]);
    const { puppet, portrait } = create(near);
    const closed = gap(portrait);
    let frame = 31;
    for (; frame < 75; frame++)
      portrait.update(
        puppet.update(
          moved(inputOf(near, frame / 30), (i) => opened(i).map((v) => 2 * v) as [number, number]),
        ),
      );
    expect(gap(portrait) - closed).toBeGreaterThan(8);
    expect(gap(portrait) - closed).toBeLessThan(18);
    for (; frame < 180; frame++) portrait.update(puppet.update(nothingAt(frame / 30)));
    expect(gap(portrait)).toBeCloseTo(closed, 0);
  });

  test('does not take motion of the head for expression', () => {
    const { puppet, portrait } = create();
    const before = gap(portrait);
    for (let frame = 31; frame < 75; frame++)
      portrait.update(puppet.update(inputOf(at([0, 0, 0], [6, -4, -45]), frame / 30)));
    expect(Math.abs(gap(portrait) - before)).toBeLessThan(1);
    const [left, right] = [portrait.landmarks[36], still.objects[0].landmarks[36]];
    expect(Math.hypot(left.x - right.x, left.y - right.y)).toBeLessThan(2);
  });

  test('turns with the head, and no further than 15°', () => {
    const { puppet, portrait } = create();
    const nose = portrait.landmarks[30].x;
    const turn = (yaw: number, from: number): number => {
      for (let frame = from; frame < from + 60; frame++)
        portrait.update(puppet.update(inputOf(at([0, yaw, 0], [0, 0, -60]), frame / 30)));
      return portrait.landmarks[30].x - nose;
    };
    const little = turn(0.2, 31);
    expect(little).toBeGreaterThan(5);
    const much = turn(0.9, 100);
    expect(much).toBeGreaterThan(little);
    expect(much).toBeLessThan(2.6 * little);
  });

  test('is dragged by hand, what lies around follows, the picture’s edge stays', () => {
    const { puppet, portrait } = create();
    const edge = portrait.layers[0].points.slice(0, 2);
    const before = portrait.landmarks;
    portrait.drag(48, { x: before[48].x - 12, y: before[48].y - 8 });
    const after = portrait.landmarks;
    expect(after[48].x).toBeCloseTo(before[48].x - 12, 0);
    expect(after[48].y).toBeCloseTo(before[48].y - 8, 0);
    expect(before[49].x - after[49].x).toBeGreaterThan(4);
    expect(Math.abs(before[45].x - after[45].x)).toBeLessThan(1);
    expect(portrait.layers[0].points.slice(0, 2)).toEqual(edge);
    // What was dragged stays so while the live face goes on.
    portrait.update(puppet.update(inputOf(ahead, 2)));
    expect(portrait.landmarks[48].x).toBeCloseTo(before[48].x - 12, 0);
    portrait.release();
    expect(portrait.landmarks[48].x).toBeCloseTo(before[48].x, 0);
  });

  test('is refused without a face, and what does not exist is named', () => {
    const puppet = createPuppet(puppetFiles());
    expect(() => createPortrait(puppet, nothingAt(0))).toThrow(/without a face/);
    expect(() => createPortrait(puppet, still, { speed: 1 } as never)).toThrow(InputError);
    const portrait = createPortrait(puppet, still);
    expect(() => {
      portrait.drag(68, { x: 0, y: 0 });
    }).toThrow(/no landmark 68/);
  });
});

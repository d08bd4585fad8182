/** What a face's points show plainly, on the mean face: nothing is learnt here. */
import { expect, test } from 'vitest';
import { createPuppet, type Expressions, type PuppetInput } from '../../src/puppet/index.ts';
import { inputOf, puppetFiles } from '../fixtures/puppet-files.ts';

const ahead = {
  rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  translation: Float64Array.of(0, 0, -60),
};

type Move = (index: number) => number;

/** The mean face at a time, some of its points moved down, pixels. */
const faceAt = (timestamp: number, down: Move = () => 0): PuppetInput => {
  const input = inputOf(ahead, timestamp);
  return {
    ...input,
    objects: input.objects.map((object) => ({
      ...object,
      landmarks: object.landmarks.map((landmark, i) => {
        const y = landmark.y + down(i);
        return { ...landmark, y, raw: { x: landmark.x, y } };
      }),
    })),
  };
};

/** Two seconds at rest, then a frame with points moved. */
const expressionsWith = (down: Move, calibrateWith?: Move): Expressions => {
  const puppet = createPuppet(puppetFiles());
  for (let frame = 0; frame < 60; frame++) puppet.update(faceAt(frame / 30, calibrateWith));
  if (calibrateWith) puppet.calibrate();
  const expressions = puppet.expressions(faceAt(2, down));
  if (expressions === undefined) throw new Error('no face');
  return expressions;
};

/** Of the mean face at 60 cm the eyes are open by some 6 pixels. */
const closed: Move = (i) => ([37, 38].includes(i) ? 3 : 0);
const spoken: Move = (i) => (i >= 65 || (i >= 55 && i < 60) ? 20 : 0);
const raised: Move = (i) => (i >= 17 && i < 27 ? -6 : 0);

test('a lid that goes down is a blink of that eye alone, the subject’s right', () => {
  const { eyeBlinkRight, eyeBlinkLeft, jawOpen } = expressionsWith(closed);
  expect(eyeBlinkRight).toBeGreaterThan(0.5);
  expect(eyeBlinkLeft).toBeLessThan(0.1);
  expect(jawOpen).toBeLessThan(0.05);
});

test('lips that part are an open jaw, and brows that rise are raised', () => {
  expect(expressionsWith(spoken).jawOpen).toBeGreaterThan(0.3);
  const { browInnerUp, browOuterUpLeft, jawOpen } = expressionsWith(raised);
  expect(Math.min(browInnerUp, browOuterUpLeft)).toBeGreaterThan(0.25);
  expect(jawOpen).toBeLessThan(0.05);
});

test('what a face was calibrated with is its rest', () => {
  const [open, calibrated] = [expressionsWith(spoken).jawOpen, expressionsWith(spoken, spoken).jawOpen];
  expect(open).toBeGreaterThan(0.3);
  expect(calibrated).toBeLessThan(0.02);
  expect(expressionsWith(closed, closed).eyeBlinkRight).toBeLessThan(0.02);
});

test('eyes that stay half shut become the rest slowly, a blink does not', () => {
  const puppet = createPuppet(puppetFiles());
  const blinkAt = (timestamp: number, down?: Move): number =>
    puppet.expressions(faceAt(timestamp, down))?.eyeBlinkRight ?? NaN;
  for (let frame = 0; frame < 30; frame++) blinkAt(frame / 30);
  const first = blinkAt(1, closed);
  for (let frame = 31; frame < 36; frame++) blinkAt(frame / 30, closed);
  expect(blinkAt(1.2)).toBeLessThan(0.05);
  // Two minutes of eyes that are so.
  for (let second = 2; second < 122; second += 0.5) blinkAt(second, closed);
  expect(blinkAt(122, closed)).toBeLessThan(0.6 * first);
});

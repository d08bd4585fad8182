import { describe, expect, it } from 'vitest';
import type { Look } from '../../src/pipeline/look.ts';
import { judgeTrial, landmarkSpread, trialLooks } from '../../src/pipeline/trial.ts';

const roi = { center: { x: 100, y: 80 }, size: 200, rotation: 0 };
const places = Array.from({ length: 9 }, (_, i) => ({
  x: 60 + 10 * (i % 3),
  y: 40 + 10 * Math.floor(i / 3),
}));
/** Mean shape (sides of the ROI) → image pixels, for `roi`. */
const transform = { a: roi.size, b: 0, x0: 0, y0: -20 };

const look = ({ shift = 0, evidence = 0.9, agreement = 0.8, fits = true, outliers = 0 } = {}): Look => ({
  roi,
  points: places,
  fitted: places.map(({ x, y }, i) => ({ x: x + (i < outliers ? 90 : shift), y })),
  confidences: new Float32Array(places.length).fill(0.9),
  fit: fits ? { transform, agreement, residuals: new Float64Array(places.length) } : undefined,
  evidence,
  score: evidence * (fits ? agreement : 0),
});

/** All looks of a trial; the verdict after each. */
const judgeAll = (looks: readonly Look[]) => {
  const trial = { looks: [] };
  return looks.map((one) => judgeTrial(trial, one));
};
const looksNeeded = trialLooks;
const repeat = (make: (index: number) => Look): Look[] =>
  Array.from({ length: looksNeeded }, (_, i) => make(i));

describe('landmarkSpread', () => {
  it('is 0 where every look shows the same', () => {
    expect(landmarkSpread([look(), look(), look()])).toBe(0);
  });

  it('is the mean distance from the median place, in sides of the first ROI', () => {
    // 0 and 8 px lie 4 px from the middle; the side is 200 px.
    expect(landmarkSpread([look(), look({ shift: 8 })])).toBeCloseTo(4 / 200, 12);
  });

  it('does not go by a few landmarks that are somewhere else', () => {
    expect(landmarkSpread([look(), look({ outliers: 4 })])).toBe(0);
    expect(landmarkSpread([look(), look({ outliers: 5 })])).toBeCloseTo(45 / 200, 12);
  });
});

describe('judgeTrial', () => {
  it('gives the ROI of the last look when it was the last, and not before', () => {
    const verdicts = judgeAll(repeat(() => look()));
    expect(verdicts.slice(0, -1)).toEqual(verdicts.slice(0, -1).map(() => undefined));
    expect(verdicts.at(-1)).toEqual({ center: { x: 100, y: 80 }, size: 200, rotation: 0 });
  });

  it('refuses what scores the same but wanders from look to look', () => {
    // ±4 px of 200: most landmarks of a real face stay within 1 px.
    expect(judgeAll(repeat((i) => look({ shift: i % 2 === 0 ? -4 : 4 }))).at(-1)).toBeUndefined();
    expect(judgeAll(repeat((i) => look({ shift: i % 2 === 0 ? -0.5 : 0.5 }))).at(-1)).toBeDefined();
  });

  it('lets a weaker but steady look pass where a wandering one does not', () => {
    const weak = { evidence: 0.75, agreement: 0.7 };
    expect(judgeAll(repeat(() => look(weak))).at(-1)).toBeDefined();
    expect(judgeAll(repeat((i) => look({ ...weak, shift: i % 2 === 0 ? -2 : 2 }))).at(-1)).toBeUndefined();
  });

  it('refuses what shows little of the object, however steady', () => {
    expect(judgeAll(repeat(() => look({ evidence: 0.5, agreement: 1 }))).at(-1)).toBeUndefined();
  });

  it('refuses matches that allow no fit', () => {
    const looks = repeat((i) => look({ fits: i < looksNeeded - 1 }));
    expect(judgeAll(looks).at(-1)).toBeUndefined();
  });

  it('asks for more where it is told to', () => {
    const verdict = (least?: number) => {
      const trial = { looks: [] };
      return repeat((i) => look({ shift: i % 2 === 0 ? -0.5 : 0.5 }))
        .map((one) => judgeTrial(trial, one, least))
        .at(-1);
    };
    // 0.9 · 0.8 less 80 times 0.5 of 200 px: 0.52.
    expect(verdict()).toBeDefined();
    expect(verdict(0.51)).toBeDefined();
    expect(verdict(0.53)).toBeUndefined();
  });
});

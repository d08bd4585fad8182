import { describe, expect, test } from 'vitest';
import { adviseTraining, explainLoss, lossState } from '../../src/train-node/report-advice.ts';
import { defaultConfig } from '../../src/train/settings/config.ts';

/** A hundred steps: from 4 at the beginning, by `at` from then on. */
const curve = (at: (step: number) => number) =>
  Array.from({ length: 100 }, (_, step): [number, number] => [step, step < 10 ? 4 : at(step)]);

describe('the report of a training', () => {
  test('says what the loss is in, and what it was when all was guessed', () => {
    const text = explainLoss(defaultConfig, lossState(curve(() => 0.5)));
    expect(text).toContain('(4.00 here)');
    expect(text).toContain(`of the ${defaultConfig.batch.inputSize} pixel crop`);
    expect(lossState(curve(() => 1).slice(0, 15))).toBeUndefined();
  });

  const advise = (at: (step: number) => number, data = { pictures: 0, videos: 20 }, done = 100) =>
    adviseTraining(lossState(curve(at)), { steps: 100, done }, data).join(' ');

  test('advises to go on while it falls, to label when it is good, to look when it stays bad', () => {
    expect(advise((step) => 3 - step / 50)).toMatch(/^Go on: .*--steps 200”/);
    expect(advise(() => 0.5)).toMatch(/More steps gain little.*Label: /);
    expect(advise(() => 2)).toMatch(/stays at 2\.00.*does the object fill its square.*Label: /);
    expect(advise(() => 2)).not.toContain('More clips');
    expect(advise(() => 2, { pictures: 0, videos: 1 })).toContain('all comes from one clip');
    expect(advise(() => 2, { pictures: 0, videos: 3 }, 50)).toMatch(/stopped at step 50 of 100.*3 clips/);
  });
});

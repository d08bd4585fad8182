import { describe, expect, it } from 'vitest';
import { fitCalibration, type CalibrationLook } from '../../src/landmark-maker/calibration-fit.ts';
import { calibrate, unitLength, type Calibration } from '../../src/landmarks/calibration.ts';
import { calibrationError, reliabilityTable } from '../../src/landmarks/reliability.ts';
import { createRandom } from '../../src/augment/random.ts';

const truth: Calibration = { tolerance: 0.05, own: 1.2, mean: 0.6, misfit: -0.8, offsets: [-4, -2.5, -3] };

/** Looks whose landmarks are right as often as a calibration says. */
const drawLooks = (count: number, seed: number): CalibrationLook[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const quality = random.normal(0.5, 1);
    const confidences = truth.offsets.map(() => 1 / (1 + Math.exp(-(quality + random.normal(0, 1)))));
    const residuals = truth.offsets.map(() => random.uniform(0, 0.3));
    const right = calibrate(confidences, residuals, truth).map((chance) => random.chance(chance));
    return { confidences, residuals, right };
  });
};

const errorOf = (looks: readonly CalibrationLook[], calibration: Calibration): number =>
  calibrationError(
    reliabilityTable(
      looks.flatMap(({ confidences, residuals }) => calibrate(confidences, residuals, calibration)),
      looks.flatMap(({ right }) => right.map(Number)),
    ),
  );

describe('fitting a calibration', () => {
  it('finds the weights that made the data, and fits looks that it has not seen', () => {
    const fitted = fitCalibration(drawLooks(6000, 1), 0.05);
    expect(fitted.tolerance).toBe(0.05);
    expect(fitted.own).toBeCloseTo(truth.own, 0);
    expect(Math.abs(fitted.mean - truth.mean)).toBeLessThan(0.15);
    expect(Math.abs(fitted.misfit - truth.misfit)).toBeLessThan(0.15);
    fitted.offsets.forEach((offset, n) => {
      expect(Math.abs(offset - truth.offsets[n])).toBeLessThan(0.3);
    });
    const unseen = drawLooks(6000, 2);
    expect(errorOf(unseen, fitted)).toBeLessThan(0.015);
    expect(errorOf(unseen, { ...truth, own: 0, mean: 0, misfit: 0 })).toBeGreaterThan(0.1);
  });

  it('stays finite where all landmarks are right, and is then sure of them', () => {
    const looks = drawLooks(50, 3).map((look) => ({ ...look, right: look.right.map(() => true) }));
    const fitted = fitCalibration(looks, 0.05);
    const confidences = calibrate(looks[0].confidences, looks[0].residuals, fitted);
    for (const confidence of confidences) {
      expect(confidence).toBeGreaterThan(0.95);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  });

  it('draws a landmark that was hardly seen towards the others', () => {
    const looks = drawLooks(400, 4);
    const [first] = looks;
    const fitted = fitCalibration([first], 0.05);
    const spread = Math.max(...fitted.offsets) - Math.min(...fitted.offsets);
    expect(spread).toBeLessThan(1);
  });
});

describe('calibrate', () => {
  it('rises with a landmark’s own confidence and falls with its misfit', () => {
    const at = (own: number, residual: number): number =>
      calibrate([own, 0.5, 0.5], [residual, 0.1, 0.1], truth)[0];
    expect(at(0.9, 0.1)).toBeGreaterThan(at(0.6, 0.1));
    expect(at(0.9, 0.1)).toBeGreaterThan(at(0.9, 0.3));
  });

  it('counts a look without a fit as a bad fit', () => {
    const confidences = [0.9, 0.9, 0.9];
    expect(calibrate(confidences, undefined, truth)).toEqual(calibrate(confidences, [0.5, 0.7, 0.5], truth));
  });
});

describe('unitLength', () => {
  const points = [
    { x: 10, y: 10 },
    { x: 13, y: 14 },
    { x: 40, y: 20 },
  ];
  it('is the distance of the two landmarks that a set names', () => {
    expect(unitLength(points, [0, 1])).toBe(5);
  });
  it('is the longer side of the box of all points where it names none', () => {
    expect(unitLength(points, undefined)).toBe(30);
  });
});

describe('a reliability table', () => {
  it('has the mean confidence and the share of right landmarks of each range', () => {
    const table = reliabilityTable([0.1, 0.15, 0.9, 1], [0, 1, 1, 1], 2);
    expect(table).toEqual([
      { from: 0, to: 0.5, count: 2, confidence: 0.125, observed: 0.5 },
      { from: 0.5, to: 1, count: 2, confidence: 0.95, observed: 1 },
    ]);
    expect(calibrationError(table)).toBeCloseTo((2 * 0.375 + 2 * 0.05) / 4, 12);
  });

  it('leaves ranges without landmarks out of the error', () => {
    const table = reliabilityTable([0.95], [1], 10);
    expect(table[0].count).toBe(0);
    expect(calibrationError(table)).toBeCloseTo(0.05, 12);
  });
});

import { describe, expect, it } from 'vitest';
import type { Roi } from '../../src/geometry/roi.ts';
import { canonicalSquare, shareInside } from '../../tools/prepare-pictures/canonical-square.ts';

const base = { centerX: 0.5, centerY: 0.63, side: 0.89 };
const size = { width: 400, height: 300 };
const roiAt = (x: number, y: number, side: number): Roi => ({ center: { x, y }, size: side, rotation: 0 });

describe('the canonical square of a find', () => {
  it('has its ROI as the canonical crop', () => {
    const { left, top, side } = canonicalSquare(roiAt(200, 160, 89), base, size);
    expect(side).toBeCloseTo(100, 9);
    expect(left + base.centerX * side).toBeCloseTo(200, 9);
    expect(top + base.centerY * side).toBeCloseTo(160, 9);
  });

  it('is moved a little where it would reach beyond the picture, and no further', () => {
    expect(canonicalSquare(roiAt(48, 160, 89), base, size).left).toBeCloseTo(0, 9);
    expect(canonicalSquare(roiAt(20, 160, 89), base, size).left).toBeCloseTo(-30 + 6, 9);
    expect(canonicalSquare(roiAt(352, 160, 89), base, size).left).toBeCloseTo(300, 9);
  });
});

describe('the share of a find inside the picture', () => {
  it('is 1 inside and shrinks with what is cut off', () => {
    expect(shareInside(roiAt(200, 150, 100), size)).toBe(1);
    expect(shareInside(roiAt(0, 150, 100), size)).toBeCloseTo(0.5, 9);
    expect(shareInside(roiAt(0, 300, 100), size)).toBeCloseTo(0.25, 9);
    expect(shareInside(roiAt(-200, 150, 100), size)).toBe(0);
  });
});

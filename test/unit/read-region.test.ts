import { describe, expect, it } from 'vitest';
import { readRegion, roiOfRegion } from '../../src/cli/read-roi.ts';

const frame = { width: 640, height: 480 };
const roiOf = (text: string) => roiOfRegion(readRegion(text, 'roi'), 1.6, frame);

describe('a region on the command line', () => {
  it('is a box, which gets room around it', () => {
    expect(roiOf('100,50,200,250')).toEqual({ center: { x: 150, y: 150 }, size: 320, rotation: 0 });
  });

  it('is the whole frame', () => {
    expect(roiOf('frame')).toEqual({ center: { x: 320, y: 240 }, size: 640, rotation: 0 });
  });

  it('is a square by its centre and side', () => {
    expect(roiOf('150, 160, 90')).toEqual({ center: { x: 150, y: 160 }, size: 90, rotation: 0 });
  });

  it.each(['', '1,2', '1,2,0', '200,50,100,250', '1,2,3,x', '1,2,3,4,5', 'Frame'])('is not "%s"', (text) => {
    expect(() => readRegion(text, 'roi')).toThrow('--roi wants frame, x0,y0,x1,y1');
  });
});

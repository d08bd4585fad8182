import { describe, expect, it } from 'vitest';
import { resizeResult } from '../../src/cli/resize-result.ts';
import { createResult, type TrackedObject } from '../../src/pipeline/result.ts';

describe('resizeResult', () => {
  const object: TrackedObject = {
    status: 'tracking',
    id: 1,
    roi: { center: { x: 50, y: 20 }, size: 10, rotation: 0.5 },
    landmarks: [
      {
        name: 'tip',
        x: 40,
        y: 30,
        normalized: { x: 0.4, y: 0.6 },
        confidence: 0.9,
        visible: true,
        raw: { x: 41, y: 31 },
      },
    ],
  };
  const result = createResult({ timestamp: 1, width: 100, height: 50 }, [object]);

  it('scales points each way and leaves what is relative', () => {
    const resized = resizeResult(result, { width: 400, height: 50 });
    expect(resized).toMatchObject({
      width: 400,
      height: 50,
      roi: { center: { x: 200, y: 20 }, size: 20, rotation: 0.5 },
      landmarks: [{ x: 160, y: 30, normalized: { x: 0.4, y: 0.6 }, raw: { x: 164, y: 31 } }],
    });
  });

  it('gives back a result that has the size already', () => {
    expect(resizeResult(result, { width: 100, height: 50 })).toBe(result);
  });
});

import { expect, test } from 'vitest';
import { cropToImage } from '../../src/geometry/roi.ts';
import { roiOfFace } from '../../src/mediapipe/face-roi.ts';

test('the square of a face puts its eyes and mouth where an average face has them, however it is turned', () => {
  const roi = { center: { x: 310, y: 200 }, size: 180, rotation: 0.5 };
  const size = { width: 640, height: 480 };
  const [rightEye, leftEye, mouth] = [
    { x: 0.352, y: 0.306 },
    { x: 0.643, y: 0.306 },
    { x: 0.498, y: 0.619 },
  ].map((point) => {
    const { x, y } = cropToImage(point, roi, 1);
    return { x: x / size.width, y: y / size.height };
  });
  const found = roiOfFace({ score: 1, rightEye, leftEye, mouth }, size);
  expect(found.center.x).toBeCloseTo(310, 6);
  expect(found.center.y).toBeCloseTo(200, 6);
  expect(found.size).toBeCloseTo(180, 6);
  expect(found.rotation).toBeCloseTo(0.5, 6);
});

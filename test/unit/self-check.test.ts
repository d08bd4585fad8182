import { expect, test } from 'vitest';
import { cropToTensor } from '../../src/pipeline/crop.ts';
import { drawPicture, drawSquare, pictureSize, square } from '../../src/worker/self-check.ts';

test.each([96, 128, 160])('the square drawn for wasm is the crop of the picture at %i pixels', (size) => {
  const image = { data: drawPicture(), width: pictureSize, height: pictureSize, channels: 4 as const };
  const crop = cropToTensor(image, square, size);
  const drawn = drawSquare(size);
  const off = crop.map((value, i) => Math.abs(value - drawn[i]));
  expect(Math.max(...off)).toBeLessThan(1.5 / 255);
});

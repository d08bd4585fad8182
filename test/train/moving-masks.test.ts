import { expect, test } from 'vitest';
import { disFlow, rgbToGray } from '../../src/flow/optical-flow.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { movingMasks, type ChainLink } from '../../src/train/pairs/moving-masks.ts';
import { drawFrame, isOnSquare, movingSquare, type DrawnClip } from '../fixtures/drawn-clip.ts';

const side = 128;
const inside = new Uint8Array(side * side).fill(1);
/** It goes further than it is wide: what it hides in one frame is seen in another. */
const clip: DrawnClip = {
  ...movingSquare(7, side, side),
  side: 36,
  centerAt: (frame) => ({ x: 34 + 5 * frame, y: 40 + 3.6 * frame }),
};

const chainOf = (pictures: readonly RawPicture[]): ChainLink[] => {
  const cuts = pictures.map((picture) => ({ picture, gray: rgbToGray(picture.rgb, side, side) }));
  return cuts.slice(1).map((b, i) => ({
    ...{ a: cuts[i], b },
    forward: disFlow(cuts[i].gray, b.gray),
    backward: disFlow(b.gray, cuts[i].gray),
  }));
};

/** How well a mask agrees with the square, 0–1, and which share of the square it holds. */
const agreement = (mask: Uint8Array, frame: number, pan: Point): { iou: number; recall: number } => {
  let [both, either, truth] = [0, 0, 0];
  mask.forEach((value, i) => {
    const [x, y] = [(i % side) + 0.5 - pan.x, Math.floor(i / side) + 0.5 - pan.y];
    const [isIn, isTrue] = [value > 127, isOnSquare(clip, frame, x, y)];
    if (isTrue) truth++;
    if (isIn && isTrue) both++;
    if (isIn || isTrue) either++;
  });
  return { iou: both / either, recall: both / truth };
};

test.each([
  ['stands', { x: 0, y: 0 }],
  ['pans', { x: -1.6, y: 1.1 }],
])('what crosses a background is masked while the camera %s, in other light, too', (_, step) => {
  const pan = (frame: number): Point => ({ x: step.x * frame, y: step.y * frame });
  const pictures = Array.from({ length: 10 }, (_frame, frame) => {
    const picture = drawFrame(clip, frame, pan(frame));
    const light = 1 - 0.03 * frame;
    return { ...picture, rgb: picture.rgb.map((value) => light * value) };
  });
  const masks = movingMasks(chainOf(pictures), inside) ?? expect.unreachable('nothing was told apart');
  expect(masks.length).toBe(pictures.length);
  masks.forEach((mask, frame) => {
    const { iou, recall } = agreement(mask, frame, pan(frame));
    expect(recall).toBeGreaterThan(0.97);
    expect(iou).toBeGreaterThan(0.7);
  });
});

test('a picture that all goes along with the camera holds nothing that is masked', () => {
  const still = { ...clip, centerAt: () => ({ x: -100, y: -100 }) };
  const pictures = Array.from({ length: 6 }, (_, frame) => drawFrame(still, 0, { x: 2 * frame, y: frame }));
  expect(movingMasks(chainOf(pictures), inside)).toBeUndefined();
});

test('where the camera moves among things near and far, no object is told from them', () => {
  // Each row of the picture moves at another speed, as a floor does.
  const background = movingSquare(9, side, side).background;
  const pictures = Array.from({ length: 6 }, (_, frame): RawPicture => {
    const rgb = Uint8Array.from({ length: 3 * side * side }, (_value, i) => {
      const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
      return background(x - frame * 5 * Math.sin(y / 12), y, i % 3);
    });
    return { file: `frame ${frame}`, width: side, height: side, rgb };
  });
  expect(movingMasks(chainOf(pictures), inside)).toBeUndefined();
});

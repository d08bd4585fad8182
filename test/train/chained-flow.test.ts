import { expect, test } from 'vitest';
import type { FlowField } from '../../src/flow/optical-flow.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { chainFlows, chainValidity, sameLooks } from '../../src/train/pairs/chained-flow.ts';

const side = 16;
/** A flow along x alone. */
const flowOf = (moves: (x: number) => number): FlowField => ({
  ...{ width: side, height: side },
  x: Float32Array.from({ length: side * side }, (_, i) => moves(i % side)),
  y: new Float32Array(side * side),
});
const row = 5 * side;

test('a chain goes on where the flow before it ended, between pixels too', () => {
  const growing = flowOf((x) => 0.5 * x);
  const { x, y } = chainFlows(
    flowOf(() => 2.5),
    growing,
  );
  // 4 goes to 6.5, and from there by half of that.
  expect(x[row + 4]).toBeCloseTo(2.5 + 3.25);
  expect(y[row + 4]).toBe(0);
});

test('a place that something came before is carried off by it, and not believed; what it leaves alone is', () => {
  // A bar of three pixels, of 4 at first, goes by three each time; all else stands still.
  const bar = (from: number, way: number) => flowOf((x) => (x >= from && x < from + 3 ? way : 0));
  const forward = chainFlows(bar(4, 3), bar(7, 3));
  const backward = chainFlows(bar(10, -3), bar(7, -3));
  const valid = chainValidity(forward, backward, 2);
  expect([4, 5, 6].map((x) => [forward.x[row + x], valid[row + x]])).toEqual([
    [6, 1],
    [6, 1],
    [6, 1],
  ]);
  // The bar lies on 7 to 9 in between and on 10 to 12 at the end.
  expect([7, 8, 9].map((x) => [forward.x[row + x], valid[row + x]])).toEqual([
    [3, 0],
    [3, 0],
    [3, 0],
  ]);
  expect([1, 2, 14].map((x) => valid[row + x])).toEqual([1, 1, 1]);
});

test('what leaves the picture is not believed, and several flows may miss by more than one', () => {
  const out = chainValidity(
    flowOf(() => 3),
    flowOf(() => -3),
    4,
  );
  expect([out[row + 12], out[row + 13]]).toEqual([1, 0]);
  const missing = [1, 4].map(
    (hops) =>
      chainValidity(
        flowOf(() => 1),
        flowOf(() => 0),
        hops,
      )[row],
  );
  expect(missing).toEqual([0, 1]);
});

/** A slope of grey with a red dot of 3 × 3 pixels around a column of row 5. @param light times all of it */
const dotted = (column: number, light: number): RawPicture => {
  const rgb = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    const isDot = Math.abs(x - column) <= 1 && Math.abs(y - 5) <= 1;
    return light * (isDot ? [200, 20, 20][channel] : 60 + 2 * x);
  });
  return { file: 'drawn', rgb, width: side, height: side };
};

test('what looks otherwise at the other end is not believed, though flow lost it both ways alike', () => {
  const all = (): Uint8Array => new Uint8Array(side * side).fill(1);
  const still = flowOf(() => 0);
  const [a, b] = [dotted(3, 1), dotted(12, 1.25)];
  const lost = sameLooks(a, b, still, all());
  // The dot; light that grows as a whole is no other look.
  expect(lost[row + 3]).toBe(0);
  expect([7, 8].map((x) => lost[row + x])).toEqual([1, 1]);
  expect(lost[14 * side + 3]).toBe(1);
  // Followed, and followed with two pixels of drift.
  for (const moves of [9, 7]) {
    const found = sameLooks(
      a,
      b,
      flowOf((x) => (Math.abs(x - 3) <= 1 ? moves : 0)),
      all(),
    );
    expect(found[row + 3]).toBe(1);
  }
  // What was not believed before stays so.
  expect(sameLooks(a, b, still, new Uint8Array(side * side)).every((one) => one === 0)).toBe(true);
});

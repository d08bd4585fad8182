import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { flowAccuracy } from '../../src/evaluation/evaluate-flow.ts';
import { readFlowFile } from '../../src/flow/flow-file.ts';
import { writeFlowFile } from '../fixtures/flow-file.ts';

const flow = {
  width: 3,
  height: 2,
  x: Float32Array.of(0, 1.5, -2.25, 3, 100.125, -7),
  y: Float32Array.of(0.5, 0, 8, -9.75, 1e-3, 2),
};

describe('Middlebury flow files', () => {
  test('what is written is read back to the last bit', () => {
    const read = readFlowFile(writeFlowFile(flow), 'a.flo');
    expect(read.flow).toEqual(flow);
    expect([...read.known]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('the bytes are those of the format', () => {
    const bytes = writeFlowFile({ width: 1, height: 1, x: Float32Array.of(1), y: Float32Array.of(-2) });
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('PIEH');
    expect([...bytes.subarray(4)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 192]);
  });

  test('unknown pixels stay unknown and count nowhere', () => {
    const known = Uint8Array.of(1, 1, 0, 1, 1, 1);
    const read = readFlowFile(writeFlowFile(flow, known), 'a.flo');
    expect([...read.known]).toEqual([...known]);
    expect(read.flow.x[2]).toBe(0);
    const accuracy = flowAccuracy(flow, Uint8Array.of(1, 1, 1, 0, 1, 1), read);
    expect(accuracy).toEqual({ epe: 0, coverage: 4 / 5, epeMasked: 0 });
  });

  test('a flow that is not a number is unknown', () => {
    const read = readFlowFile(
      writeFlowFile({ ...flow, y: flow.y.map((v, i) => (i === 4 ? NaN : v)) }),
      'a.flo',
    );
    expect([...read.known]).toEqual([1, 1, 1, 1, 0, 1]);
  });

  test('other files, cut files and absurd sizes are refused by name', () => {
    const bytes = writeFlowFile(flow);
    expect(() => readFlowFile(Uint8Array.of(1, 2, 3), 'short.flo')).toThrow(InputError);
    expect(() => readFlowFile(new Uint8Array(60), 'zeros.flo')).toThrow(
      'zeros.flo is not a Middlebury flow file',
    );
    expect(() => readFlowFile(bytes.subarray(0, 50), 'cut.flo')).toThrow(
      '50 bytes but a flow of 3×2 pixels takes 60',
    );
    const negative = bytes.slice();
    new DataView(negative.buffer).setInt32(4, -3, true);
    expect(() => readFlowFile(negative, 'odd.flo')).toThrow('-3×2');
  });

  test('a truth of another size is refused with both sizes', () => {
    const truth = readFlowFile(writeFlowFile(flow), 'a.flo');
    const other = { width: 2, height: 2, x: new Float32Array(4), y: new Float32Array(4) };
    expect(() => flowAccuracy(other, new Uint8Array(4), truth)).toThrow(
      '2×2 pixels but the true flow has 3×2',
    );
  });
});

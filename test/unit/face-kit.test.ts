import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readFaceKit } from '../../src/train-node/read-face-kit.ts';

/** Half-precision bits. */
const half = { zero: 0, one: 0x3c00, minusHalf: 0xb800, two: 0x4000, tiny: 1 };

const partNames = [
  ...['face', 'mouthSocket', 'eyeSocketLeft', 'eyeSocketRight', 'gumsAndTongue', 'teeth'],
  ...['eyeballLeft', 'eyeballRight', 'lacrimal', 'headAndNeck', 'eyelashes'],
];

/** One triangle and one square, 4 vertices: enough to read, not to look at. */
const meta = (parts = partNames) => ({
  vertices: 4,
  quads: 2,
  uvs: 4,
  identityModes: 1,
  expressions: ['jawOpen', 'cheekPuff_L'],
  landmarks68: [0, 1, 2],
  parts: Object.fromEntries(parts.map((name) => [name, [0, 3]])),
});

let folder: string;
const write = async (text: string): Promise<void> => {
  await writeFile(join(folder, 'meta.json'), text);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-kit-'));
  await write(JSON.stringify(meta()));
  await writeFile(
    join(folder, 'neutral.f32'),
    Float32Array.from({ length: 12 }, (_, i) => i),
  );
  const identity = new Uint16Array(12);
  identity.set([half.one, half.minusHalf, half.two, half.tiny]);
  await writeFile(join(folder, 'identity.f16'), identity);
  await writeFile(join(folder, 'expression.f16'), new Uint16Array(24).fill(half.one, 12));
  // The second one is a triangle: it repeats its last vertex.
  await writeFile(join(folder, 'quads.u16'), Uint16Array.of(0, 1, 2, 3, 1, 2, 3, 3));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a packed face rig', () => {
  it('is read as it was written', async () => {
    const rig = await readFaceKit(folder);
    expect([...rig.neutral]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect([...rig.triangles]).toEqual([0, 1, 2, 0, 2, 3, 1, 2, 3]);
    expect([...rig.identity[0].subarray(0, 5)]).toEqual([1, -0.5, 2, 2 ** -24, 0]);
    expect(rig.expressions.map((delta) => delta[0])).toEqual([0, 1]);
    expect(rig.parts.find(({ name }) => name === 'face')).toMatchObject({ from: 0, to: 4 });
    expect(rig.parts.find(({ name }) => name === 'headAndNeck')).toEqual({
      ...{ name: 'headAndNeck', from: 0, to: 4 },
      isOuter: true,
    });
    expect(rig.parts.find(({ name }) => name === 'eyelashes')?.material).toBeUndefined();
  });

  it.each([
    [
      'without a named part',
      JSON.stringify(meta(partNames.filter((name) => name !== 'teeth'))),
      /no part "teeth"/,
    ],
    ['whose description is no JSON', '{', /meta.json cannot be read as JSON/],
    ['whose description lacks a field', '{"vertices": 4}', /does not hold vertices, quads/],
    [
      'with a landmark beyond its vertices',
      JSON.stringify({ ...meta(), landmarks68: [4] }),
      /does not hold vertices, quads/,
    ],
    [
      'of other sizes',
      JSON.stringify({ ...meta(), quads: 3 }),
      /quads.u16 has 16 bytes but meta.json .* says 24/,
    ],
  ])('%s is refused in one line', async (_, text, message) => {
    await write(text);
    const reading = readFaceKit(folder);
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.not.toThrow(/\n/);
  });

  it('that is missing, or lacks a file, is refused', async () => {
    await expect(readFaceKit(join(folder, 'none'))).rejects.toThrow(/meta.json cannot be read/);
    await rm(join(folder, 'neutral.f32'));
    await expect(readFaceKit(folder)).rejects.toThrow(/neutral.f32 cannot be read/);
  });
});

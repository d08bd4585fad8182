import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import {
  checkLandmarkSet,
  logOdds,
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';

const set: LandmarkSet = {
  category: 'face',
  embeddingSize: 4,
  names: ['left', 'right', 'tip'],
  connections: [[0, 2]],
  mirrorPairs: [[0, 1]],
  meanShape: [
    { x: 0.25, y: 0.3 },
    { x: 0.75, y: 0.3 },
    { x: 0.5, y: 0.7 },
  ],
  references: new Float32Array([1, 0, 0, 0, 0.6, 0.8, 0, 0, 0.5, 0.5, 0.5, -0.5]),
  evidence: { object: 2.5, background: -1 },
  network: 'a'.repeat(64),
  unit: [0, 1],
  calibration: { tolerance: 0.05, own: 0.5, mean: 1.5, misfit: -0.25, offsets: [-1, -2, 0.5] },
  annotations: [
    {
      picture: 'one.jpg',
      points: [
        { x: 0.2, y: 0.31234 },
        { x: 0.7, y: 0.3 },
        { x: 0.5, y: 0.6 },
      ],
    },
  ],
};

/** The set's file with some fields replaced. */
const file = (changes: Record<string, unknown>): string =>
  JSON.stringify({ ...(JSON.parse(serializeLandmarkSet(set)) as Record<string, unknown>), ...changes });

describe('a landmark set', () => {
  it('comes back from its file as it was', () => {
    const back = parseLandmarkSet(serializeLandmarkSet(set));
    expect(back).toEqual(set);
    expect(back.references).toEqual(set.references);
  });

  it('comes back without annotations, unit and calibration where it has none', () => {
    const bare: LandmarkSet = { ...set };
    delete bare.annotations;
    delete bare.unit;
    delete bare.calibration;
    expect(parseLandmarkSet(serializeLandmarkSet(bare))).toEqual(bare);
  });

  it('is written with five significant digits and read as exact unit vectors', () => {
    const uneven: LandmarkSet = {
      ...set,
      references: new Float32Array([...Array(12).keys()].map((i) => Math.sin(i + 1))),
    };
    for (let n = 0; n < 3; n++) {
      const row = uneven.references.subarray(n * 4, n * 4 + 4);
      const length = Math.hypot(...row);
      row.forEach((value, index) => (row[index] = value / length));
    }
    const text = serializeLandmarkSet(uneven);
    expect(text).not.toMatch(/\.\d{9}/);
    const back = parseLandmarkSet(text).references;
    for (let n = 0; n < 3; n++) expect(Math.hypot(...back.subarray(n * 4, n * 4 + 4))).toBeCloseTo(1, 6);
    back.forEach((value, index) => {
      expect(Math.abs(value - uneven.references[index])).toBeLessThan(2e-5);
    });
  });

  it.each([
    ['no JSON', 'oops', /is not JSON/],
    ['a list', '[]', /is not a JSON object/],
    ['a later format', file({ formatVersion: 2 }), /format version 2 .* reads 1/],
    ['no category', file({ category: '' }), /no category/],
    [
      'an embedding size beyond all memory',
      file({ embeddingSize: 2 ** 40 }),
      /says its embeddings are 1099511627776-D/,
    ],
    ['a broken embedding size', file({ embeddingSize: 1.5 }), /embeddingSize/],
    ['no names', file({ names: [] }), /no names/],
    ['a name given twice', file({ names: ['a', 'a', 'b'] }), /given twice/],
    ['an index beyond the names', file({ connections: [[0, 3]] }), /connections beyond its 3 names/],
    ['no mirror pairs', file({ mirrorPairs: undefined }), /no mirrorPairs/],
    ['too few points', file({ meanShape: [[0, 0]] }), /1 points in meanShape but 3 names/],
    [
      'points that are not numbers',
      file({
        meanShape: [
          [0, 0],
          [1, 'x'],
          [0, 1],
        ],
      }),
      /not numbers/,
    ],
    ['too few references', file({ references: [[1, 0, 0, 0]] }), /1 references but 3 names/],
    [
      'references of another size',
      file({
        references: [
          [1, 0],
          [1, 0],
          [1, 0],
        ],
      }),
      /2-D reference but says .* 4-D/,
    ],
    [
      'references that are not unit',
      file({
        references: [
          [1, 1, 0, 0],
          [1, 0, 0, 0],
          [1, 0, 0, 0],
        ],
      }),
      /length 1\.414/,
    ],
    ['no evidence', file({ evidence: undefined }), /no evidence/],
    ['evidence upside down', file({ evidence: { object: 1, background: 2 } }), /1 on the object but 2/],
    ['a unit of three landmarks', file({ unit: [0, 1, 2] }), /unit not of the form/],
    ['a unit beyond the names', file({ unit: [0, 3] }), /unit beyond its 3 names/],
    ['a calibration without weights', file({ calibration: { offsets: [0, 0, 0] } }), /without tolerance/],
    [
      'a calibration of other landmarks',
      file({ calibration: { tolerance: 0.05, own: 1, mean: 1, misfit: -1, offsets: [0] } }),
      /1 offsets in its calibration but 3 names/,
    ],
    ['annotations without a picture', file({ annotations: [{ points: [] }] }), /without a picture/],
    [
      'annotations with too few points',
      file({ annotations: [{ picture: 'a.png', points: [] }] }),
      /annotation of a\.png/,
    ],
  ])('is refused with the reason and the remedy: %s', (_, text, reason) => {
    expect(() => parseLandmarkSet(text, 'points.json')).toThrow(ModelError);
    expect(() => parseLandmarkSet(text, 'points.json')).toThrow(reason);
    expect(() => parseLandmarkSet(text, 'points.json')).toThrow(/^points\.json .*dve landmarks/);
  });

  it('of another network is refused, both sides named', () => {
    expect(() => {
      checkLandmarkSet(
        set,
        { embeddingSize: 32, category: 'face' },
        { landmarks: 'landmarks.json', model: 'models/face/model.onnx' },
      );
    }).toThrow(
      'landmarks.json has 4-D embeddings but models/face/model.onnx outputs 32-D. Recreate it with "dve landmarks".',
    );
    expect(() => {
      checkLandmarkSet(set, { embeddingSize: 4, category: 'cat' });
    }).toThrow(/"face" but the model is for "cat"/);
    checkLandmarkSet(set, { embeddingSize: 4, category: 'face' });
  });

  it('that was made with another network of the same kind is refused', () => {
    const withNetwork = (sha256: string) => ({
      ...{ embeddingSize: 4, category: 'face' },
      files: { model: { name: 'model.onnx', bytes: 1, sha256 } },
    });
    expect(() => {
      checkLandmarkSet(set, withNetwork('b'.repeat(64)));
    }).toThrow(/^landmarks\.json was made with another network than the model has\. .*dve landmarks/);
    checkLandmarkSet(set, withNetwork('a'.repeat(64)));
    // Sets of before say nothing of their network.
    const older: LandmarkSet = { ...set };
    delete older.network;
    checkLandmarkSet(older, withNetwork('b'.repeat(64)));
  });
});

describe('logOdds', () => {
  it('is zero at a half, symmetric, and stays finite at 0 and 1', () => {
    expect(logOdds(0.5)).toBe(0);
    expect(logOdds(0.9)).toBeCloseTo(-logOdds(0.1), 10);
    expect(logOdds(1)).toBeCloseTo(6.907, 3);
    expect(logOdds(0)).toBeCloseTo(-6.907, 3);
  });
});

describe('the iBUG table', () => {
  it('names 68 points once each and keeps every index in range', () => {
    expect(new Set(ibug68.names).size).toBe(68);
    for (const index of [...ibug68.connections, ...ibug68.mirrorPairs].flat())
      expect(ibug68.names[index]).toBeDefined();
  });

  it('pairs every point off the middle line with exactly one other', () => {
    const paired = ibug68.mirrorPairs.flat();
    expect(new Set(paired).size).toBe(paired.length);
    const middle = [...Array(68).keys()].filter((index) => !paired.includes(index));
    expect(middle).toEqual([8, 27, 28, 29, 30, 33, 51, 57, 62, 66]);
  });

  it('pairs right with left', () => {
    const swap = (name: string) => name.replace('right', '*').replace('left', 'right').replace('*', 'left');
    for (const [a, b] of ibug68.mirrorPairs) {
      const part = (index: number) => ibug68.names[index].replace(/-\d+$/, '');
      expect(part(b)).toBe(swap(part(a)));
    }
  });
});

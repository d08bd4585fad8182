import { describe, expect, test } from 'vitest';
import { InputError, ModelError } from '../../src/errors.ts';
import { createPosedFace, createPuppet, expressionNames } from '../../src/puppet/index.ts';
import { packArrays, unpackArrays } from '../../src/puppet/packed-arrays.ts';
import {
  anglesOfRotation,
  multiplyInto,
  quaternionOfRotation,
  rotationOfVector,
  rotationToAxis,
  vectorOfRotation,
} from '../../src/puppet/solid-rotation.ts';
import { faceModel, frameSize, inputOf, nothingAt, puppetFiles } from '../fixtures/puppet-files.ts';

const at = (vector: readonly [number, number, number], translation: readonly number[]) => ({
  rotation: rotationOfVector(...vector),
  translation: Float64Array.from(translation),
});
const ahead = at([0, 0, 0], [0, 0, -60]);
/** Degrees between the turn of a 4 × 4 matrix and another one. */
const apart = (matrix: Float32Array, rotation: Float64Array): number => {
  const back = [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => rotation[i]);
  const found = [0, 4, 8, 1, 5, 9, 2, 6, 10].map((i) => matrix[i]);
  return (Math.hypot(...vectorOfRotation(multiplyInto(found, back, new Float64Array(9)))) * 180) / Math.PI;
};

describe('packed arrays', () => {
  const data = Float32Array.of(0.5, -1, 2, 1e-3, 0, -2e-3);
  const file = packArrays(
    [
      { name: 'exact', kind: 'float32', shape: [6], data },
      { name: 'coarse', kind: 'int8', shape: [2, 3], data },
      { name: 'counts', kind: 'uint16', shape: [3], data: Float32Array.of(1, 2, 65535) },
    ],
    { note: 'é' },
  );

  test('come back as they were, whole numbers by the scale of their row', () => {
    // From the middle of a larger buffer, as Node reads files.
    const inside = new Uint8Array(file.length + 3);
    inside.set(file, 3);
    const { arrays, about } = unpackArrays(Buffer.from(inside.buffer, 3), 'a file');
    expect(about).toEqual({ note: 'é' });
    expect(arrays.get('exact')).toEqual({ shape: [6], data });
    expect([...(arrays.get('counts')?.data ?? [])]).toEqual([1, 2, 65535]);
    const coarse = arrays.get('coarse')?.data ?? [];
    data.forEach((value, i) => {
      expect(Math.abs(coarse[i] - value)).toBeLessThanOrEqual((i < 3 ? 2 : 2e-3) / 254 + 1e-9);
    });
  });

  test('of a file that is none, or breaks off, are refused by its name', () => {
    expect(() => unpackArrays(new Uint8Array(20), 'page.html')).toThrow(/page\.html is no file of packed/);
    expect(() => unpackArrays(file.subarray(0, file.length - 8), 'face.bin')).toThrow(
      /breaks off at "counts"/,
    );
    expect(() => createPuppet({ ...puppetFiles(), face: file })).toThrow(ModelError);
  });
});

describe('rotations', () => {
  test('go to vectors, quaternions and back', () => {
    const vector = [0.3, -0.7, 0.4] as const;
    const rotation = rotationOfVector(...vector);
    vectorOfRotation(rotation).forEach((value, i) => {
      expect(value).toBeCloseTo(vector[i], 10);
    });
    const { x, y, z, w } = quaternionOfRotation(rotation);
    const half = 2 * Math.acos(w);
    [x, y, z].forEach((value, i) => {
      expect((value / Math.sin(half / 2)) * half).toBeCloseTo(vector[i], 10);
    });
  });

  test('have angles by which a yaw turns the face to the right of the picture, a pitch down, a roll clockwise', () => {
    const radians = Math.PI / 180;
    expect(anglesOfRotation(rotationOfVector(0, 20 * radians, 0)).yaw).toBeCloseTo(20, 10);
    expect(anglesOfRotation(rotationOfVector(20 * radians, 0, 0)).pitch).toBeCloseTo(20, 10);
    expect(anglesOfRotation(rotationOfVector(0, 0, -20 * radians)).roll).toBeCloseTo(20, 10);
  });

  test('take a direction onto the axis of the camera', () => {
    const r = rotationToAxis(3, -2, -6);
    [0, 3, 6].forEach((row, axis) => {
      expect((r[row] * 3 - r[row + 1] * 2 - r[row + 2] * 6) / 7).toBeCloseTo(axis === 2 ? -1 : 0, 10);
    });
  });
});

describe('the face', () => {
  test('has 500 to 900 vertices, holes at eyes and mouth, and a vertex for each landmark', () => {
    const { mask, openings, landmarks, expressionNames: names } = faceModel;
    expect(mask.vertices).toBeGreaterThanOrEqual(500);
    expect(mask.vertices).toBeLessThanOrEqual(900);
    expect(Math.max(...mask.index)).toBe(mask.vertices - 1);
    expect(new Set(landmarks).size).toBe(68);
    const edges = new Set<string>();
    for (let t = 0; t < mask.index.length; t += 3) {
      for (let k = 0; k < 3; k++) edges.add(`${mask.index[t + k]},${mask.index[t + ((k + 1) % 3)]}`);
    }
    for (const rim of Object.values(openings)) {
      rim.forEach((v, i) => {
        const next = rim[(i + 1) % rim.length];
        // One triangle lies along the rim, and none on its other side.
        expect(edges.has(`${v},${next}`)).toBe(true);
        expect(edges.has(`${next},${v}`)).toBe(false);
      });
    }
    expect(names).toContain('jawOpen');
  });

  test('opens its mouth by jawOpen: the rim of the opening grows', () => {
    const face = createPosedFace(puppetFiles().face);
    const { mesh } = face;
    const height = (): number => {
      const ys = [...mesh.openings.mouth].map((v) => mesh.positions[3 * v + 1]);
      return Math.max(...ys) - Math.min(...ys);
    };
    face.setExpressions({});
    const rest = height();
    face.setExpressions({ jawOpen: 1 });
    expect(height()).toBeGreaterThan(rest + 1);
  });

  test('parts its lips where the points do: the upper one does not go along with the lower one', () => {
    const input = inputOf(ahead, 0);
    const landmarks = input.objects[0].landmarks.map((landmark, i) => ({
      ...landmark,
      y: landmark.y + (i >= 65 || (i >= 55 && i < 60) ? 10 : 0),
    }));
    const result = createPuppet(puppetFiles()).update({
      ...input,
      objects: [{ ...input.objects[0], landmarks }],
    });
    if (result.status === 'searching') throw new Error('no face');
    const { points, landmarks: vertices } = result.mesh;
    const gap = points[2 * vertices[66] + 1] - points[2 * vertices[62] + 1];
    expect(gap / (landmarks[66].y - landmarks[62].y)).toBeGreaterThan(0.8);
  });
});

describe('the pose', () => {
  test.each([
    ['straight ahead', ahead],
    ['turned', at([0.1, 0.7, -0.2], [4, -3, -55])],
    ['in the picture’s corner', at([-0.2, -0.4, 0.1], [22, 15, -62])],
    ['near', at([0.3, 0.2, 0.1], [-3, 2, -25])],
  ])('of a face that is %s is right under perspective', (_, placement) => {
    const puppet = createPuppet(puppetFiles());
    const pose = puppet.headPose(inputOf(placement, 0));
    if (pose === undefined) throw new Error('no pose');
    expect(apart(pose.matrix, placement.rotation)).toBeLessThan(1);
    const { x, y, z } = pose.position;
    const miss = Math.hypot(
      x - placement.translation[0],
      y - placement.translation[1],
      z - placement.translation[2],
    );
    expect(miss / Math.hypot(...placement.translation)).toBeLessThan(0.02);
    expect(pose.confidence).toBeGreaterThan(0.8);
    expect([...pose.matrix.subarray(12)]).toEqual([x, y, z, 1].map(Math.fround));
  });

  test('goes by the field of view: half the angle, about twice as far', () => {
    const far = createPuppet(puppetFiles(), { fieldOfView: 24 }).headPose(inputOf(ahead, 0, 48));
    const near = createPuppet(puppetFiles(), { fieldOfView: 48 }).headPose(inputOf(ahead, 0, 48));
    expect((far?.position.z ?? 0) / (near?.position.z ?? 1)).toBeCloseTo(2, 0);
  });

  test('is robust: a tenth of the points may lie anywhere', () => {
    const placement = at([0, 0.3, 0], [0, 0, -60]);
    const input = inputOf(placement, 0);
    const [object] = input.objects;
    const landmarks = object.landmarks.map((point, i) =>
      i % 10 === 3 ? { ...point, x: point.x + 60, y: point.y - 40 } : point,
    );
    const pose = createPuppet(puppetFiles()).headPose({ ...input, objects: [{ ...object, landmarks }] });
    expect(apart(pose?.matrix ?? new Float32Array(16), placement.rotation)).toBeLessThan(4);
  });

  test('puts the mesh where the landmarks are', () => {
    const input = inputOf(at([0.1, 0.3, 0], [5, 2, -60]), 0);
    const mesh = createPuppet(puppetFiles()).faceMesh(input);
    if (mesh === undefined) throw new Error('no mesh');
    input.objects[0].landmarks.forEach(({ x, y }, l) => {
      const v = mesh.landmarks[l];
      expect(Math.hypot(mesh.points[2 * v] - x, mesh.points[2 * v + 1] - y)).toBeLessThan(3);
    });
  });
});

describe('a puppet', () => {
  test('tells all of ARKit’s names, and which of them it cannot', () => {
    const puppet = createPuppet(puppetFiles({ cheekPuff_L: 1, mouthSmile_L: 0.5 }));
    const expressions = puppet.expressions(inputOf(ahead, 0));
    expect(Object.keys(expressions ?? {})).toEqual([...expressionNames]);
    expect(expressionNames).toHaveLength(52);
    expect(puppet.unsupported).toEqual(['cheekPuff', 'tongueOut']);
    expect(expressions?.cheekPuff).toBe(0);
    // What is weaker than a tenth is silent, and 1 stays 1.
    expect(expressions?.mouthSmileLeft).toBeCloseTo((0.5 - 0.1) / 0.9, 3);
    expect(expressions?.mouthSmileRight).toBe(0);
  });

  test('takes a face for one at rest when told', () => {
    const puppet = createPuppet(puppetFiles({ mouthSmile_L: 0.5 }));
    expect(() => {
      puppet.calibrate();
    }).toThrow(InputError);
    puppet.update(inputOf(ahead, 0));
    puppet.calibrate();
    expect(puppet.expressions(inputOf(ahead, 1))?.mouthSmileLeft).toBeCloseTo(0, 6);
  });

  test('holds a lost face, then relaxes it to neutral, and says so', () => {
    const puppet = createPuppet(puppetFiles({ jawOpen: 0.8 }), { hold: 0.5, relax: 1 });
    const turned = at([0, 0.5, 0], [3, 0, -60]);
    expect(puppet.update(nothingAt(0)).status).toBe('searching');
    const seen = puppet.update(inputOf(turned, 1));
    const held = puppet.update(nothingAt(1.3));
    const relaxing = puppet.update(nothingAt(2));
    const neutral = puppet.update(nothingAt(4));
    expect([seen, held, relaxing, neutral].map(({ status }) => status)).toEqual([
      'tracking',
      'holding',
      'relaxing',
      'neutral',
    ]);
    const yaws = [seen, held, relaxing, neutral].map((one) =>
      one.status === 'searching' ? NaN : one.pose.angles.yaw,
    );
    expect(yaws[1]).toBe(yaws[0]);
    expect(yaws[2]).toBeGreaterThan(1);
    expect(yaws[2]).toBeLessThan(yaws[0] - 1);
    expect(yaws[3]).toBeCloseTo(0, 6);
    expect(neutral.status === 'neutral' && neutral.expressions.jawOpen).toBeCloseTo(0, 6);
    expect(puppet.update(inputOf(turned, 4.1, 48, 2)).status).toBe('tracking');
  });

  test('stays with the face that it has followed, or follows the one that is named', () => {
    const puppet = createPuppet(puppetFiles());
    const right = at([0, 0, 0], [10, 0, -60]);
    const both = (timestamp: number) => ({
      ...{ timestamp, ...frameSize },
      objects: [...inputOf(ahead, timestamp, 48, 1).objects, ...inputOf(right, timestamp, 48, 2).objects],
    });
    const x = (timestamp: number, id?: number): number => {
      const result = puppet.update(both(timestamp), id);
      return result.status === 'searching' ? NaN : result.pose.position.x;
    };
    expect(x(0)).toBeCloseTo(0, 0);
    expect(x(1, 2)).toBeCloseTo(10, 0);
    expect(x(2)).toBeCloseTo(10, 0);
    expect(puppet.update(both(2.2), 7).status).toBe('holding');
  });

  test('refuses landmarks of something else, a frame without a size and options that make no sense', () => {
    const input = inputOf(ahead, 0);
    const few = {
      ...input,
      objects: [{ ...input.objects[0], landmarks: input.objects[0].landmarks.slice(0, 20) }],
    };
    const puppet = createPuppet(puppetFiles());
    expect(() => puppet.update(few)).toThrow(/no "right-brow-4" and 47 more of the 68 face points/);
    expect(() => puppet.update({ ...input, width: 0 })).toThrow(InputError);
    expect(() => createPuppet(puppetFiles(), { fieldOfView: 0 })).toThrow(/5 to 150/);
    expect(() => createPuppet(puppetFiles(), { fov: 50 } as object)).toThrow(/no option "fov"/);
  });
});

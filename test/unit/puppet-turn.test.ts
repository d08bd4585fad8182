/** The turn of a head, told from what the tracker's network saw of it. */
import { describe, expect, test } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { gistOf } from '../../src/pipeline/gist.ts';
import { gistWish, type Gist } from '../../src/landmarks/gist.ts';
import { createPuppet, type PuppetInput } from '../../src/puppet/index.ts';
import { packArrays } from '../../src/puppet/packed-arrays.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from '../../src/puppet/solid-rotation.ts';
import { projectGist, viewOfSquare, writePoints } from '../../src/puppet/turn-net.ts';
import { frameSize, inputOf, puppetFiles, seenChannels } from '../fixtures/puppet-files.ts';

const lens = { ...frameSize, focalLength: 500 };
const transposed = (r: ArrayLike<number>) => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => r[i]);
const degreesBetween = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  (Math.hypot(...vectorOfRotation(multiplyInto(a, transposed(b), new Float64Array(9)))) * 180) / Math.PI;

describe('a gist', () => {
  test('has the means of eight by eight parts of each channel, in 127ths', () => {
    const embedding = Float32Array.from({ length: 2 * 16 * 16 }, (_, i) => {
      const [channel, y, x] = [i >> 8, (i >> 4) & 15, i & 15];
      return channel === 0 ? x / 15 : y < 2 ? -1 : x % 2;
    });
    const { means: gist } = gistOf(embedding, { inputSize: 32, stride: 2 });
    expect(gist).toHaveLength(2 * 64);
    expect([...gist.subarray(8, 16)]).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((x) => Math.round((127 * (2 * x + 0.5)) / 15)),
    );
    expect([...gist.subarray(64, 72)]).toEqual(new Array(8).fill(-127));
    expect([...gist.subarray(72, 80)]).toEqual(new Array(8).fill(64));
  });

  test('of a side that eight does not divide counts every cell once', () => {
    const { means: gist } = gistOf(new Float32Array(144).fill(0.5), { inputSize: 24, stride: 2 });
    expect([...gist]).toEqual(new Array(64).fill(64));
  });

  test('is projected cell by cell', () => {
    const gist = Int8Array.from({ length: 128 }, (_, i) => (i < 64 ? 127 : -i + 64));
    const out = new Float32Array(64);
    projectGist(Float32Array.of(2, -127), gist, out);
    [...out].forEach((value, i) => {
      expect(value).toBeCloseTo(2 + i, 4);
    });
  });
});

describe('a square', () => {
  test('shows points the same wherever it is in the picture and however it leans', () => {
    const rays = [
      [0.02, 0.01],
      [-0.03, 0.04],
      [0.05, -0.02],
    ];
    const points = (turn: ArrayLike<number>) => {
      const [x, y] = [new Float64Array(68), new Float64Array(68)];
      rays.forEach(([u, v], i) => {
        const [a, b, c] = [0, 3, 6].map((row) => turn[row] * u + turn[row + 1] * v - turn[row + 2]);
        x[i] = -a / c;
        y[i] = -b / c;
      });
      return { x, y };
    };
    const seen = (square: { x: number; y: number; rotation: number }) => {
      const roi = { center: { x: square.x, y: square.y }, size: 200, rotation: square.rotation };
      const view = viewOfSquare(roi, lens);
      const out = new Float32Array(137);
      writePoints(view, points(transposed(view.turn)), out, 0);
      return [...out.subarray(0, 6), out[136]];
    };
    const middle = seen({ x: 320, y: 240, rotation: 0 });
    [...rays.flat().map((value) => value / 0.4), 0.4].forEach((value, i) => {
      expect(middle[i]).toBeCloseTo(value, 5);
    });
    seen({ x: 590, y: 60, rotation: -0.4 }).forEach((value, i) => {
      expect(value).toBeCloseTo(middle[i], 5);
    });
  });

  test('that leans clockwise on screen makes upright what leans so', () => {
    const { turn } = viewOfSquare({ center: { x: 320, y: 240 }, size: 100, rotation: Math.PI / 2 }, lens);
    // A ray to the right of the picture is up in a square whose own top points there.
    expect([turn[0], turn[3]].map((value) => Math.round(value))).toEqual([0, 1]);
  });
});

describe('a puppet that is made', () => {
  test('asks the trackers of its page for gists', () => {
    gistWish.isThere = false;
    createPuppet(puppetFiles());
    expect(gistWish.isThere).toBe(true);
  });
});

describe('a puppet that sees', () => {
  const placement = { rotation: rotationOfVector(0.1, 0.3, 0), translation: Float64Array.of(15, -8, -60) };
  const roi = { center: { x: 480, y: 330 }, size: 180, rotation: 0.2 };
  const gist: Gist = { network: 'that', means: new Int8Array(seenChannels * 64) };
  const withGlance = (glance: { roi: typeof roi; gist: Gist }): PuppetInput => {
    const input = inputOf(placement, 0);
    return { ...input, objects: [{ ...input.objects[0], ...glance }] };
  };
  const rotationOf = (input: PuppetInput, turn?: number[]): number[] => {
    const pose = createPuppet(puppetFiles({}, turn)).headPose(input);
    return [0, 4, 8, 1, 5, 9, 2, 6, 10].map((i) => pose?.matrix[i] ?? NaN);
  };

  test('goes by what it is told of the turn, seen along the ray through the square', () => {
    const turn = [0.1, -0.2, 0.05];
    const focalLength = frameSize.height / 2 / Math.tan((48 * Math.PI) / 360);
    const view = viewOfSquare(roi, { ...frameSize, focalLength });
    const wanted = multiplyInto(
      transposed(view.turn),
      rotationOfVector(turn[0], turn[1], turn[2]),
      new Float64Array(9),
    );
    expect(degreesBetween(rotationOf(withGlance({ roi, gist }), turn), wanted)).toBeLessThan(0.1);
  });

  test.each([
    ['nothing was seen', inputOf(placement, 0)],
    ['another network saw it', withGlance({ roi, gist: { ...gist, means: new Int8Array(64) } })],
  ])('goes by the points where %s', (_, input) => {
    const own = rotationOf(input, [0.1, -0.2, 0.05]);
    expect(own).toEqual(rotationOf(inputOf(placement, 0)));
    expect(degreesBetween(own, placement.rotation)).toBeLessThan(1);
  });

  test('refuses what another network saw than it learnt from, by name', () => {
    const update = (network: string | undefined) =>
      createPuppet(puppetFiles({}, [0, 0, 0], 'this')).update(
        withGlance({ roi, gist: { ...gist, network } }),
      );
    expect(update('this').status).toBe('tracking');
    expect(update(undefined).status).toBe('tracking');
    expect(() => update('that')).toThrow(ModelError);
    expect(() => update('that')).toThrow(/another network .* gist: false/);
  });

  test('refuses a file whose part for it is broken', () => {
    const { face } = puppetFiles();
    const broken = packArrays([], {
      expressions: [],
      untold: [],
      layers: 0,
      turnSigma: 1,
      seen: { layers: 1 },
    });
    expect(() => createPuppet({ face, expressions: broken })).toThrow(ModelError);
  });
});

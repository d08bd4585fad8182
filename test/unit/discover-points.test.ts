import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { discoverPoints, type OtherView } from '../../src/landmark-maker/discover-points.ts';
import type { EmbeddingMap } from '../../src/landmarks/matching.ts';

const side = 24;
const stride = 2;
const channels = 24;

/** A smooth embedding of the plane in which every place differs, seen through a shift (crop pixels). */
const shifted = (dx: number, dy: number, frequency = 1): EmbeddingMap => {
  const data = new Float32Array(channels * side * side);
  for (let cell = 0; cell < side * side; cell++) {
    const x = ((cell % side) + 0.5) * stride + dx;
    const y = (Math.floor(cell / side) + 0.5) * stride + dy;
    for (let k = 0; k < channels / 2; k++) {
      const angle = (k * Math.PI * 2) / channels;
      const phase = frequency * (0.08 + 0.03 * (k % 3)) * (Math.cos(angle) * x + Math.sin(angle) * y);
      const scale = 1 / Math.sqrt(channels / 2);
      data[2 * k * side * side + cell] = scale * Math.cos(phase);
      data[(2 * k + 1) * side * side + cell] = scale * Math.sin(phase);
    }
  }
  return { data, channels, height: side, width: side, stride };
};

const shifts = [
  [0, 0],
  [2, -1],
  [-3, 2],
  [1, 3],
  [-2, -2],
];
const options = { count: 8, temperature: 0.002, cropMargin: 1.6 };

describe('discoverPoints', () => {
  it('chooses places that every picture shows, and finds them there', () => {
    const { points, found } = discoverPoints(
      shifts.map(([dx, dy]) => shifted(dx, dy)),
      options,
    );
    expect(found.flat().filter((isFound) => isFound).length / found.flat().length).toBeGreaterThan(0.9);
    points.forEach((ofPicture, picture) => {
      const [dx, dy] = shifts[picture];
      ofPicture.forEach(({ x, y }, n) => {
        // A place of the plane lies at itself less the picture's shift.
        expect(Math.abs(x + dx - points[0][n].x)).toBeLessThan(1);
        expect(Math.abs(y + dy - points[0][n].y)).toBeLessThan(1);
      });
    });
  });

  it('spreads them over the object', () => {
    const { points } = discoverPoints(
      shifts.map(([dx, dy]) => shifted(dx, dy)),
      options,
    );
    points[0].forEach((a, i) => {
      points[0].slice(0, i).forEach((b) => {
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(4);
      });
    });
  });

  it('keeps those that views of the pictures show in the same place', () => {
    const maps = shifts.map(([dx, dy]) => shifted(dx, dy));
    // What lies right of the middle seems to move when one looks again.
    const views = shifts.map(([dx, dy], picture): OtherView => {
      const map = shifted(dx, dy);
      const moved = shifted(dx + 5, dy);
      for (let i = 0; i < map.data.length; i++) {
        if (i % side >= side / 2) map.data[i] = moved.data[i];
      }
      return { picture, map, place: (point) => point };
    });
    const { points } = discoverPoints(maps, { ...options, count: 4, views });
    expect(points[0]).toHaveLength(4);
    for (const { x } of points[0]) expect(x).toBeLessThan((side * stride) / 2);
  });

  it('says so where the pictures have nothing in common, and where they are too few', () => {
    const strangers = [1, 2.3, 3.1, 4.7, 0.3].map((frequency, i) => shifted(40 * i, 70 * i, frequency));
    expect(() => discoverPoints(strangers, options)).toThrow(InputError);
    expect(() => discoverPoints([shifted(0, 0)], options)).toThrow(/1 pictures show the object/);
  });
});

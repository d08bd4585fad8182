import { describe, expect, it } from 'vitest';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import { ibugFromMesh, ibugOfMesh, meshPointCount } from '../../tools/annotate-faces/mesh-to-ibug.ts';
import type { MeshView, ViewPose } from '../../tools/annotate-faces/page-api.ts';
import { showsApart } from '../../tools/annotate-faces/apart.ts';
import { chooseVaried } from '../../tools/annotate-faces/varied.ts';
import { mergeViews, mostViews, posesFor } from '../../tools/annotate-faces/views.ts';

const size = { width: 256, height: 200 };

/** A mesh whose points all lie apart, in picture pixels. */
const mesh = Array.from({ length: meshPointCount }, (_, index) => ({
  x: 60 + 7 * (index % 19),
  y: 40 + 5 * Math.floor(index / 19),
  z: (index % 7) - 3,
}));

/** How FaceLandmarker would see the mesh: the steps of a canvas's translate, rotate, scale, translate. */
const seenThrough = ({ side, scale, rotation }: ViewPose): MeshView =>
  mesh.map(({ x, y, z }) => {
    const dx = scale * (x - size.width / 2);
    const dy = scale * (y - size.height / 2);
    return [
      side / 2 + Math.cos(rotation) * dx - Math.sin(rotation) * dy,
      side / 2 + Math.sin(rotation) * dx + Math.cos(rotation) * dy,
      scale * z,
    ];
  });

describe('the table from the face mesh to the iBUG points', () => {
  it('names 68 different vertices', () => {
    expect(ibugOfMesh).toHaveLength(ibug68.names.length);
    expect(new Set(ibugOfMesh).size).toBe(68);
    for (const index of ibugOfMesh) expect(index).toBeLessThan(meshPointCount);
  });

  it('gives the points in iBUG order', () => {
    const points = ibugFromMesh(mesh);
    expect(points[36]).toEqual({ x: mesh[33].x, y: mesh[33].y });
    expect(points[8]).toEqual({ x: mesh[152].x, y: mesh[152].y });
  });
});

describe('views of one picture', () => {
  it('are brought back to the picture, whatever their scale and direction', () => {
    const poses = posesFor(size, mostViews);
    const { mesh: merged, spread } = mergeViews(poses.map(seenThrough), poses, size);
    merged.forEach(({ x, y, z }, index) => {
      expect(x).toBeCloseTo(mesh[index].x, 8);
      expect(y).toBeCloseTo(mesh[index].y, 8);
      expect(z).toBeCloseTo(mesh[index].z, 8);
    });
    expect(spread).toBeLessThan(1e-9);
  });

  it('hold the whole picture', () => {
    for (const { side, scale, rotation } of posesFor(size, mostViews)) {
      const [cos, sin] = [Math.cos(rotation), Math.abs(Math.sin(rotation))];
      expect(scale * (cos * size.width + sin * size.height)).toBeLessThanOrEqual(side);
      expect(scale * (sin * size.width + cos * size.height)).toBeLessThanOrEqual(side);
    }
  });

  it('tell by their spread how far they disagree', () => {
    const poses = posesFor(size, 2);
    const [first, second] = poses.map(seenThrough);
    const moved: MeshView = second.map(([x, y, z]) => [x + 2 * poses[1].scale, y, z]);
    const { spread } = mergeViews([first, moved], poses, size);
    const points = ibugFromMesh(mesh);
    const distance = Math.hypot(points[45].x - points[36].x, points[45].y - points[36].y);
    // Turned along with the canvas, a shift keeps its length: each view lies 1 pixel off the mean.
    expect(spread).toBeCloseTo(1 / distance, 6);
  });

  it('are refused where most show no face, or where they show different ones', () => {
    const poses = posesFor(size, 3);
    const seen = poses.map(seenThrough);
    expect(() => mergeViews([null, null, seen[2]], poses, size)).toThrow('1 of 3 views');
    const elsewhere: MeshView = seen[1].map(([x, y, z]) => [x + 100, y, z]);
    expect(() => mergeViews([seen[0], elsewhere, seen[2]], poses, size)).toThrow('disagree');
    expect(mergeViews([seen[0], null, seen[2]], poses, size).spread).toBeLessThan(1e-9);
  });
});

describe('choosing varied rows', () => {
  it('takes one of every group, the one in its middle, and the same every time', () => {
    // Four groups of five rows about the corners of a square; the first of each lies in the middle.
    const rows = [0, 10].flatMap((x) =>
      [0, 10].flatMap((y) => [
        [x, y],
        [x + 1, y],
        [x - 1, y],
        [x, y + 1],
        [x, y - 1],
      ]),
    );
    const chosen = chooseVaried(rows, 4);
    expect([...chosen].sort((a, b) => a - b)).toEqual([0, 5, 10, 15]);
    expect(chooseVaried(rows, 4)).toEqual(chosen);
  });

  it('gives as many as are wanted even where rows are equal', () => {
    const chosen = chooseVaried([[0], [0], [0], [0]], 3);
    expect(new Set(chosen).size).toBe(3);
  });
});

describe('pictures that show landmarks apart', () => {
  /** Four corners of a square, and two lips in its middle. */
  const shape = (gap: number, scale = 1) =>
    [
      [0, 0],
      [100, 0],
      [0, 100],
      [100, 100],
      [50, 50 - gap / 2],
      [50, 50 + gap / 2],
    ].map(([x, y]) => ({ x: scale * x, y: scale * y }));

  it('are those with the lips apart where most have them closed, whatever the size', () => {
    const shapes = [shape(0), shape(1), shape(12), shape(0, 3), shape(1, 3), shape(12, 3), shape(0.5)];
    expect(showsApart(shapes)).toEqual([false, false, true, false, false, true, false]);
  });

  it('are none where no two landmarks coincide in most', () => {
    expect(showsApart([shape(10), shape(12), shape(0)])).toEqual([false, false, false]);
  });
});

/** A software rasteriser: which triangle each pixel shows, by a depth buffer. */

/** What a canvas holds: per pixel the nearest triangle and where in it the pixel's centre lies. */
export type Raster = {
  /** Pixels. */ width: number;
  height: number;
  /** Depth, smaller is nearer; Infinity where nothing is drawn. */ depth: Float32Array;
  /** Index of the triangle; −1 where nothing is drawn. */ triangle: Int32Array;
  /** Weights of the triangle's first and second vertex; the third has the rest. */ first: Float32Array;
  second: Float32Array;
};

/**
 * Draws triangles.
 * @param placed (V, 3) x, y in pixels, and depth
 * @param triangles (T, 3) vertices
 * @param facing of each triangle, the sign of the area that its front has, or 0: drawn from both sides
 */
export const rasterize = (
  placed: Float32Array,
  triangles: Uint32Array,
  facing: Int8Array,
  width: number,
  height: number,
): Raster => {
  const depth = new Float32Array(width * height).fill(Infinity);
  const triangle = new Int32Array(width * height).fill(-1);
  const first = new Float32Array(width * height);
  const second = new Float32Array(width * height);
  for (let t = 0; t < facing.length; t++) {
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
    const [ax, ay, az] = [placed[a], placed[a + 1], placed[a + 2]];
    const [bx, by, bz] = [placed[b], placed[b + 1], placed[b + 2]];
    const [cx, cy, cz] = [placed[c], placed[c + 1], placed[c + 2]];
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (Math.abs(area) < 1e-6 || area * facing[t] < 0) continue;
    const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
    const right = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
    const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
    const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
    for (let row = top; row <= bottom; row++) {
      const y = row + 0.5;
      for (let column = left; column <= right; column++) {
        const x = column + 0.5;
        const wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area;
        const wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area;
        const wc = 1 - wa - wb;
        // A hair outside counts, so that neighbours leave no gaps.
        if (wa < -1e-4 || wb < -1e-4 || wc < -1e-4) continue;
        const z = wa * az + wb * bz + wc * cz;
        const pixel = row * width + column;
        if (z >= depth[pixel]) continue;
        depth[pixel] = z;
        triangle[pixel] = t;
        first[pixel] = wa;
        second[pixel] = wb;
      }
    }
  }
  return { width, height, depth, triangle, first, second };
};

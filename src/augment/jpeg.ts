/** Quantisation tables of ITU-T T.81, Annex K, row-major. */
const luminanceTable = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const chrominanceTable = [
  17,
  18,
  24,
  47,
  99,
  99,
  99,
  99,
  18,
  21,
  26,
  66,
  99,
  99,
  99,
  99,
  24,
  26,
  56,
  99,
  99,
  99,
  99,
  99,
  47,
  66,
  99,
  99,
  99,
  99,
  99,
  99,
  ...new Array<number>(32).fill(99),
];

/** Orthonormal 8-point DCT-II, row k = frequency. */
const dct = Float64Array.from({ length: 64 }, (_, i) => {
  const k = i >> 3;
  return (k === 0 ? Math.sqrt(1 / 8) : 0.5) * Math.cos(((2 * (i & 7) + 1) * k * Math.PI) / 16);
});

/** Steps of a quality as libjpeg scales them. */
const stepsOf = (table: readonly number[], quality: number): Float64Array => {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return Float64Array.from(table, (value) => Math.min(255, Math.max(1, Math.round((value * scale) / 100))));
};

/**
 * One-dimensional transforms of the eight rows of a block, written transposed: twice this is the transform of the
 * block in both directions.
 * @param forward true for samples → frequencies, false for the inverse
 */
const transformRows = (from: Float64Array, to: Float64Array, forward: boolean): void => {
  for (let row = 0; row < 64; row += 8) {
    for (let k = 0; k < 8; k++) {
      let sum = 0;
      if (forward) for (let n = 0; n < 8; n++) sum += dct[k * 8 + n] * from[row + n];
      else for (let n = 0; n < 8; n++) sum += dct[n * 8 + k] * from[row + n];
      to[k * 8 + (row >> 3)] = sum;
    }
  }
};

/** Transforms, quantises and restores every 8×8 block of a plane (−128…127); a ragged edge repeats its pixels. */
const quantisePlane = (plane: Float32Array, size: number, steps: Float64Array): void => {
  const block = new Float64Array(64);
  const half = new Float64Array(64);
  for (let top = 0; top < size; top += 8) {
    for (let left = 0; left < size; left += 8) {
      for (let i = 0; i < 64; i++) {
        const y = Math.min(size - 1, top + (i >> 3));
        const x = Math.min(size - 1, left + (i & 7));
        block[i] = plane[y * size + x];
      }
      transformRows(block, half, true);
      transformRows(half, block, true);
      for (let i = 0; i < 64; i++) block[i] = Math.round(block[i] / steps[i]) * steps[i];
      transformRows(block, half, false);
      transformRows(half, block, false);
      for (let row = 0; row < 8 && top + row < size; row++) {
        for (let column = 0; column < 8 && left + column < size; column++) {
          plane[(top + row) * size + left + column] = block[row * 8 + column];
        }
      }
    }
  }
};

/** The other half-resolution cell nearest to a pixel along one axis: before it for even pixels, after it for odd ones. */
const neighbor = (pixel: number, cells: number): number =>
  Math.min(cells - 1, Math.max(0, (pixel >> 1) + ((pixel & 1) === 0 ? -1 : 1)));

/**
 * What JPEG compression does to a picture: YCbCr, colour at half resolution (4:2:0), 8×8 DCT blocks quantised.
 * @param image (3, size, size) planar RGB 0–1, changed in place (may leave the range slightly)
 * @param quality 1–100
 */
export const simulateJpeg = (image: Float32Array, size: number, quality: number): void => {
  const count = size * size;
  const luma = new Float32Array(count);
  const halfSize = Math.ceil(size / 2);
  const blue = new Float32Array(halfSize * halfSize);
  const red = new Float32Array(halfSize * halfSize);
  // Odd sizes: the last chroma row and column average fewer pixels.
  const shares = new Float32Array(halfSize * halfSize);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const pixel = y * size + x;
      const r = 255 * image[pixel];
      const g = 255 * image[pixel + count];
      const b = 255 * image[pixel + 2 * count];
      const grey = 0.299 * r + 0.587 * g + 0.114 * b;
      luma[pixel] = grey - 128;
      const cell = (y >> 1) * halfSize + (x >> 1);
      blue[cell] += (b - grey) / 1.772;
      red[cell] += (r - grey) / 1.402;
      shares[cell] += 1;
    }
  }
  for (let cell = 0; cell < shares.length; cell++) {
    blue[cell] /= shares[cell];
    red[cell] /= shares[cell];
  }
  const colorSteps = stepsOf(chrominanceTable, quality);
  quantisePlane(luma, size, stepsOf(luminanceTable, quality));
  quantisePlane(blue, halfSize, colorSteps);
  quantisePlane(red, halfSize, colorSteps);
  for (let y = 0; y < size; y++) {
    // Decoders enlarge the colour planes linearly: three parts of the cell a pixel lies in, one of its neighbour's.
    const row = (y >> 1) * halfSize;
    const nextRow = neighbor(y, halfSize) * halfSize;
    for (let x = 0; x < size; x++) {
      const pixel = y * size + x;
      const column = x >> 1;
      const nextColumn = neighbor(x, halfSize);
      const enlarged = (plane: Float32Array): number =>
        (9 * plane[row + column] +
          3 * (plane[row + nextColumn] + plane[nextRow + column]) +
          plane[nextRow + nextColumn]) /
        16;
      const grey = luma[pixel] + 128;
      const r = grey + 1.402 * enlarged(red);
      const b = grey + 1.772 * enlarged(blue);
      image[pixel] = r / 255;
      image[pixel + count] = (grey - 0.299 * r - 0.114 * b) / 0.587 / 255;
      image[pixel + 2 * count] = b / 255;
    }
  }
};

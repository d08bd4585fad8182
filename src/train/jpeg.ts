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
      // Rows, then columns.
      for (let row = 0; row < 8; row++) {
        for (let k = 0; k < 8; k++) {
          let sum = 0;
          for (let n = 0; n < 8; n++) sum += dct[k * 8 + n] * block[row * 8 + n];
          half[row * 8 + k] = sum;
        }
      }
      for (let column = 0; column < 8; column++) {
        for (let k = 0; k < 8; k++) {
          let sum = 0;
          for (let n = 0; n < 8; n++) sum += dct[k * 8 + n] * half[n * 8 + column];
          const step = steps[k * 8 + column];
          block[k * 8 + column] = Math.round(sum / step) * step;
        }
      }
      for (let column = 0; column < 8; column++) {
        for (let n = 0; n < 8; n++) {
          let sum = 0;
          for (let k = 0; k < 8; k++) sum += dct[k * 8 + n] * block[k * 8 + column];
          half[n * 8 + column] = sum;
        }
      }
      for (let row = 0; row < 8 && top + row < size; row++) {
        for (let n = 0; n < 8 && left + n < size; n++) {
          let sum = 0;
          for (let k = 0; k < 8; k++) sum += dct[k * 8 + n] * half[row * 8 + k];
          plane[(top + row) * size + left + n] = sum;
        }
      }
    }
  }
};

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
    for (let x = 0; x < size; x++) {
      const pixel = y * size + x;
      const cell = (y >> 1) * halfSize + (x >> 1);
      const grey = luma[pixel] + 128;
      const r = grey + 1.402 * red[cell];
      const b = grey + 1.772 * blue[cell];
      image[pixel] = r / 255;
      image[pixel + count] = (grey - 0.299 * r - 0.114 * b) / 0.587 / 255;
      image[pixel + 2 * count] = b / 255;
    }
  }
};

/** Small filters of planes, and quantiles. */

/** The part of a sorted list below which `share` of it lies. */
export const quantile = (sorted: Float32Array, share: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Mean over squares of (2 · radius + 1)², cut off at the picture's edge; in place. */
export const boxBlur = (plane: Float32Array, width: number, height: number, radius: number): void => {
  const pass = (count: number, length: number, start: number, step: number): void => {
    const line = new Float32Array(length);
    for (let i = 0; i < count; i++) {
      const first = i * start;
      let sum = 0;
      let inside = 0;
      for (let k = 0; k < Math.min(radius, length); k++, inside++) sum += plane[first + k * step];
      for (let k = 0; k < length; k++) {
        if (k + radius < length) {
          sum += plane[first + (k + radius) * step];
          inside++;
        }
        if (k - radius - 1 >= 0) {
          sum -= plane[first + (k - radius - 1) * step];
          inside--;
        }
        line[k] = sum / inside;
      }
      for (let k = 0; k < length; k++) plane[first + k * step] = line[k];
    }
  };
  pass(height, width, width, 1);
  pass(width, height, 1, width);
};

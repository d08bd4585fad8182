import { createRandom } from '../augment/random.ts';

const rounds = 60;

/** Makes rows orthonormal from the first on, in place (Gram and Schmidt). */
const orthonormalize = (rows: Float64Array, n: number): void => {
  for (let start = 0; start < rows.length; start += n) {
    const row = rows.subarray(start, start + n);
    // Twice is enough for rows that nearly coincide.
    for (let again = 0; again < 2; again++) {
      for (let before = 0; before < start; before += n) {
        let dot = 0;
        for (let i = 0; i < n; i++) dot += row[i] * rows[before + i];
        for (let i = 0; i < n; i++) row[i] -= dot * rows[before + i];
      }
    }
    const length = Math.hypot(...row);
    for (let i = 0; i < n; i++) row[i] = length > 0 ? row[i] / length : 0;
  }
};

/**
 * The directions in which a covariance is greatest, by orthogonal iteration.
 * @param covariance (n, n), symmetric
 * @returns axes: (count, n) orthonormal rows; variances: (count), falling
 */
export const principalAxes = (
  covariance: Float64Array,
  n: number,
  count: number,
): { axes: Float64Array; variances: Float64Array } => {
  const random = createRandom(n, count);
  let axes = Float64Array.from({ length: count * n }, () => random.normal(0, 1));
  const variances = new Float64Array(count);
  orthonormalize(axes, n);
  for (let round = 0; round < rounds; round++) {
    const next = new Float64Array(axes.length);
    for (let a = 0; a < count; a++) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += covariance[i * n + j] * axes[a * n + j];
        next[a * n + i] = sum;
      }
      variances[a] = next
        .subarray(a * n, (a + 1) * n)
        .reduce((sum, value, i) => sum + value * axes[a * n + i], 0);
    }
    orthonormalize(next, n);
    axes = next;
  }
  return { axes, variances };
};

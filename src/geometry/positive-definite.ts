/** Linear systems whose matrix is symmetric and positive definite, as those of least squares are. */

/**
 * Cholesky factor L of A = L·Lᵀ, in place: the lower triangle of `matrix` becomes L, the upper one is left as it is.
 * @param matrix (n, n) row-major, symmetric positive definite
 */
export const factorizeInPlace = (matrix: Float64Array, n: number): void => {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = matrix[row + j];
      for (let k = 0; k < j; k++) sum -= matrix[row + k] * matrix[other + k];
      matrix[row + j] = i === j ? Math.sqrt(sum) : sum / matrix[other + j];
    }
  }
};

/**
 * Solves A·X = B, B given and overwritten row by row as columns of the problem: `right` is (m, n), one right-hand side a
 * row, so that everything is read in order.
 * @param factor what {@link factorizeInPlace} left of A
 */
export const solveFactored = (factor: Float64Array, n: number, right: Float64Array): Float64Array => {
  for (let start = 0; start < right.length; start += n) {
    for (let i = 0; i < n; i++) {
      let sum = right[start + i];
      for (let k = 0; k < i; k++) sum -= factor[i * n + k] * right[start + k];
      right[start + i] = sum / factor[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      const value = right[start + i] / factor[i * n + i];
      right[start + i] = value;
      // Column i of Lᵀ above the diagonal is row i of L.
      for (let k = 0; k < i; k++) right[start + k] -= factor[i * n + k] * value;
    }
  }
  return right;
};

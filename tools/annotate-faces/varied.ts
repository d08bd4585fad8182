import { createRandom } from '../../src/augment/random.ts';

const squaredDistance = (a: readonly number[], b: readonly number[]): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
};

const nearest = (row: readonly number[], centers: readonly (readonly number[])[]): number => {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  centers.forEach((center, index) => {
    const distance = squaredDistance(row, center);
    if (distance < least) {
      least = distance;
      best = index;
    }
  });
  return best;
};

const meanOf = (rows: readonly (readonly number[])[]): number[] =>
  rows[0].map((_, column) => rows.reduce((sum, row) => sum + row[column], 0) / rows.length);

/** Starting centres far from each other, drawn by squared distance (k-means++, Arthur and Vassilvitskii 2007). */
const drawCenters = (rows: readonly (readonly number[])[], count: number): number[][] => {
  const random = createRandom(1, count);
  const centers = [[...rows[random.int(rows.length)]]];
  const distances = rows.map((row) => squaredDistance(row, centers[0]));
  while (centers.length < count) {
    let left = random.uniform(
      0,
      distances.reduce((sum, distance) => sum + distance, 0),
    );
    let index = 0;
    while (index < rows.length - 1 && left >= distances[index]) left -= distances[index++];
    const center = [...rows[index]];
    centers.push(center);
    rows.forEach((row, i) => {
      distances[i] = Math.min(distances[i], squaredDistance(row, center));
    });
  }
  return centers;
};

/**
 * Rows that stand for all of them: k-means makes as many groups as are wanted, and each group gives the row nearest to
 * its middle, so that odd ones do not stand for many.
 * @param rows (n), n ≥ count, each of the same length
 * @returns indices into `rows`, different ones
 */
export const chooseVaried = (rows: readonly (readonly number[])[], count: number): number[] => {
  let centers = drawCenters(rows, count);
  for (let round = 0; round < 20; round++) {
    const groups = centers.map((): (readonly number[])[] => []);
    for (const row of rows) groups[nearest(row, centers)].push(row);
    centers = centers.map((center, index) => (groups[index].length === 0 ? center : meanOf(groups[index])));
  }
  const chosen = new Set<number>();
  for (const center of centers) {
    let best = -1;
    rows.forEach((row, index) => {
      if (chosen.has(index)) return;
      if (best < 0 || squaredDistance(row, center) < squaredDistance(rows[best], center)) best = index;
    });
    chosen.add(best);
  }
  return [...chosen];
};

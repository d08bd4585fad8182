import { cellCenter, type Point } from '../../geometry/coordinates.ts';
import { applyGridMap, invertGridMap } from '../views/grid-map.ts';
import type { View } from '../views/warps.ts';

/**
 * Correspondences of two pictures of which only landmarks are known: the query cell that holds a landmark goes to the
 * same landmark in the target view, moved by what its centre lies beside the landmark. Of several landmarks in one cell
 * the one nearest to its centre counts.
 *
 * @param landmarks (L) of the source and of the target, pixels of their pictures; null is a hidden one
 * @param targets (queryGrid², 2) out: target crop pixels, xy; the crop's centre elsewhere
 * @param weights (queryGrid²) out: 1 in cells with a landmark that both views show, else 0
 */
export const correspondLandmarks = (
  source: View,
  target: View,
  [from, to]: readonly [readonly (Point | null)[], readonly (Point | null)[]],
  queryGrid: number,
  targets: Float32Array,
  weights: Float32Array,
): void => {
  const { size } = source.map;
  const stride = size / queryGrid;
  targets.fill(size / 2);
  weights.fill(0);
  const distances = new Float64Array(queryGrid * queryGrid).fill(Infinity);
  const place = new Float64Array(2);
  const locate = (view: View, x: number, y: number): Point | undefined => {
    if (!invertGridMap(view.map, x, y, place)) return undefined;
    const found = { x: place[0], y: place[1] };
    const column = Math.min(size - 1, Math.floor(found.x));
    const row = Math.min(size - 1, Math.floor(found.y));
    return view.occluded[row * size + column] === 0 ? found : undefined;
  };
  // The pictures may differ in size, their canonical crops show the object alike.
  const scale = Math.min(target.width, target.height) / Math.min(source.width, source.height);
  from.forEach((point, landmark) => {
    const same = to[landmark];
    if (point === null || same === null) return;
    const seen = locate(source, point.x, point.y);
    if (seen === undefined) return;
    const column = Math.min(queryGrid - 1, Math.floor(seen.x / stride));
    const row = Math.min(queryGrid - 1, Math.floor(seen.y / stride));
    const center = cellCenter(column, row, stride);
    const query = row * queryGrid + column;
    const distance = Math.hypot(center.x - seen.x, center.y - seen.y);
    if (distance >= distances[query]) return;
    applyGridMap(source.map, center.x, center.y, place);
    const x = same.x + scale * (place[0] - point.x);
    const y = same.y + scale * (place[1] - point.y);
    const goal = locate(target, x, y);
    if (goal === undefined) return;
    distances[query] = distance;
    targets[2 * query] = goal.x;
    targets[2 * query + 1] = goal.y;
    weights[query] = 1;
  });
};

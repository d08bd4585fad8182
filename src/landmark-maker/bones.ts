/** How the parts of something that bends hang together, found out from pictures on which its landmarks are marked. */
import type { Point } from '../geometry/coordinates.ts';
import { median } from '../geometry/statistics.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';
import type { Bone } from '../landmarks/parts-fit.ts';
import { fitShape, shapeExtent } from '../landmarks/shape-fit.ts';
import { meanShapeOf } from './mean-shape.ts';

/** Shapes that agree with one rigid shape by less than this on average bend; heads that turn and speak have 0.9. */
const rigidAgreement = 0.75;

/** Whether some shapes of one object are too different for one rigid shape. @param shapes (pictures) of (N) points */
export const isBending = (shapes: readonly (readonly Point[])[]): boolean => {
  if (shapes.length < 2 || shapes[0].length < 3) return false;
  const mean = meanShapeOf(shapes, 1);
  const even = new Float32Array(mean.length).fill(1);
  const agreements = shapes.map((points) => fitShape(mean, points, even)?.agreement ?? 0);
  return agreements.reduce((sum, value) => sum + value, 0) / shapes.length < rigidAgreement;
};

/** Neighbours of each landmark, where nobody says which belong together. */
const neighbours = 2;

type Graph = readonly IndexPair[];

/** Groups of landmarks that pairs join, as a group of each landmark. */
const groupsOf = (count: number, pairs: Graph): number[] => {
  const group = Array.from({ length: count }, (_, n) => n);
  for (const [a, b] of pairs) {
    const [from, to] = [group[b], group[a]];
    group.forEach((value, n) => {
      if (value === from) group[n] = to;
    });
  }
  return group;
};

/** Which landmarks hang together: those that are connected, and, where these are not all, the nearest ones. */
const pairUp = (connections: Graph, far: (a: number, b: number) => number, count: number): IndexPair[] => {
  const key = (a: number, b: number): string => `${Math.min(a, b)} ${Math.max(a, b)}`;
  const pairs = new Map<string, IndexPair>(
    connections.filter(([a, b]) => a !== b).map(([a, b]) => [key(a, b), [a, b]]),
  );
  const isJoined = (): boolean => new Set(groupsOf(count, [...pairs.values()])).size === 1;
  if (isJoined()) return [...pairs.values()];
  const all = Array.from({ length: count }, (_, a) => a);
  for (const a of all) {
    const nearest = all.filter((b) => b !== a).sort((b, c) => far(a, b) - far(a, c));
    for (const b of nearest.slice(0, neighbours)) pairs.set(key(a, b), [a, b]);
  }
  // Groups that are still apart are joined where they are nearest to each other.
  while (!isJoined()) {
    const group = groupsOf(count, [...pairs.values()]);
    const bridges = all.flatMap((a) =>
      all.filter((b) => group[b] !== group[a]).map((b): IndexPair => [a, b]),
    );
    const [a, b] = bridges.reduce((best, one) => (far(...one) < far(...best) ? one : best));
    pairs.set(key(a, b), [a, b]);
  }
  return [...pairs.values()];
};

/** The longest way through the bones from one landmark to another, in the bones' unit. */
const longestWay = (bones: readonly Bone[], count: number): number => {
  const ways = Array.from({ length: count }, (_, a) =>
    Float64Array.from({ length: count }, (_way, b) => (a === b ? 0 : Infinity)),
  );
  for (const [a, b, length] of bones) ways[a][b] = ways[b][a] = Math.min(ways[a][b], length);
  for (let via = 0; via < count; via++) {
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) ways[a][b] = Math.min(ways[a][b], ways[a][via] + ways[via][b]);
    }
  }
  return Math.max(...ways.map((row) => Math.max(...row)));
};

/** Of the lengths that a bone has in pictures, so many are shorter: seen end-on it is shorter than it is. */
const unforeshortened = 0.75;
/** Pictures that show how far an object reaches. */
const enoughPictures = 3;
/** Rounds after which sizes and lengths no longer move. */
const rounds = 5;

/** Points of one picture, and which of them are seen: the others lie where a guess has them. */
type MarkedShape = { points: readonly Point[]; seen: readonly boolean[] };

/**
 * Bones of an object that bends, in sides of a square that has room for all that it does: of one or two pictures around its
 * longest reach, as far as that is no more than twice what was seen of it.
 * @param marked (pictures) of (N) points, pixels
 * @param connections pairs that hang together
 * @param margin side of the square over the object, at least
 */
export const bonesOf = (
  marked: readonly MarkedShape[],
  connections: readonly IndexPair[],
  margin: number,
): Bone[] => {
  const count = marked[0].points.length;
  const extents = marked.map(({ points, seen }) => shapeExtent(points.filter((_, n) => seen[n])));
  /** Distances of two landmarks in the pictures that show both, over the object's size in each. */
  const lengthsOf = (a: number, b: number, sizes: readonly number[]): number[] => {
    const inPicture = ({ points }: MarkedShape, i: number): number =>
      Math.hypot(points[a].x - points[b].x, points[a].y - points[b].y) / sizes[i];
    const lengths = marked.flatMap((one, i) => (one.seen[a] && one.seen[b] ? [inPicture(one, i)] : []));
    return lengths.length > 0 ? lengths : marked.map(inPicture);
  };
  const pairs = pairUp(connections, (a, b) => median(lengthsOf(a, b, extents)), count);
  // The object's size in each picture is that of its bones: a folded one is no smaller.
  let sizes = extents;
  let bones: Bone[] = [];
  for (let round = 0; round < rounds; round++) {
    bones = pairs.map(([a, b]): Bone => {
      const lengths = lengthsOf(a, b, sizes).sort((x, y) => x - y);
      // Two landmarks in one place hang together, too.
      return [a, b, Math.max(lengths[Math.floor(unforeshortened * (lengths.length - 1))], 1e-3)];
    });
    sizes = marked.map(({ points, seen }, i) => {
      const ratios = bones.flatMap(([a, b, length]) =>
        seen[a] && seen[b] ? [Math.hypot(points[a].x - points[b].x, points[a].y - points[b].y) / length] : [],
      );
      return ratios.length > 0 ? median(ratios) : sizes[i];
    });
  }
  const widest = Math.max(...extents.map((extent, i) => extent / sizes[i]));
  const reach = 1.2 * longestWay(bones, count);
  // Several pictures show what it does; of one or two it may be folded.
  const most = marked.length < enoughPictures ? Math.max(2, margin) : margin;
  const side = Math.min(Math.max(reach, margin * widest), most * widest);
  return bones.map(([a, b, length]) => [a, b, length / side]);
};

/** What the network that tells turns learns from: drawn heads as the tracker's network saw them, also in the mirror. */
import { pointCount } from '../../src/puppet/canonical-points.ts';
import { multiplyInto, vectorOfRotation } from '../../src/puppet/solid-rotation.ts';
import { viewOfSquare, type Glance } from '../../src/puppet/turn-net.ts';
import { mirrorOf, type SeenHead, type Tracked, type View, type Views } from './read-views.ts';

export type TurnSample = {
  glance: Glance;
  /** Rays of the tracker's points. */ points: { x: Float64Array; y: Float64Array };
  lens: { focalLength: number; width: number; height: number };
  /** The turn as seen along the square's ray, rotation vector. */ turn: [number, number, number];
  /** Against the line of sight, degrees, without sign. */ yaw: number;
  /** How far points lie off, mean, sides of the square. */ off: number;
};

const sampleOf = (
  { rotation, landmarks, focalLength }: Pick<View, 'rotation' | 'landmarks' | 'focalLength'>,
  { points, roi, gist }: SeenHead,
  { width, height }: Views,
): TurnSample[] => {
  if (roi === undefined || gist === undefined) return [];
  const [x, y, size, angle] = roi;
  const glance = {
    gist: { network: undefined, means: new Int8Array(Buffer.from(gist, 'base64')) },
    roi: { center: { x, y }, size, rotation: angle },
  };
  const lens = { focalLength, width, height };
  const seen = multiplyInto(viewOfSquare(glance.roi, lens).turn, rotation, new Float64Array(9));
  const off = points.reduce(
    (sum, [px, py], i) => sum + Math.hypot(px - landmarks[i][0], py - landmarks[i][1]) / pointCount,
    0,
  );
  return [
    {
      ...{ glance, lens, turn: vectorOfRotation(seen), off: off / size },
      points: {
        x: Float64Array.from(points, ([px]) => (px - width / 2) / focalLength),
        y: Float64Array.from(points, ([, py]) => (height / 2 - py) / focalLength),
      },
      yaw: Math.abs(Math.atan2(-seen[6], seen[8])) * (180 / Math.PI),
    },
  ];
};

/** @param isMirrored also in the mirror */
export const turnSamplesOf = (
  views: Views,
  tracked: ReadonlyMap<string, Tracked>,
  items: readonly View[],
  isMirrored: boolean,
): TurnSample[] =>
  items.flatMap((view) => {
    const seen = tracked.get(view.image);
    if (seen === undefined) return [];
    const own = seen.points === null ? [] : sampleOf(view, seen, views);
    const { mirrored } = seen;
    if (!isMirrored || mirrored === undefined || mirrored === null) return own;
    const rotation = view.rotation.map((value, i) => ([1, 2, 3, 6].includes(i) ? -value : value));
    const landmarks = mirrorOf.map((i): [number, number] => [
      views.width - view.landmarks[i][0],
      view.landmarks[i][1],
    ]);
    return [...own, ...sampleOf({ ...view, rotation, landmarks }, mirrored, views)];
  });

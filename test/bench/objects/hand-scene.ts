/** A skinned hand that bends its fingers and turns, drawn on other backgrounds and in other light in every clip. */
import { createRandom, type Random } from '../../../src/augment/random.ts';
import type { Point } from '../../../src/geometry/coordinates.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';
import { rasterize, type Raster } from '../../../src/train/rig/raster.ts';
import {
  armFrames,
  armSize,
  degrees,
  drawSurroundings,
  drawSwing,
  renderFrame,
  swingAt,
  type Canvas,
  type Surroundings,
  type Swing,
} from './arm-scene.ts';
import { bendHand, multiply, parentsOf, type Hand, type Rigid } from './glb-hand.ts';

const fingers = ['thumb', 'index', 'middle', 'ring', 'pinky'] as const;
const unturned: Rigid = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

const about = (axis: 0 | 1 | 2, angle: number): Rigid => {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [b, c] = [(axis + 1) % 3, (axis + 2) % 3];
  const turn = [...unturned];
  turn[5 * axis] = 1;
  turn[4 * b + b] = turn[4 * c + c] = cos;
  turn[4 * b + c] = -sin;
  turn[4 * c + b] = sin;
  return turn;
};

type Scene = Surroundings & {
  /** How far each finger is bent, 0–1, and spread, radians. */ bends: Swing[];
  spreads: Swing[];
  /** About x, y and z of the picture, radians. */ turns: [Swing, Swing, Swing];
  shift: [Swing, Swing];
  /** Pixels a metre. */ scale: number;
};

const drawScene = (clip: number): Scene => {
  const random = createRandom(25, clip);
  return {
    bends: fingers.map(() => drawSwing(0.4, 0.45, [50, 110], random)),
    spreads: fingers.map(() => drawSwing(0, 7 * degrees, [60, 120], random)),
    turns: [
      drawSwing(0, 22 * degrees, [70, 140], random),
      drawSwing(0, 28 * degrees, [70, 140], random),
      drawSwing(0, 30 * degrees, [70, 140], random),
    ],
    shift: [drawSwing(160, 22, [80, 160], random), drawSwing(120, 14, [80, 160], random)],
    scale: random.uniform(820, 960),
    ...drawSurroundings(random),
  };
};

/** How far a joint bends where its finger is bent altogether, radians; thumbs bend less. */
const bendOf = (name: string): number => {
  if (name === 'wrist' || name.endsWith('tip')) return 0;
  if (name.startsWith('thumb')) return name.endsWith('metacarpal') ? 10 * degrees : 40 * degrees;
  if (name.endsWith('metacarpal')) return 0;
  return name.endsWith('distal') ? 50 * degrees : 70 * degrees;
};

/** Places in the picture: x, y in pixels, and depth. */
type Placed = { vertices: Float32Array; joints: Float32Array };

const placeAt = (hand: Hand, scene: Scene, t: number): Placed => {
  const turns = hand.names.map((name): Rigid => {
    const finger = fingers.findIndex((one) => name.startsWith(one));
    if (finger < 0) return unturned;
    const bend = Math.min(1, Math.max(0, swingAt(scene.bends[finger], t)));
    const spread = name.endsWith('phalanx-proximal') ? swingAt(scene.spreads[finger], t) : 0;
    // A joint's own z goes back along its finger, x across it.
    return multiply(about(1, spread), about(0, -bend * bendOf(name)));
  });
  const bent = bendHand(hand, turns);
  const [ax, ay, az] = scene.turns.map((swing) => swingAt(swing, t));
  // At rest it lies flat with its fingers along −y of the file, seen from its back along x.
  const m = multiply(
    multiply(about(2, az), multiply(about(1, ay), about(0, ax))),
    [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0],
  );
  const [shiftX, shiftY] = scene.shift.map((swing) => swingAt(swing, t));
  const place = (points: Float32Array): Float32Array => {
    const placed = new Float32Array(points.length);
    for (let i = 0; i < points.length; i += 3) {
      const [x, y, z] = [points[i] - 0.025, points[i + 1] + 0.03, points[i + 2]];
      const [px, py, pz] = [0, 4, 8].map((r) => m[r] * x + m[r + 1] * y + m[r + 2] * z);
      // Seen from half a metre.
      const near = 0.5 / (0.5 + pz);
      placed.set([shiftX + scene.scale * near * px, shiftY + scene.scale * near * py, pz], i);
    }
    return placed;
  };
  return { vertices: place(bent.vertices), joints: place(bent.joints) };
};

/** A soft pattern on the skin that stays where it is on it. */
const patternOf = ({ vertices }: Hand): Float32Array => {
  const random = createRandom(26);
  const waves = Array.from({ length: 12 }, () => ({
    along: [0, 1, 2].map(() => random.normal(0, 110)),
    phase: random.uniform(0, 2 * Math.PI),
  }));
  return Float32Array.from({ length: vertices.length / 3 }, (_, v) =>
    waves.reduce((sum, { along, phase }) => {
      const angle = along.reduce((total, k, c) => total + k * vertices[3 * v + c], phase);
      return sum + 0.03 * Math.sin(angle);
    }, 1),
  );
};

const skin = [214, 160, 132] as const;

const layHand = (
  { data, width, height }: Canvas,
  hand: Hand,
  pattern: Float32Array,
  { vertices }: Placed,
  raster: Raster,
  scale: number,
): void => {
  const corner = (triangle: number, k: number): number => hand.triangles[3 * triangle + k];
  for (let pixel = 0; pixel < width * height; pixel++) {
    const triangle = raster.triangle[pixel];
    if (triangle < 0) continue;
    const [a, b, c] = [0, 1, 2].map((k) => 3 * corner(triangle, k));
    const edge = (from: number, to: number): number[] => [
      vertices[to] - vertices[from],
      vertices[to + 1] - vertices[from + 1],
      scale * (vertices[to + 2] - vertices[from + 2]),
    ];
    const [u, v] = [edge(a, b), edge(a, c)];
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    const length = Math.hypot(...normal);
    const facing = Math.abs(normal[2]) / Math.max(length, 1e-9);
    const [first, second] = [raster.first[pixel], raster.second[pixel]];
    const tone = first * pattern[a / 3] + second * pattern[b / 3] + (1 - first - second) * pattern[c / 3];
    const shade = tone * (0.45 + 0.55 * facing);
    for (let k = 0; k < 3; k++) data[3 * pixel + k] = shade * skin[k];
  }
};

/** A joint lies so deep below the skin at most, metres; what is nearer by more hides it. */
const depthOfJoints = 0.032;

/** Neighbours along the fingers. */
export const handConnections = (names: readonly string[]): [number, number][] =>
  parentsOf(names).flatMap((parent, joint): [number, number][] => (parent < 0 ? [] : [[parent, joint]]));

/** As of the arm's clips; `seen`: which joints nothing hides. @param clip whole number: another scene each */
export const drawHandClip = (
  hand: Hand,
  clip: number,
): { frames: Iterable<PixelImage>; truth: Point[][]; seen: boolean[][] } => {
  const scene = drawScene(clip);
  const pattern = patternOf(hand);
  const { width, height } = armSize;
  const bothSides = new Int8Array(hand.triangles.length / 3);
  const at = (t: number): { placed: Placed; raster: Raster } => {
    const placed = placeAt(hand, scene, t);
    return { placed, raster: rasterize(placed.vertices, hand.triangles, bothSides, width, height) };
  };
  function* frames(): Generator<PixelImage> {
    for (let t = 0; t < armFrames; t++) {
      const { placed, raster } = at(t);
      const random: Random = createRandom(27, clip, t);
      yield renderFrame(scene, t, random, (canvas) => {
        layHand(canvas, hand, pattern, placed, raster, scene.scale);
      });
    }
  }
  const truth: Point[][] = [];
  const seen: boolean[][] = [];
  for (let t = 0; t < armFrames; t++) {
    const { placed, raster } = at(t);
    const points = hand.names.map((_, n) => ({ x: placed.joints[3 * n], y: placed.joints[3 * n + 1] }));
    truth.push(points);
    seen.push(
      points.map(({ x, y }, n) => {
        if (x < 0 || y < 0 || x >= width || y >= height) return false;
        const nearest = raster.depth[Math.floor(y) * width + Math.floor(x)];
        return nearest > placed.joints[3 * n + 2] - depthOfJoints;
      }),
    );
  }
  return { frames: frames(), truth, seen };
};

/** A still picture of a face that is moved by the live one, or by hand. */
import { InputError } from '../errors.ts';
import { rejectUnknownKeys } from '../options.ts';
import { pointCount } from './canonical-points.ts';
import type { FaceMesh } from './face-mesh.ts';
import { placesOfNames } from './face-places.ts';
import { lensOf } from './face-solver.ts';
import { HandMoves } from './portrait-hand.ts';
import { createBackground, createFan, fillMouthUv, outerRim, type PortraitLayer } from './portrait-layers.ts';
import type { PicturePoint, Puppet, PuppetFace, PuppetInput, PuppetResult } from './puppet.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from './solid-rotation.ts';

/** Options of {@link createPortrait}. */
export type PortraitOptions = {
  /** How much of the live face's expression the portrait takes over, 1: all. Default 1. */ expression?: number;
  /** How much of the live head's turn it takes over, 1: all; at most 15° are taken. Default 0.6. */ turn?: number;
  /** Of the camera that took the picture, from its top to its bottom, degrees. Default 25: many a portrait's. */
  fieldOfView?: number;
};

/** Greatest turn of a portrait, radians: what it does not show cannot be turned into view. */
const greatestTurn = 0.26;
/** The live face's own rest is the mean of so many seconds. */
const settling = 0.6;
/** A lost face: the time in which the portrait comes to rest by two thirds, seconds. */
const relaxing = 0.3;
/** Looks at the still picture until it is known who it shows. */
const looks = 12;
/** Of the mouth's width: a mouth that is open so far in the still picture shows its own inside. */
const openAtRest = 0.12;

const optionKeys = ['expression', 'turn', 'fieldOfView'] as const satisfies (keyof PortraitOptions)[];

/** Landmarks whose place in the picture the mesh takes over exactly; those of the jaw slide along the rim of what is seen. */
const firstPinned = 17;

/** (9) row-major of a 4 × 4 column-major matrix. */
const rotationOf = (matrix: Float32Array): number[] => [0, 4, 8, 1, 5, 9, 2, 6, 10].map((i) => matrix[i]);
const transposed = (r: ArrayLike<number>): number[] => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => r[i]);

/** Landmarks that no expression moves: corners of the eyes, bridge and base of the nose. */
const firm = [27, 28, 29, 30, 33, 36, 39, 42, 45];

/** Distance of the outer eye corners, cm. */
const sizeOf = ({ positions, landmarks }: FaceMesh): number => {
  const [a, b] = [3 * landmarks[36], 3 * landmarks[45]];
  return Math.hypot(...[0, 1, 2].map((axis) => positions[a + axis] - positions[b + axis]));
};

/**
 * A face in its own frame: about the middle of what is firm, in its own size. What is learnt of the person meanwhile changes
 * neither.
 * @param out (V, 3) filled
 */
const inOwnFrame = (mesh: FaceMesh, out: Float32Array): void => {
  const { positions, landmarks } = mesh;
  const middle = [0, 1, 2].map((axis) =>
    firm.reduce((sum, l) => sum + positions[3 * landmarks[l] + axis] / firm.length, 0),
  );
  const scale = 1 / sizeOf(mesh);
  for (let i = 0; i < out.length; i++) out[i] = scale * (positions[i] - middle[i % 3]);
};

const pointsOf = ({ objects: [{ landmarks }] }: PuppetInput): PicturePoint[] =>
  placesOfNames(landmarks.map(({ name }) => name)).map((at) => landmarks[at]);

/** Moves the mesh's points so that its landmarks lie where the picture has them. @param points (V, 2) changed */
const pinLandmarks = (
  points: Float32Array,
  { landmarks }: FaceMesh,
  places: readonly PicturePoint[],
): void => {
  const unit = Math.hypot(places[36].x - places[45].x, places[36].y - places[45].y);
  const hand = new HandMoves(0.1 * unit);
  const at = points.slice();
  for (let l = firstPinned; l < pointCount; l++) {
    const [x, y] = [at[2 * landmarks[l]], at[2 * landmarks[l] + 1]];
    hand.set(l, { x, y }, { x: places[l].x - x, y: places[l].y - y });
  }
  for (let v = 0; v < at.length; v += 2) {
    const [dx, dy] = hand.at(at[v], at[v + 1]);
    points[v] += dx;
    points[v + 1] += dy;
  }
};

/**
 * A still picture of a face that does what a live one does, and what a hand does. It takes over how the live face *changes*:
 * the portrait at rest is the picture itself, whoever moves it. Draw its {@link Portrait.layers}.
 */
export class Portrait {
  /**
   * What is to be drawn, one above the other: the background, the eyeballs, the inside of the mouth, and the face with its
   * openings. The arrays are the same ones after every move.
   */
  readonly layers: readonly PortraitLayer[];
  readonly #options: Required<PortraitOptions>;
  readonly #mesh: FaceMesh;
  /** (V, 3) head coordinates, (V, 2) their projection, (V, 2) where they are in the picture: all at rest. */
  readonly #still: { positions: Float32Array; projected: Float32Array; points: Float32Array };
  readonly #rotation: readonly number[];
  readonly #translation: readonly number[];
  readonly #lens: { focalLength: number; width: number; height: number };
  readonly #size: number;
  readonly #hand: HandMoves;
  readonly #face: PortraitLayer;
  readonly #fill: () => void;
  /** (V, 3) how the live face differs from its rest, cm of the portrait. */ readonly #change: Float32Array;
  /** (V, 3) the live face in its own frame. */ readonly #now: Float32Array;
  #turn: [number, number, number] = [0, 0, 0];
  /** Of the live face: its rest, in its own frame, and how it was turned. */
  #live: { since: number; rest: Float32Array; count: number; rotation: readonly number[] } | undefined;
  #last: number | undefined;

  /** Use {@link createPortrait}. */
  constructor(puppet: Puppet, still: PuppetInput, options: PortraitOptions) {
    rejectUnknownKeys(options, optionKeys, 'createPortrait()');
    const { expression = 1, turn = 0.6, fieldOfView = 25 } = options;
    this.#options = { expression, turn, fieldOfView };
    const { width, height } = still;
    const own = puppet.another({ fieldOfView });
    let result: PuppetResult = { timestamp: 0, status: 'searching' };
    for (let look = 0; look < looks; look++) result = own.update({ ...still, timestamp: look / 2 });
    if (result.status === 'searching') {
      throw new InputError(
        'createPortrait() was given a picture without a face. Pass what trackPicture() says of one that shows a face.',
      );
    }
    const { mesh, pose } = result;
    this.#mesh = mesh;
    this.#lens = lensOf(width, height, fieldOfView);
    this.#rotation = rotationOf(pose.matrix);
    this.#translation = [pose.position.x, pose.position.y, pose.position.z];
    this.#size = sizeOf(mesh);
    this.#still = {
      ...{ positions: mesh.positions.slice(), projected: mesh.points.slice(), points: mesh.points.slice() },
    };
    this.#project(this.#rotation, this.#still.projected);
    const { points } = this.#still;
    pinLandmarks(points, mesh, pointsOf(still));
    this.#hand = new HandMoves(0.3 * this.#between(36, 45));
    this.#change = new Float32Array(mesh.positions.length);
    this.#now = new Float32Array(mesh.positions.length);
    this.#face = {
      ...{ texture: 'picture', points: points.slice(), index: mesh.index },
      uv: points.map((value, i) => value / (i % 2 === 0 ? width : height)),
    };
    const { layers, fill } = this.#createLayers([width, height]);
    this.layers = layers;
    this.#fill = fill;
  }

  /** (68) where the landmarks are now, pixels of the picture, iBUG order. */
  get landmarks(): PicturePoint[] {
    const { points } = this.#face;
    return Array.from(this.#mesh.landmarks, (v) => ({ x: points[2 * v], y: points[2 * v + 1] }));
  }

  /**
   * Goes on by a frame of the live face. The first half second it is taken to be at rest; of a face that is lost the portrait
   * comes to rest, too.
   * @param face what `Puppet.update()` says of the frame
   */
  update(face: PuppetResult): void {
    const passed = Math.max(0, face.timestamp - (this.#last ?? face.timestamp));
    this.#last = face.timestamp;
    if (face.status === 'tracking') this.#follow(face, face.timestamp);
    else if (face.status !== 'holding') {
      const left = Math.exp(-passed / relaxing);
      for (let i = 0; i < this.#change.length; i++) this.#change[i] *= left;
      this.#turn = [this.#turn[0] * left, this.#turn[1] * left, this.#turn[2] * left];
    }
    this.#place();
  }

  /** Takes the next half second of the live face for its rest. */
  rest(): void {
    this.#live = undefined;
  }

  /**
   * Drags a landmark; what lies around it follows, and so do later frames.
   * @param landmark 0–67, iBUG order
   * @param place pixels of the picture
   * @throws InputError for a landmark that does not exist
   */
  drag(landmark: number, place: PicturePoint): void {
    if (!(Number.isInteger(landmark) && landmark >= 0 && landmark < pointCount)) {
      throw new InputError(`drag(): there is no landmark ${landmark}. Pass 0 to ${pointCount - 1}.`);
    }
    const v = 2 * this.#mesh.landmarks[landmark];
    const [x, y] = [this.#still.points[v], this.#still.points[v + 1]];
    const [hx, hy] = this.#hand.at(x, y);
    const { points } = this.#face;
    this.#hand.set(landmark, { x, y }, { x: place.x - points[v] + hx, y: place.y - points[v + 1] + hy });
    this.#place();
  }

  /** Lets go of what was dragged. @param landmark 0–67; without it of all */
  release(landmark?: number): void {
    this.#hand.release(landmark);
    this.#place();
  }

  #follow({ mesh, pose }: PuppetFace, timestamp: number): void {
    const now = this.#now;
    inOwnFrame(mesh, now);
    const rotation = rotationOf(pose.matrix);
    this.#live ??= { since: timestamp, rest: new Float32Array(now.length), count: 0, rotation };
    const live = this.#live;
    if (timestamp - live.since <= settling) {
      live.count++;
      live.rotation = rotation;
      for (let i = 0; i < now.length; i++) live.rest[i] += (now[i] - live.rest[i]) / live.count;
    }
    const gain = this.#options.expression * this.#size;
    for (let i = 0; i < now.length; i++) this.#change[i] = gain * (now[i] - live.rest[i]);
    const turn = vectorOfRotation(multiplyInto(rotation, transposed(live.rotation), new Float64Array(9))).map(
      (value) => value * this.#options.turn,
    );
    const most = Math.min(1, greatestTurn / Math.max(1e-9, Math.hypot(...turn)));
    this.#turn = [turn[0] * most, turn[1] * most, turn[2] * most];
  }

  /** Distance of two landmarks in the picture at rest, pixels. */
  #between(a: number, b: number): number {
    const { points } = this.#still;
    const [v, w] = [2 * this.#mesh.landmarks[a], 2 * this.#mesh.landmarks[b]];
    return Math.hypot(points[v] - points[w], points[v + 1] - points[w + 1]);
  }

  /** Where the vertices are in the picture, turned and changed. @param out (V, 2) filled */
  #project(r: ArrayLike<number>, out: Float32Array, change?: Float32Array): void {
    const { positions } = this.#still;
    const [tx, ty, tz] = this.#translation;
    const { focalLength, width, height } = this.#lens;
    for (let v = 0; 2 * v < out.length; v++) {
      const [x, y, z] = [0, 1, 2].map((axis) => positions[3 * v + axis] + (change?.[3 * v + axis] ?? 0));
      const depth = Math.max(1, -(r[6] * x + r[7] * y + r[8] * z + tz));
      out[2 * v] = width / 2 + (focalLength * (r[0] * x + r[1] * y + r[2] * z + tx)) / depth;
      out[2 * v + 1] = height / 2 - (focalLength * (r[3] * x + r[4] * y + r[5] * z + ty)) / depth;
    }
  }

  #place(): void {
    const { projected, points } = this.#still;
    const to = this.#face.points;
    const turned = multiplyInto(rotationOfVector(...this.#turn), this.#rotation, new Float64Array(9));
    this.#project(turned, to, this.#change);
    for (let i = 0; i < to.length; i++) to[i] += points[i] - projected[i];
    if (!this.#hand.isEmpty) this.#addHand(to, points);
    this.#fill();
  }

  /** @param to (V, 2) moved @param from (V, 2) the same at rest */
  #addHand(to: Float32Array, from: Float32Array): void {
    for (let i = 0; i < to.length; i += 2) {
      const [dx, dy] = this.#hand.at(from[i], from[i + 1]);
      to[i] += dx;
      to[i + 1] += dy;
    }
  }

  #createLayers(size: readonly [number, number]): { layers: readonly PortraitLayer[]; fill: () => void } {
    const { openings, landmarks } = this.#mesh;
    const rest = this.#still.points;
    const face = this.#face;
    const background = createBackground(rest, outerRim(this.#mesh), ...size);
    const eyes = [openings.rightEye, openings.leftEye].map((rim) => createFan('picture', rest, rim, size));
    const isOpen = this.#between(62, 66) > openAtRest * this.#between(60, 64);
    const mouth = createFan(isOpen ? 'picture' : 'mouth', rest, openings.mouth, size);
    const moves = new Float32Array(rest.length);
    const cornerOf = (l: number): [number, number] => [
      face.points[2 * landmarks[l]],
      face.points[2 * landmarks[l] + 1],
    ];
    const fill = (): void => {
      for (let i = 0; i < moves.length; i++) moves[i] = face.points[i] - rest[i];
      background.fill(moves);
      // Eyeballs are stretched between the lids: whatever these do, nothing else shows through.
      for (const fan of [...eyes, mouth]) fan.fill((v, axis) => face.points[2 * v + axis]);
      if (!isOpen) fillMouthUv(mouth.layer, cornerOf(60), cornerOf(64));
    };
    fill();
    return { layers: [background.layer, ...eyes.map(({ layer }) => layer), mouth.layer, face], fill };
  }
}

/**
 * Makes a portrait that can be moved of a still picture.
 *
 *     const still = await trackPicture(file);
 *     const portrait = createPortrait(puppet, still);
 *     for await (const result of track('camera')) {
 *       portrait.update(puppet.update(result));
 *       draw(portrait.layers);
 *     }
 *
 * @param puppet one that is loaded, any: its files are used, not its face
 * @param still what `trackPicture()` says of the picture; its first face counts
 * @throws InputError for a picture without a face, landmarks without the 68 names, options that do not exist
 */
export const createPortrait = (puppet: Puppet, still: PuppetInput, options: PortraitOptions = {}): Portrait =>
  new Portrait(puppet, still, options);

import { InputError } from '../errors.ts';
import { gistWish, type Gist } from '../landmarks/gist.ts';
import { rejectUnknownKeys } from '../options.ts';
import { pointCount } from './canonical-points.ts';
import {
  arkitName,
  expressionNames,
  neutralExpressions,
  type ExpressionName,
  type Expressions,
} from './expression-names.ts';
import { createMeshBuilder, type FaceMesh } from './face-mesh.ts';
import { parseFaceModel } from './face-model.ts';
import { placesOfNames } from './face-places.ts';
import { FaceSolver, lensOf, type FacePoints, type Lens, type Solved } from './face-solver.ts';
import { describePose, type HeadPose } from './head-pose.ts';
import { parsePointNet } from './point-net.ts';
import type { Placement } from './pose-fit.ts';
import { PoseSmoother } from './pose-smoother.ts';
import { measure, RestFollower, seenNames, type Measures } from './seen-expressions.ts';
import { rotationOfVector, vectorOfRotation } from './solid-rotation.ts';

/** A point of a picture. */
export type PicturePoint = {
  /** Image pixels, to the right. */ x: number;
  /** Image pixels, down. */ y: number;
};

/** A landmark, as results of tracking have them. */
export type PuppetLandmark = {
  /** Name from the landmark set; `right-eye-1` and so on. */ name: string;
  /** Image pixels, smoothed. */ x: number;
  /** Image pixels, smoothed. */ y: number;
  /** 0–1. */ confidence: number;
  /** Image pixels, before smoothing. */ raw: PicturePoint;
};

/** An object that is tracked. */
export type PuppetObject = {
  /** Stays the same while it is tracked. */ id: number;
  /** `doubtful` ones have landmarks of an earlier frame. */ status: 'tracking' | 'doubtful';
  /** With the names of the 68 face points among them. */ landmarks: readonly PuppetLandmark[];
  /** The square that the network saw. */
  roi?: {
    /** Image pixels. */ center: PicturePoint;
    /** Of a side, image pixels. */ size: number;
    /** Clockwise, radians. */ rotation: number;
  };
  /** What it saw there in little; with it turns are told better. */ gist?: Gist;
};

/** What a puppet reads of a frame: any `TrackResult` is one. */
export type PuppetInput = {
  /** Capture time, seconds. */ timestamp: number;
  /** Width of the frame, pixels. */ width: number;
  /** Height of the frame, pixels. */ height: number;
  /** Objects of the frame, none while searching. */ objects: readonly PuppetObject[];
};

/** The two files of the puppet: `models/face/face.bin` and `models/face/expressions.bin` of the package. */
export type PuppetFiles = {
  /** Content of `face.bin`, the 3-D face. */ face: ArrayBuffer | Uint8Array;
  /** Content of `expressions.bin`, the network's weights. */ expressions: ArrayBuffer | Uint8Array;
};

/** Options of {@link createPuppet}. */
export type PuppetOptions = {
  /** Of the camera, from the top to the bottom of the picture, degrees. Default 48: many a webcam's. */
  fieldOfView?: number;
  /** How long a lost face is held as it was, seconds. Default 0.4. */ hold?: number;
  /** In which time it then comes to rest, seconds. Default 0.8. */ relax?: number;
};

/** Head and face of one frame. */
export type PuppetFace = {
  /** Of the object, see `TrackedObject.id`. */ id: number;
  /** Where the head is. */ pose: HeadPose;
  /** ARKit's 52 names, 0–1; left is the subject's left. Those of `Puppet.unsupported` are always 0. */
  expressions: Expressions;
  /** The same arrays every frame. */ mesh: FaceMesh;
  /** The same of this frame's points alone, before smoothing. */ raw: {
    /** Where the head is. */ pose: HeadPose;
    /** ARKit's 52 names, 0–1. */ expressions: Expressions;
  };
};

/**
 * What a puppet knows. `searching`: no face was seen yet. `holding`: the face is lost for the moment, all stays as it was;
 * `relaxing`: it is on its way to rest; `neutral`: it has come to rest, straight ahead where it was last seen.
 */
export type PuppetResult =
  | {
      /** Capture time, seconds. */ timestamp: number;
      /** No face was seen yet. */ status: 'searching';
    }
  | ({
      /** Capture time, seconds. */ timestamp: number;
      /** Whether the face is seen, and if not, how long it has been away. */
      status: 'tracking' | 'holding' | 'relaxing' | 'neutral';
    } & PuppetFace);

const optionKeys = ['fieldOfView', 'hold', 'relax'] as const satisfies (keyof PuppetOptions)[];

/** Below it the network says nothing: a face at rest is at rest, and does not tremble about it. */
const silence = 0.1;

/** After so long, seconds, somebody who is found may be somebody else. */
const sameFor = 3;

const checkOptions = (options: PuppetOptions): Required<PuppetOptions> => {
  rejectUnknownKeys(options, optionKeys, 'createPuppet()');
  const { fieldOfView = 48, hold = 0.4, relax = 0.8 } = options;
  if (!(fieldOfView >= 5 && fieldOfView <= 150)) {
    throw new InputError(
      `createPuppet(): fieldOfView is ${fieldOfView}. Pass the camera's vertical angle in degrees, 5 to 150.`,
    );
  }
  if (!(hold >= 0 && relax >= 0)) {
    throw new InputError(`createPuppet(): hold is ${hold} and relax is ${relax}. Pass seconds, 0 or more.`);
  }
  return { fieldOfView, hold, relax };
};

/** Known of the face that was last seen. */
type Seen = {
  id: number;
  timestamp: number;
  placement: Placement;
  weights: Float64Array;
  measures: Measures;
  lens: Lens;
} & Omit<PuppetFace, 'id' | 'mesh'>;

/**
 * Turns tracked faces into what moves a puppet: head pose, expressions and a face mesh. It follows one face and gets to know
 * it: give each face a puppet of its own.
 */
export class Puppet {
  /** Expressions that 68 points do not tell: always 0. */ readonly unsupported: readonly ExpressionName[];
  readonly #files: PuppetFiles;
  readonly #options: Required<PuppetOptions>;
  readonly #solver: FaceSolver;
  readonly #smoother = new PoseSmoother();
  readonly #builder: ReturnType<typeof createMeshBuilder>;
  /** Of each expression of the 3-D face: its name here; undefined for what is not told. */
  readonly #names: readonly (ExpressionName | undefined)[];
  readonly #expressionCount: number;
  readonly #seenRest = new RestFollower();
  #rest: Float64Array | undefined;
  #seen: Seen | undefined;
  #last: { input: PuppetInput; id: number | undefined; result: PuppetResult } | undefined;
  /** Places of the 68 points in landmarks, for the names they were found by. */
  #order: { names: readonly string[]; places: readonly number[] } | undefined;

  /** Use {@link createPuppet} or {@link loadPuppet}. */
  constructor(files: PuppetFiles, options: PuppetOptions = {}) {
    gistWish.isThere = true;
    this.#files = files;
    this.#options = checkOptions(options);
    const face = parseFaceModel(files.face);
    const net = parsePointNet(files.expressions);
    this.#solver = new FaceSolver(face, net);
    this.#builder = createMeshBuilder(face);
    this.#expressionCount = net.expressions.length;
    this.#names = net.expressions.map((name) => (net.untold.includes(name) ? undefined : arkitName(name)));
    const told: ReadonlySet<ExpressionName | undefined> = new Set([...this.#names, ...seenNames]);
    this.unsupported = expressionNames.filter((name) => !told.has(name));
  }

  /**
   * Goes on by a frame.
   * @param input what tracking says of it; each frame once, in order. The same one again is answered as before.
   * @param id of the object to follow; without it the one that it has followed so far, else the first
   * @throws InputError for landmarks without the 68 names of face points, or a frame without a size; ModelError for what
   * another network saw than the one that the puppet's files belong to
   */
  update(input: PuppetInput, id?: number): PuppetResult {
    if (this.#last?.input === input && this.#last.id === id) return this.#last.result;
    const result = this.#step(input, id);
    this.#last = { input, id, result };
    return result;
  }

  /** Pose of the head: `update(input).pose`. @returns undefined until a face was seen */
  headPose(input: PuppetInput): HeadPose | undefined {
    const result = this.update(input);
    return result.status === 'searching' ? undefined : result.pose;
  }

  /** Expressions of the face: `update(input).expressions`. @returns undefined until a face was seen */
  expressions(input: PuppetInput): Expressions | undefined {
    const result = this.update(input);
    return result.status === 'searching' ? undefined : result.expressions;
  }

  /** Mesh of the face: `update(input).mesh`. @returns undefined until a face was seen */
  faceMesh(input: PuppetInput): FaceMesh | undefined {
    const result = this.update(input);
    return result.status === 'searching' ? undefined : result.mesh;
  }

  /**
   * Takes the face as it was last seen for one at rest: from now on its expressions are 0.
   * @throws InputError where no face is being tracked
   */
  calibrate(): void {
    if (this.#last?.result.status !== 'tracking' || this.#seen === undefined) {
      throw new InputError(
        'calibrate() needs a face that is tracked, and none is. Call it when the status of update() is "tracking".',
      );
    }
    this.#rest = this.#seen.weights.slice();
    this.#seenRest.calibrate(this.#seen.measures);
  }

  /**
   * Makes one more puppet of the same files, for another face.
   * @param options those that differ from this one's
   * @throws InputError for options that do not exist or fit
   */
  another(options: PuppetOptions = {}): Puppet {
    return new Puppet(this.#files, { ...this.#options, ...options });
  }

  /** Forgets the face, who it was and how it looked at rest. */
  reset(): void {
    this.#solver.reset();
    this.#smoother.reset();
    this.#seenRest.reset();
    this.#rest = undefined;
    this.#seen = undefined;
    this.#last = undefined;
  }

  #step(input: PuppetInput, id: number | undefined): PuppetResult {
    const { timestamp, width, height, objects } = input;
    if (!(width > 0 && height > 0)) {
      throw new InputError(
        `A frame of ${width}×${height} pixels has no perspective. Pass results of track(), which say the size of the frame.`,
      );
    }
    const wanted = id ?? this.#seen?.id;
    const object = objects.find((one) => one.id === wanted) ?? (id === undefined ? objects.at(0) : undefined);
    if (object?.status !== 'tracking') return this.#miss(timestamp);
    const isOther = this.#seen !== undefined && object.id !== this.#seen.id;
    if (isOther && (id !== undefined || timestamp - (this.#seen?.timestamp ?? 0) > sameFor)) this.reset();
    return this.#see(object, timestamp, lensOf(width, height, this.#options.fieldOfView));
  }

  #see({ id, landmarks, roi, gist }: PuppetObject, timestamp: number, lens: Lens): PuppetResult {
    const glance = roi && gist && { roi, gist };
    const places = this.#places(landmarks);
    const points = pointsOf(places.map((at) => landmarks[at]));
    const solved = this.#solver.solve(points, lens, glance, timestamp);
    const measures = measure(points, solved);
    this.#seenRest.follow(measures, timestamp);
    // Found again after a while, or somebody else: it is not where it was.
    if (this.#seen === undefined || timestamp - this.#seen.timestamp > this.#options.hold)
      this.#smoother.reset();
    const smooth = { ...solved, ...this.#smoother.filter(solved, timestamp) };
    const rawPoints = pointsOf(
      places.map((at) => ({ ...landmarks[at].raw, confidence: landmarks[at].confidence })),
    );
    const raw = this.#solver.solve(rawPoints, lens, glance);
    const sure = places.reduce((sum, at) => sum + landmarks[at].confidence, 0) / pointCount;
    const describe = (of: Solved, by: Measures) => ({
      pose: describePose(of, sure * of.inliers),
      expressions: this.#expressionsOf(of.weights, by),
    });
    const told = { ...describe(smooth, measures), raw: describe(raw, measure(rawPoints, raw)) };
    const { rotation, translation, weights } = smooth;
    this.#seen = { id, timestamp, placement: { rotation, translation }, weights, measures, lens, ...told };
    this.#builder.setIdentity(this.#solver.identity.weights);
    this.#builder.fill(weights, smooth, lens, smooth);
    return { status: 'tracking', timestamp, id, ...told, mesh: this.#builder.mesh };
  }

  /** Holds the face, then brings it to rest. */
  #miss(timestamp: number): PuppetResult {
    const seen = this.#seen;
    if (seen === undefined) return { status: 'searching', timestamp };
    const { hold, relax } = this.#options;
    const { id, raw } = seen;
    const gone = timestamp - seen.timestamp;
    if (!(gone > hold)) {
      const { pose, expressions } = seen;
      return { status: 'holding', timestamp, id, pose, expressions, raw, mesh: this.#builder.mesh };
    }
    const share = relax > 0 ? Math.min(1, (gone - hold) / relax) : 1;
    const left = (1 - share) ** 2 * (1 + 2 * share);
    const vector = vectorOfRotation(seen.placement.rotation).map((value) => value * left);
    const placement = {
      rotation: rotationOfVector(vector[0], vector[1], vector[2]),
      translation: seen.placement.translation,
    };
    const weights = seen.weights.map((weight) => weight * left);
    const expressions = Object.fromEntries(
      expressionNames.map((name) => [name, seen.expressions[name] * left]),
    ) as Expressions;
    this.#builder.fill(weights, placement, seen.lens);
    return {
      ...{ status: share < 1 ? 'relaxing' : 'neutral', timestamp, id },
      ...{ pose: describePose(placement, 0), expressions, raw, mesh: this.#builder.mesh },
    };
  }

  /** By ARKit's names, against the face at rest. */
  #expressionsOf(weights: Float64Array, measures: Measures): Expressions {
    const told = neutralExpressions();
    const halves = new Map<ExpressionName, number>();
    for (let k = 0; k < this.#expressionCount; k++) {
      const name = this.#names[k];
      if (name === undefined) continue;
      const rest = Math.min(0.9, this.#rest?.[k] ?? 0);
      const count = (halves.get(name) ?? 0) + 1;
      halves.set(name, count);
      // Two halves that are one expression here: their mean.
      const beyond = (weights[k] - rest) / (1 - rest);
      told[name] += (Math.max(0, (beyond - silence) / (1 - silence)) - told[name]) / count;
    }
    return Object.assign(told, this.#seenRest.tell(measures));
  }

  /** @throws InputError that names what is missing */
  #places(landmarks: readonly PuppetLandmark[]): readonly number[] {
    const known = this.#order;
    if (
      known?.names.length === landmarks.length &&
      landmarks.every(({ name }, i) => name === known.names[i])
    ) {
      return known.places;
    }
    const names = landmarks.map(({ name }) => name);
    const places = placesOfNames(names);
    this.#order = { names, places };
    return places;
  }
}

const pointsOf = (points: readonly { x: number; y: number; confidence: number }[]): FacePoints => ({
  x: Float64Array.from(points, ({ x }) => x),
  y: Float64Array.from(points, ({ y }) => y),
  confidence: Float64Array.from(points, ({ confidence }) => confidence),
});

/**
 * Makes a puppet of files that are there already: in Node, or where they are kept elsewhere.
 * @throws ModelError for files that are none; InputError for options that do not exist or fit
 */
export const createPuppet = (files: PuppetFiles, options: PuppetOptions = {}): Puppet =>
  new Puppet(files, options);

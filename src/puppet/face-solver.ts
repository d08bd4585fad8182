/** From the 68 points of a frame to the pose of the head, its expressions, and who it is. */
import { ModelError } from '../errors.ts';
import { canonicalize, decanonicalize, pointCount, type CanonicalFrame } from './canonical-points.ts';
import type { FaceModel } from './face-model.ts';
import { IdentityFit } from './identity-fit.ts';
import { createNetRunner } from './net-layers.ts';
import { moveGain, outputPlaces, type PointNet } from './point-net.ts';
import { PoseFitter, type ExpectedTurn, type Placement, type PoseFit, type Rays } from './pose-fit.ts';
import { multiplyInto, rotationOfVector } from './solid-rotation.ts';
import { createTurnTeller, gistCells, type Glance } from './turn-net.ts';

/** The camera: it looks at the picture's middle. */
export type Lens = { /** Pixels. */ focalLength: number; width: number; height: number };

/** The points of a frame, pixels, and how sure they are, 0–1. */
export type FacePoints = { x: Float64Array; y: Float64Array; confidence: Float64Array };

/** @param fieldOfView from the top to the bottom of the picture, degrees */
export const lensOf = (width: number, height: number, fieldOfView: number): Lens => ({
  ...{ width, height },
  focalLength: height / 2 / Math.tan((fieldOfView * Math.PI) / 360),
});

/** (68, 3) of the landmarks' vertices; of modes or expressions (K, 68, 3). @param values (K, V, 3) */
const atLandmarks = ({ landmarks, mask }: FaceModel, values: Float32Array): Float64Array => {
  const length = 3 * mask.vertices;
  const out = new Float64Array((values.length / length) * 3 * pointCount);
  for (let at = 0; at < out.length; at++) {
    const [mode, l] = [Math.floor(at / (3 * pointCount)), Math.floor(at / 3) % pointCount];
    out[at] = values[mode * length + 3 * landmarks[l] + (at % 3)];
  }
  return out;
};

/** What is known of a frame. */
export type Solved = PoseFit & {
  /** (E) of the 3-D face, 0–1. */ weights: Float64Array;
  /** (68, 3) where the points are in space, camera coordinates, cm: as deep as the face has them. */
  landmarks: Float64Array;
};

/**
 * How much of what is expected of the turn counts against the points: with more, turns of drawn heads are told better, small ones
 * in real clips worse.
 */
const turnTrust = 0.3;
/** Points go wrong together: so many of them tell as much as one that goes wrong by itself. */
const alike = 12;

/** Solves the frames of one face after the other. */
export class FaceSolver {
  readonly identity: IdentityFit;
  readonly #net: PointNet;
  readonly #run: ReturnType<typeof createNetRunner>;
  readonly #tellTurn: ReturnType<typeof createTurnTeller> | undefined;
  /** (E, 68, 3). */ readonly #expressions: Float64Array;
  readonly #fitter = new PoseFitter(pointCount);
  readonly #shape = new Float64Array(3 * pointCount);
  readonly #rays: Rays = {
    x: new Float64Array(pointCount),
    y: new Float64Array(pointCount),
    weights: new Float64Array(pointCount),
  };

  constructor(face: FaceModel, net: PointNet) {
    this.identity = new IdentityFit(
      atLandmarks(face, face.mask.neutral),
      atLandmarks(face, face.mask.identity),
    );
    this.#expressions = atLandmarks(face, face.mask.expressions);
    this.#net = net;
    this.#run = createNetRunner(net);
    this.#tellTurn = net.seen && createTurnTeller(net.seen);
  }

  /** Forgets who it is. */
  reset(): void {
    this.identity.reset();
  }

  /**
   * @param glance what the tracker's network saw of the head, where that is known
   * @param timestamp seconds; undefined: nothing is learnt of the person
   */
  solve(points: FacePoints, lens: Lens, glance?: Glance, timestamp?: number): Solved {
    const { focalLength, width, height } = lens;
    const rays = this.#rays;
    for (let i = 0; i < pointCount; i++) {
      rays.x[i] = (points.x[i] - width / 2) / focalLength;
      rays.y[i] = (height / 2 - points.y[i]) / focalLength;
      rays.weights[i] = (0.15 + 0.85 * points.confidence[i]) / this.#net.sigmas[i] ** 2 / alike;
    }
    const frame = canonicalize(rays);
    const told = this.#run(frame.values);
    const places = outputPlaces(this.#net.expressions.length);
    const expected = this.#seenTurn(glance, lens) ?? {
      rotation: turnOf(frame, told.subarray(places.turn, places.expressions)),
      weight: turnTrust / this.#net.turnSigma ** 2,
    };
    const weights = Float64Array.from(told.subarray(places.expressions), (value) =>
      Math.max(0, Math.min(1, value)),
    );
    const moved = frame.values.slice();
    for (let i = 0; i < 2 * pointCount; i++) moved[i] += told[i] / moveGain;
    decanonicalize(frame, moved, rays);
    this.#form(weights);
    const fit = this.#fitter.fit(this.#shape, rays, this.#start(frame, expected.rotation), expected);
    if (timestamp !== undefined && fit.inliers > 0.6) {
      this.identity.add(fit, this.#fitter.placed, rays, timestamp);
    }
    const landmarks = this.#fitter.placed.slice();
    for (let i = 0; i < pointCount; i++) {
      landmarks[3 * i] += fit.residuals[2 * i];
      landmarks[3 * i + 1] += fit.residuals[2 * i + 1];
    }
    return { ...fit, weights, landmarks };
  }

  /**
   * The turn by what was seen of the head; undefined where that is not known.
   * @throws ModelError where another network saw it
   */
  #seenTurn(glance: Glance | undefined, lens: Lens): ExpectedTurn | undefined {
    const { seen } = this.#net;
    if (seen === undefined || glance === undefined) return undefined;
    const { network, means } = glance.gist;
    if (network !== undefined && seen.network !== undefined && network !== seen.network) {
      throw new ModelError(
        'expressions.bin was trained on what another network sees than the results come of. Give the puppet the files of the model that tracks, or track with { gist: false }: the turn is then told by the points alone.',
      );
    }
    if (means.length !== seen.channels * gistCells) return undefined;
    const rotation = this.#tellTurn?.(glance, this.#rays, lens);
    return rotation && { rotation, weight: turnTrust / seen.sigma ** 2 };
  }

  /** The person's landmarks with the expressions. */
  #form(weights: Float64Array): void {
    const shape = this.#shape;
    shape.set(this.identity.shape);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k];
      if (weight === 0) continue;
      for (let i = 0, at = k * shape.length; i < shape.length; i++, at++) {
        shape[i] += weight * this.#expressions[at];
      }
    }
  }

  /** Turned as expected, the middle of the points where they are seen, as far away as their spread says. */
  #start({ values }: CanonicalFrame, rotation: Float64Array): Placement {
    const { x, y } = this.#rays;
    const shape = this.#shape;
    const [middle, ray] = [
      [0, 0, 0],
      [0, 0],
    ];
    for (let i = 0; i < pointCount; i++) {
      for (let axis = 0; axis < 3; axis++) middle[axis] += shape[3 * i + axis] / pointCount;
      ray[0] += x[i] / pointCount;
      ray[1] += y[i] / pointCount;
    }
    let spread = 0;
    for (let i = 0; i < pointCount; i++) {
      const [dx, dy, dz] = [0, 1, 2].map((axis) => shape[3 * i + axis] - middle[axis]);
      for (let row = 0; row < 6; row += 3) {
        spread += (rotation[row] * dx + rotation[row + 1] * dy + rotation[row + 2] * dz) ** 2 / pointCount;
      }
    }
    const depth = Math.sqrt(spread) / values[2 * pointCount];
    const [mx, my, mz] = middle;
    const turned = [0, 3, 6].map(
      (row) => rotation[row] * mx + rotation[row + 1] * my + rotation[row + 2] * mz,
    );
    return {
      rotation,
      translation: Float64Array.of(
        ray[0] * depth - turned[0],
        ray[1] * depth - turned[1],
        -depth - turned[2],
      ),
    };
  }
}

/** A turn as the network tells it, in camera coordinates. @param vector (3) radians, in the frame */
const turnOf = ({ turn, similarity: { a, b } }: CanonicalFrame, vector: ArrayLike<number>): Float64Array => {
  const leaning = rotationOfVector(0, 0, -Math.atan2(b, a));
  const seen = multiplyInto(leaning, rotationOfVector(vector[0], vector[1], vector[2]), new Float64Array(9));
  const back = Float64Array.of(
    turn[0],
    turn[3],
    turn[6],
    turn[1],
    turn[4],
    turn[7],
    turn[2],
    turn[5],
    turn[8],
  );
  return multiplyInto(back, seen, new Float64Array(9));
};

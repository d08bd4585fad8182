import { normalize, type Point, type Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { calibrate } from '../landmarks/calibration.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { LandmarkSmoother, type SmootherOptions } from '../landmarks/smoother.ts';
import type { ModelGeometry } from '../model/model.ts';
import type { FrameTime } from './frame-clock.ts';
import { gistOf } from './gist.ts';
import { certaintiesOf, refineLook, type EmbeddedLook, type Look } from './look.ts';
import type { MotionFollower } from './motion-follower.ts';
import { nextRoi } from './next-roi.ts';
import type { Landmark, ObjectPlace, TrackedObject } from './result.ts';
import { roiChange, roiOfShape } from './roi-of-shape.ts';

/** What is told of an object, and how. */
export type FollowSettings<Frame> = {
  landmarkSet: LandmarkSet;
  /** As in `FrameTrackerOptions`. */ smoothing?: SmootherOptions | false | undefined;
  /** As in `FrameTrackerOptions`. */ motion?: (() => MotionFollower<Frame>) | undefined;
  /** Landmarks less sure than this are not `visible`. Default 0.1. */ minConfidence?: number | undefined;
};

/** A frame, and when it was. */
export type FrameMoment<Frame> = FrameTime & { frame: Frame; size: Size };

/** Frames in a row without a trustworthy look after which the object is lost. */
const maxDoubts = 3;
/** Changes of the object's ROI from frame to frame that no object makes. */
const maxScaleStep = 1.5;
const maxOffsetStep = 0.4;

/** Evidence (see `Look`) that a look must show; the object itself has 1, other things 0. */
const evidence = {
  /** When the object was just found. */ start: 0.6,
  /** To be trusted again after a doubtful frame. */ resume: 0.55,
  /** To stay trusted. */ keep: 0.4,
};

/** One object from find to loss: where to look for it, whether a look shows it, and what is told of it. */
export class FollowedObject<Frame> {
  readonly id: number;
  #settings: FollowSettings<Frame>;
  #smoother: LandmarkSmoother | undefined;
  #motion: MotionFollower<Frame> | undefined;
  #roi: Roi;
  #object: Roi | undefined;
  #shown: ObjectPlace | undefined;
  #doubts = 0;

  /**
   * @param roi square to look through, image pixels
   * @throws InputError for settings of the smoother that do not exist or make no sense
   */
  constructor(id: number, roi: Roi, settings: FollowSettings<Frame>) {
    this.id = id;
    this.#roi = roi;
    this.#settings = settings;
    this.setSmoothing(settings.smoothing);
  }

  /** Square to cut from the next frame, image pixels. */
  get roi(): Roi {
    return this.#roi;
  }

  /** The object's own ROI when it was last trusted; undefined for one that was not looked at since it was found. */
  get lastSeen(): Roi | undefined {
    return this.#object;
  }

  setSmoothing(smoothing: SmootherOptions | false | undefined): void {
    this.#motion = smoothing === false ? undefined : (this.#motion ?? this.#settings.motion?.());
    const isSmoothed = smoothing !== false && (smoothing !== undefined || this.#motion === undefined);
    this.#smoother = isSmoothed ? new LandmarkSmoother(smoothing) : undefined;
  }

  /** Goes on with other landmarks: looked at through the same square, until that fits what they call its ROI. */
  setLandmarks(landmarkSet: LandmarkSet): void {
    this.#settings = { ...this.#settings, landmarkSet };
    this.#smoother?.reset();
    this.#motion?.reset();
    this.#object = undefined;
    this.#shown = undefined;
    this.#doubts = 0;
  }

  /** The object's ROI by this look, or undefined where the look cannot be trusted. */
  trusted(look: Look): Roi | undefined {
    const object = this.#object;
    const limit = object === undefined ? evidence.start : this.#doubts > 0 ? evidence.resume : evidence.keep;
    if (look.fit === undefined || look.evidence < limit) return undefined;
    const found = roiOfShape(look.fit.transform);
    const change = roiChange(found, object ?? look.roi);
    return change.scale > maxScaleStep || change.offset > maxOffsetStep ? undefined : found;
  }

  /**
   * Goes on from a look that shows the object.
   * @param found what `trusted` gave for it
   * @param geometry of the network that the look's embedding is of
   * @param withGist whether it shall be told what the network saw
   */
  async see(
    look: EmbeddedLook,
    found: Roi,
    moment: FrameMoment<Frame>,
    geometry: ModelGeometry,
    withGist = false,
  ): Promise<TrackedObject> {
    const { roi } = look;
    const landmarks = await this.#landmarks(look, moment, geometry);
    this.#shown = { id: this.id, roi, landmarks };
    if (withGist && look.embedding.length > 0) this.#shown.gist = gistOf(look.embedding, geometry);
    this.#roi = nextRoi(roi, found, this.#object, moment.lead);
    this.#object = found;
    this.#doubts = 0;
    return { status: 'tracking', ...this.#shown };
  }

  /** Keeps the ROI where it is for a few frames. @returns undefined when the object is lost */
  doubt(): TrackedObject | undefined {
    this.#doubts++;
    // Without a trusted look nothing was ever seen through this square: the finder was wrong.
    if (this.#object === undefined || this.#shown === undefined || this.#doubts >= maxDoubts)
      return undefined;
    this.#roi = this.#object;
    return { status: 'doubtful', doubts: this.#doubts, ...this.#shown };
  }

  /** What decides goes by the network's own confidences, what is told by the calibrated ones. */
  #confidences({ confidences, fit }: Look): ArrayLike<number> {
    const { calibration } = this.#settings.landmarkSet;
    return calibration === undefined ? confidences : calibrate(confidences, fit?.residuals, calibration);
  }

  async #landmarks(
    look: EmbeddedLook,
    { frame, size, timestamp }: FrameMoment<Frame>,
    geometry: ModelGeometry,
  ): Promise<Landmark[]> {
    const { minConfidence = 0.1, landmarkSet } = this.#settings;
    const { roi } = look;
    // What is told is refined; where to look next and whether to trust goes by the matches themselves.
    const raw = refineLook(look, look.embedding, landmarkSet, geometry);
    const confidences = this.#confidences(look);
    const followed = await this.#motion?.step(frame, {
      ...{ roi, points: raw },
      certainties: landmarkSet.calibration === undefined ? certaintiesOf(look, landmarkSet) : confidences,
    });
    const unsmoothed: readonly Point[] = followed ?? raw;
    const points = this.#smoother?.filter(unsmoothed, roi.size, timestamp) ?? unsmoothed;
    return landmarkSet.names.map((name, index): Landmark => {
      const { x, y } = points[index];
      const confidence = confidences[index];
      // Where motion is followed it says what is seen: a point may be carried well that is hardly recognised.
      const isKnown =
        followed === undefined
          ? confidence >= minConfidence
          : !followed[index].lost && (followed[index].seen || confidence >= minConfidence);
      return {
        name,
        x,
        y,
        normalized: normalize({ x, y }, size),
        confidence,
        visible: isKnown && isInside({ x, y }, size),
        raw: raw[index],
      };
    });
  }
}

const isInside = ({ x, y }: Point, { width, height }: Size): boolean =>
  x >= 0 && y >= 0 && x <= width && y <= height;

import type { Roi } from '../geometry/roi.ts';
import { appearanceOf, Portrait, type Appearance } from './appearance.ts';
import type { FollowedObject, FrameMoment } from './followed-object.ts';
import { FrameSteps, type FrameTrackerOptions } from './frame-steps.ts';
import type { EmbeddedLook } from './look.ts';
import { LostObjects } from './lost-objects.ts';
import type { TrackedObject } from './result.ts';
import { isSamePlace, roiChange } from './roi-of-shape.ts';
import { settle } from './settle.ts';

export type SeveralTrackerOptions<Frame, Input> = FrameTrackerOptions<Frame, Input> & {
  /** Objects to follow at most. */ objects: number;
};

/** An object in sight. */
type Followed<Frame> = { object: FollowedObject<Frame>; portrait: Portrait };

/** What one look at a followed object gave. */
type Seen<Frame> = {
  followed: Followed<Frame>;
  look: EmbeddedLook;
  /** The object's ROI; undefined where it was not recognised. */ found: Roi | undefined;
};

/** Two objects this near to each other (of the larger one's ROI) look into each other's squares. */
const contact = 0.8;
/** Looks in a row that a portrait starts with. */
const firstLooks = 10;
/** Frames from one look for a portrait to the next one's. */
const portraitEvery = 3;

/**
 * Landmarks of several objects of one category in a stream of frames, each with an id that stays its own: through
 * crossings, and when it leaves and comes back within a minute. One run of the network sees all of them; the search for
 * more takes a few further looks a frame, so that those who are followed never wait for it. It never closes frames.
 * Steps must not overlap: await one before the next.
 */
export class SeveralTracker<Frame, Input> extends FrameSteps<Frame, Input> {
  readonly #most: number;
  #followed: Followed<Frame>[] = [];
  readonly #lost = new LostObjects();
  #steps = 0;

  constructor({ objects, ...options }: SeveralTrackerOptions<Frame, Input>) {
    super(options);
    this.#most = objects;
  }

  protected override followed(): readonly FollowedObject<Frame>[] {
    return this.#followed.map(({ object }) => object);
  }

  protected override forget(): void {
    this.#followed = [];
    this.#lost.clear();
    super.forget();
  }

  /** What the old landmarks told of appearances says nothing about the new ones. */
  protected override onLandmarks(): void {
    this.#lost.clear();
    this.#followed = this.#followed.map(({ object }) => ({ object, portrait: new Portrait() }));
  }

  protected override async track(moment: FrameMoment<Frame>): Promise<TrackedObject[]> {
    this.#steps++;
    const objects = [...(await this.#follow(moment)), ...(await this.#search(moment))];
    return objects.sort((a, b) => a.id - b.id);
  }

  /** Looks at all objects that are in sight, in one run of the network. */
  async #follow(moment: FrameMoment<Frame>): Promise<TrackedObject[]> {
    if (this.#followed.length === 0) return [];
    const rois = this.#followed.map(({ object }) => object.roi);
    const looks = await this.lookThrough(moment.frame, rois, true);
    const seen = this.#followed.map((followed, index): Seen<Frame> => {
      const look = looks[index];
      return { followed, look, found: followed.object.trusted(look) };
    });
    this.#separate(seen);
    const start = this.now();
    const objects: TrackedObject[] = [];
    for (const one of seen) {
      const told = await this.#tell(one, seen, moment);
      if (told !== undefined) objects.push(told);
    }
    this.spend('filter', this.now() - start);
    return objects;
  }

  /** Where two are seen at one place, one of them is behind the other: it is not who looks less like what is seen. */
  #separate(seen: Seen<Frame>[]): void {
    for (const a of seen) {
      for (const b of seen) {
        if (a.followed.object.id >= b.followed.object.id) continue;
        if (a.found === undefined || b.found === undefined || !isSamePlace(a.found, b.found)) continue;
        const hidden = this.#fits(a) >= this.#fits(b) ? b : a;
        hidden.found = undefined;
      }
    }
  }

  /** How well what is seen fits who is followed: by appearance, and a little by where it was expected. */
  #fits({ followed: { object, portrait }, look, found }: Seen<Frame>): number {
    const moved = found === undefined ? 1 : roiChange(found, object.lastSeen ?? object.roi).offset;
    return portrait.resembles(this.#appearance(look)) - 0.2 * moved;
  }

  #appearance(look: EmbeddedLook): Appearance {
    return appearanceOf(look, this.landmarkSet, this.model.manifest);
  }

  async #tell(
    one: Seen<Frame>,
    all: readonly Seen<Frame>[],
    moment: FrameMoment<Frame>,
  ): Promise<TrackedObject | undefined> {
    const { followed, look, found } = one;
    const { object, portrait } = followed;
    if (found === undefined) {
      const doubtful = object.doubt();
      if (doubtful === undefined) this.#lose(followed, moment.timestamp);
      return doubtful;
    }
    const isAlone = all.every(
      (other) => other === one || roiChange(found, other.found ?? other.followed.object.roi).offset > contact,
    );
    // Near another one a look may be at that one: who is who is learnt from a distance.
    if (isAlone && this.#isTurnOf(followed)) portrait.add(this.#appearance(look));
    return this.see(object, look, found, moment);
  }

  /** Portraits take time, and a face does not change: after the first looks they take turns. */
  #isTurnOf(followed: Followed<Frame>): boolean {
    const turn = this.#steps % (portraitEvery * this.#most);
    return followed.portrait.looks < firstLooks || this.#followed[turn / portraitEvery] === followed;
  }

  #lose(followed: Followed<Frame>, timestamp: number): void {
    const { object, portrait } = followed;
    this.#followed = this.#followed.filter((other) => other !== followed);
    const { id, lastSeen } = object;
    if (lastSeen === undefined) return;
    this.#lost.add({ id, portrait, roi: lastSeen, timestamp });
    this.lookNear(lastSeen);
  }

  /** Looks for one more object, where there may be one. */
  async #search(moment: FrameMoment<Frame>): Promise<TrackedObject[]> {
    const { start } = this;
    this.start = undefined;
    const told = start && (await this.#meet(start, moment));
    if (told !== undefined) return [told];
    if (start !== undefined) this.lookNear(start);
    if (this.#followed.length >= this.#most) return [];
    const known = this.#followed.map(({ object }) => object.roi);
    const roi = await this.find(moment, known);
    const found = roi && (await this.#meet(roi, moment));
    return found === undefined ? [] : [found];
  }

  /** Goes up to what is in a square, and says who it is. @returns undefined where nobody new is there */
  async #meet(roi: Roi, moment: FrameMoment<Frame>): Promise<TrackedObject | undefined> {
    const look = await settle(
      roi,
      async (square) => (await this.lookThrough(moment.frame, [square], true))[0],
    );
    const found = this.createObject(look.roi, 0).trusted(look);
    if (found === undefined) return undefined;
    if (this.#followed.some(({ object }) => isSamePlace(found, object.lastSeen ?? object.roi)))
      return undefined;
    // Only where a square was pointed at: the one found last makes room.
    if (this.#followed.length >= this.#most) this.#followed.pop();
    const appearance = this.#appearance(look);
    const lost = this.#lost.take(appearance, found, moment.timestamp);
    const portrait = lost?.portrait ?? new Portrait();
    portrait.add(appearance);
    const object = this.createObject(look.roi, lost?.id);
    this.#followed.push({ object, portrait });
    return this.see(object, look, found, moment);
  }
}

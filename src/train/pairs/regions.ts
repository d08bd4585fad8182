import { InputError } from '../../errors.ts';
import type { Roi } from '../../geometry/roi.ts';
import { wrapAngle } from '../../pipeline/roi-of-shape.ts';

/** Where the object is in some frames of a video, ascending; pixels of the video's own frames. */
export type RegionTrack = readonly { frame: number; roi: Roi }[];

/**
 * The region in any frame: between two known ones it is interpolated.
 * @param greatestGap frames between two known ones at most; further apart nothing is known of what is between
 * @returns undefined where nothing is known
 */
export const regionAt = (track: RegionTrack, frame: number, greatestGap: number): Roi | undefined => {
  let low = 0;
  let high = track.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle].frame < frame) low = middle + 1;
    else high = middle;
  }
  const after = track.at(low);
  if (after?.frame === frame) return after.roi;
  const before = low > 0 ? track[low - 1] : undefined;
  if (before === undefined || after === undefined || after.frame - before.frame > greatestGap)
    return undefined;
  const share = (frame - before.frame) / (after.frame - before.frame);
  const mix = (a: number, b: number): number => a + share * (b - a);
  return {
    center: {
      x: mix(before.roi.center.x, after.roi.center.x),
      y: mix(before.roi.center.y, after.roi.center.y),
    },
    size: mix(before.roi.size, after.roi.size),
    rotation: before.roi.rotation + share * wrapAngle(after.roi.rotation - before.roi.rotation),
  };
};

/** Boxes of one video: [frame, x0, y0, x1, y1] each, pixels of the video's own frames. */
type Boxes = readonly (readonly number[])[];

const trackOf = (boxes: Boxes, margin: number): RegionTrack =>
  boxes
    .map(([frame, x0, y0, x1, y1]) => ({
      frame,
      roi: {
        center: { x: (x0 + x1) / 2, y: (y0 + y1) / 2 },
        size: margin * Math.max(x1 - x0, y1 - y0),
        rotation: 0,
      },
    }))
    .sort((a, b) => a.frame - b.frame);

const isBox = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length === 5 &&
  value.every((entry) => typeof entry === 'number' && Number.isFinite(entry)) &&
  Number.isInteger(value[0]) &&
  value[0] >= 0 &&
  value[3] > value[1] &&
  value[4] > value[2];

/**
 * Checks what stands in a file of boxes: a JSON object with the path of each video, relative to the folder of videos, and a list of
 * [frame, x0, y0, x1, y1], in pixels of the video's own frames; frame 0 is the first. Between two frames that are
 * listed the box is interpolated; before the first and after the last, the video gives no pairs. One single box stands
 * for the whole video. Videos that are not listed are not used.
 *
 * @param margin side of the region over the longer side of the box
 * @returns track of each listed video; one entry in `whole` for those with a single box
 * @throws InputError that names the file, the video and what is wrong
 */
export const checkBoxes = (value: unknown, path: string, margin: number): Map<string, VideoRegions> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`${path} has to be an object of videos, each with a list of boxes.`);
  }
  const regions = new Map<string, VideoRegions>();
  for (const [video, boxes] of Object.entries(value) as [string, unknown][]) {
    if (!Array.isArray(boxes) || boxes.length === 0) {
      throw new InputError(`${path}: "${video}" has no list of boxes. Give at least one, or leave it out.`);
    }
    const wrong = boxes.findIndex((box) => !isBox(box));
    if (wrong >= 0) {
      throw new InputError(
        `${path}: box ${wrong} of "${video}" is ${JSON.stringify(boxes[wrong])} but has to be [frame, x0, y0, x1, y1] with x0 < x1 and y0 < y1.`,
      );
    }
    const track = trackOf(boxes as Boxes, margin);
    regions.set(
      video,
      track.length === 1
        ? { kind: 'fixed', roi: track[0].roi }
        : { kind: 'track', track, greatestGap: Number.MAX_SAFE_INTEGER },
    );
  }
  if (regions.size === 0) throw new InputError(`${path} lists no videos. Give boxes for at least one.`);
  return regions;
};

/** Where the object is in a video. */
export type VideoRegions =
  | { /** Not known: the whole frame. */ kind: 'whole' }
  | { /** The same in every frame. */ kind: 'fixed'; roi: Roi }
  | { kind: 'track'; track: RegionTrack; greatestGap: number };

/** The region of a frame, or undefined where it is not known; `whole` has none. */
export const regionOfFrame = (regions: VideoRegions, frame: number): Roi | undefined => {
  if (regions.kind === 'fixed') return regions.roi;
  return regions.kind === 'track' ? regionAt(regions.track, frame, regions.greatestGap) : undefined;
};

/** The text of a file of tracks; {@link parseRegions} gives exactly the same back. */
export const serializeRegions = (regions: ReadonlyMap<string, VideoRegions>): string =>
  `${JSON.stringify(Object.fromEntries(regions))}\n`;

const isRegions = (value: unknown): value is VideoRegions =>
  typeof value === 'object' && value !== null && 'kind' in value;

/** @throws InputError for a text that {@link serializeRegions} did not make */
export const parseRegions = (text: string, path: string): Map<string, VideoRegions> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || !Object.values(value).every(isRegions)) {
    throw new InputError(`${path} is damaged. Put it back, or train without --resume.`);
  }
  return new Map(Object.entries(value as Record<string, VideoRegions>));
};

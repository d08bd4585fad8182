/** Reads what `render-views` drew and what `track-views` found in it. */
import { join } from 'node:path';
import { readJson } from '../../src/files-node/read-json.ts';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import { pointCount } from '../../src/puppet/canonical-points.ts';
import { InputError } from '../../src/errors.ts';

/** A drawn head; see `PinholeView`. */
export type View = {
  image: string;
  /** Number of the photograph, one person. */ head: number;
  rotation: number[];
  translation: [number, number, number];
  focalLength: number;
  expression: number[];
  identity: number[];
  landmarks: [number, number][];
};

export type Views = {
  width: number;
  height: number;
  fieldOfView: number;
  expressions: string[];
  items: View[];
};

/** What the tracker found of a head. */
export type SeenHead = {
  /** (68) x, y in pixels and confidence. */ points: [number, number, number][];
  /** Square that was looked at: x, y of its middle, side, pixels; clockwise turn, radians. */
  roi?: [number, number, number, number];
  /** Base64 of what the network saw of it in little, see `ObjectPlace.gist`. */ gist?: string;
};

/** Of a picture, and of the same in the mirror: null where no face was found. */
export type Tracked = { image: string; mirrored?: SeenHead | null } & (
  SeenHead | { points: null; roi?: undefined; gist?: undefined }
);

const again = 'Give a folder that render-views wrote.';

/** @throws InputError */
export const readViews = async (folder: string): Promise<Views> => {
  const value = (await readJson(join(folder, 'views.json'), again)) as Views;
  if (!Array.isArray(value.items) || value.items.length === 0) {
    throw new InputError(`${folder}/views.json has no items. ${again}`);
  }
  return value;
};

/** @throws InputError */
export const readSeen = async (folder: string) => {
  const { network, items } = (await readJson(
    join(folder, 'tracked.json'),
    'Run track-views on the folder.',
  )) as {
    /** SHA-256 of the file of the network that saw them. */ network?: string;
    items: Tracked[];
  };
  return { network, tracked: new Map(items.map((item) => [item.image, item])) };
};

/** The point that each is in the mirror. */
export const mirrorOf = Array.from({ length: pointCount }, (_, i) => {
  const pair = ibug68.mirrorPairs.find(([a, b]) => a === i || b === i);
  return pair === undefined ? i : pair[0] === i ? pair[1] : pair[0];
});

/** Every fifth head is kept for measuring. */
export const isHeldOut = ({ head }: Pick<View, 'head'>): boolean => head % 5 === 0;

/** Drawn heads and what was found of them, those to learn from and those to measure by. @throws InputError */
export const readHeads = async (folder: string) => {
  const views = await readViews(folder);
  const known = views.items.filter((view) => !isHeldOut(view));
  return { views, known, heldOut: views.items.filter(isHeldOut), ...(await readSeen(folder)) };
};

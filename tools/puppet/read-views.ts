/** Reads what `render-views` drew and what `track-views` found in it. */
import { join } from 'node:path';
import { readJson } from '../../src/files-node/read-json.ts';
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

/** (68) x, y in pixels and confidence; null where no face was found. */
export type Tracked = { image: string; points: [number, number, number][] | null };

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
export const readTracked = async (folder: string): Promise<Map<string, Tracked['points']>> => {
  const value = (await readJson(join(folder, 'tracked.json'), 'Run track-views on the folder.')) as {
    items: Tracked[];
  };
  return new Map(value.items.map(({ image, points }) => [image, points]));
};

/** Every fifth head is kept for measuring. */
export const isHeldOut = ({ head }: Pick<View, 'head'>): boolean => head % 5 === 0;

/** Pairs of views drawn by a rig, for every picture that it fits. */
import { InputError } from '../errors.ts';
import { createRandom } from '../augment/random.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createPairPoolBuilder } from '../train/pairs/pair-pool.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import { drawChange, flowBetween } from '../train/pairs/rig-pairs.ts';
import { drawView, stillView } from '../train/rig/rig-view.ts';
import type { RigSettings } from '../train/settings/rig-settings.ts';
import type { CropBase } from '../train/views/warps.ts';
import type { RigPicture } from './rig-scenes.ts';
import { openRig } from './rig-scenes.ts';

/** A rig and where its landmarks lie in pictures. */
export type RigInput = {
  /** Folder of the rig. */ folder: string;
  pictures: readonly RigPicture[];
};

export type RigPoolOptions = RigInput & {
  /** Folder of the pictures. */ images: string;
  settings: RigSettings;
  /** Canonical crop of the pictures. */ base: CropBase;
  seed: number;
  /** Told how many pictures are done. */ onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
};

export type RigPool = {
  pool: PairPool;
  /** Pictures that the rig does not fit well enough. */ misfits: number;
};

/** @throws InputError for a rig or a picture that cannot be used, or a rig that fits no picture */
export const createRigPool = async (options: RigPoolOptions): Promise<RigPool> => {
  const { folder, images, pictures, settings, base, seed, onProgress, signal } = options;
  const { perPicture, side, stillShare } = settings;
  const rig = await openRig(folder, { images, side, greatestError: settings.greatestError });
  const builder = createPairPoolBuilder(
    pictures.map(({ picture }) => picture),
    pictures.length * perPicture,
    side,
  );
  let misfits = 0;
  /** Pictures of before: what stands around a head comes from another one, in which it is covered by this head. */
  let last: RawPicture | undefined;
  for (const [index, picture] of pictures.entries()) {
    signal?.throwIfAborted();
    const scene = await rig.create(picture);
    if (scene === undefined) misfits++;
    else {
      for (let view = 0; view < perPicture; view++) {
        const random = createRandom(seed, index, view);
        const draw = () => drawView(scene, drawChange(scene, settings, random, last));
        const a = random.chance(stillShare) ? stillView(scene) : draw();
        const b = draw();
        builder.add(index, view, { a: a.picture, b: b.picture, ...flowBetween(scene, a, b), base });
      }
      last = scene.still;
    }
    onProgress?.(index + 1, pictures.length);
  }
  if (misfits === pictures.length) {
    throw new InputError(
      `The rig in ${folder} fits none of the ${pictures.length} annotated pictures in ${images}. Give points of its landmarks, in their order.`,
    );
  }
  return { pool: builder.finish(), misfits };
};

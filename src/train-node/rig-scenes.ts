/** Photographs with a rig fitted to each: what views and pairs of views are drawn of. */
import { InputError, firstLine } from '../errors.ts';
import { fileInFolder } from '../files-node/file-in-folder.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createRigFitter } from '../train/rig/fit-rig.ts';
import type { PreparedRig } from '../train/rig/prepared-rig.ts';
import { prepareRig } from '../train/rig/prepared-rig.ts';
import type { RigScene } from '../train/rig/rig-scene.ts';
import { createScene } from '../train/rig/rig-scene.ts';
import { readFaceKit } from './read-face-kit.ts';
import { loadSharp } from '../media-node/sharp.ts';

/** Points of one picture, as annotations give them. */
export type RigPicture = {
  /** File name. */ picture: string;
  /** (L) of the rig's landmarks, pixels of the picture, given its size. */ points: (size: Size) => Point[];
};

export type SceneOptions = {
  /** Folder of the pictures. */ images: string;
  /** Side that pictures are resized to, pixels. */ side: number;
  /** Greatest error of a fit, of the object's size. */ greatestError: number;
};

export type SceneMaker = {
  prepared: PreparedRig;
  /** @returns undefined where the rig does not fit well enough. @throws InputError for a picture that cannot be read */
  create(picture: RigPicture): Promise<RigScene | undefined>;
};

/** A picture resized to a square, and the size that it had. */
const loadSquare = async (path: string, side: number): Promise<{ still: RawPicture; size: Size }> => {
  const sharp = await loadSharp('Drawing a rig');
  try {
    const image = sharp(path).autoOrient();
    const { autoOrient: size } = await image.metadata();
    const squared = image.resize(side, side, { fit: 'fill' }).flatten({ background: '#808080' });
    const rgb = new Uint8Array(await squared.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer());
    return { still: { file: path, width: side, height: side, rgb }, size };
  } catch (error) {
    throw new InputError(
      `${path}, which has points for the rig, cannot be read (${firstLine(error)}). Replace it.`,
    );
  }
};

/** @param folder of the rig. @throws InputError where it is none */
export const openRig = async (folder: string, options: SceneOptions): Promise<SceneMaker> => {
  const { images, side, greatestError } = options;
  const prepared = prepareRig(await readFaceKit(folder));
  const fit = createRigFitter(prepared.rig);
  return {
    prepared,
    create: async ({ picture, points }) => {
      const { still, size } = await loadSquare(await fileInFolder(images, picture), side);
      const scaled = points(size).map(({ x, y }) => ({
        x: (x * side) / size.width,
        y: (y * side) / size.height,
      }));
      const fitted = fit(scaled);
      if (fitted.error > greatestError) return undefined;
      return createScene(prepared, still, fitted, scaled);
    },
  };
};

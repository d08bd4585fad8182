/** Pairs of a still and its turned views, for every picture whose 3-D points are known. */
import { InputError } from '../errors.ts';
import { createPairPoolBuilder } from '../train/pairs/pair-pool.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createRandom } from '../augment/random.ts';
import type { TurnSettings } from '../train/settings/turn-settings.ts';
import type { SolidPoint } from '../train/pairs/turned-views.ts';
import { createTurner } from '../train/pairs/turned-views.ts';
import type { CropBase } from '../train/views/warps.ts';
import { loadSharp } from '../media-node/sharp.ts';
import { fileInFolder } from '../files-node/file-in-folder.ts';
import { readJson } from '../files-node/read-json.ts';

/** One picture with its 3-D points, as `tools/annotate-faces --mesh` writes it. */
type MeshItem = { image: string; size: [number, number]; points: [number, number, number][] };

const isMeshItem = (value: unknown): value is MeshItem => {
  if (typeof value !== 'object' || value === null) return false;
  const { image, size, points } = value as Partial<MeshItem>;
  const isTuple = (entry: unknown, length: number): boolean =>
    Array.isArray(entry) &&
    entry.length === length &&
    entry.every((v) => typeof v === 'number' && Number.isFinite(v));
  return (
    typeof image === 'string' &&
    isTuple(size, 2) &&
    Array.isArray(points) &&
    points.length >= 3 &&
    points.every((point) => isTuple(point, 3))
  );
};

/** @throws InputError for a file that cannot be read or is of another form */
export const readMeshes = async (file: string): Promise<MeshItem[]> => {
  const parsed = await readJson(file, 'Give a file of 3-D points per picture.');
  const items = (parsed as { items?: unknown } | null)?.items;
  if (!Array.isArray(items) || items.length === 0 || !items.every(isMeshItem)) {
    throw new InputError(
      `${file} does not hold items of { image, size: [width, height], points: [[x, y, depth], …] }. Give a file of 3-D points per picture.`,
    );
  }
  return items;
};

/** Smaller objects, shares of the picture's side, are too few pixels for the surface: next to nothing of them would count. */
const leastObject = 0.15;

/** Longer side of the object over the picture's, both as seen in a square picture. */
const objectSide = ({ size, points }: MeshItem): number =>
  Math.max(
    ...[0, 1].map((axis) => {
      const values = points.map((point) => point[axis]);
      return (Math.max(...values) - Math.min(...values)) / size[axis];
    }),
  );

/** The items whose object is large enough. @throws InputError where none is */
const largeEnough = (
  items: readonly MeshItem[],
  meshFile: string,
  onSkip: (message: string) => void,
): MeshItem[] => {
  const cropIt = 'Crop pictures to the object, with their points.';
  const large = items.filter((item) => {
    const share = objectSide(item);
    if (share >= leastObject) return true;
    onSkip(
      `${item.image} gives no turned views: its object is ${(100 * share).toFixed(0)} % of the picture and has to be ${100 * leastObject} % at least. ${cropIt}`,
    );
    return false;
  });
  if (large.length > 0) return large;
  throw new InputError(
    `The objects of all ${items.length} pictures of ${meshFile} are less than ${100 * leastObject} % of the picture. ${cropIt}`,
  );
};

/** A picture resized to a square; its points are scaled with it. */
const loadSquare = async (path: string, side: number): Promise<RawPicture> => {
  const sharp = await loadSharp('Turning pictures');
  const image = sharp(path).rotate().resize(side, side, { fit: 'fill' }).removeAlpha().toColourspace('srgb');
  return { file: path, width: side, height: side, rgb: new Uint8Array(await image.raw().toBuffer()) };
};

/**
 * @param base canonical crop of the pictures
 * @param onSkip told, in one line that names it, of each picture whose object is too small to be turned
 * @throws InputError for a mesh file that is of another form, or names a picture that cannot be read
 */
export const createTurnedPool = async (
  images: string,
  meshFile: string,
  settings: TurnSettings,
  base: CropBase,
  seed: number,
  onSkip: (message: string) => void = () => undefined,
): Promise<PairPool> => {
  const items = largeEnough(await readMeshes(meshFile), meshFile, onSkip);
  const { perPicture, side } = settings;
  const names = items.map(({ image }) => image);
  const builder = createPairPoolBuilder(names, items.length * perPicture, side);
  const radians = Math.PI / 180;
  for (const [index, { image, size, points }] of items.entries()) {
    let still: RawPicture;
    try {
      still = await loadSquare(await fileInFolder(images, image), side);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InputError(`${meshFile} names ${image}, which cannot be read in ${images} (${reason}).`);
    }
    const [sx, sy] = [side / size[0], side / size[1]];
    const solid = points.map(([x, y, depth]): SolidPoint => ({ x: x * sx, y: y * sy, depth: depth * sx }));
    const turn = createTurner(still, solid);
    for (let view = 0; view < perPicture; view++) {
      const random = createRandom(seed, index, view);
      const yaw = random.uniform(-settings.yaw, settings.yaw) * radians;
      const pitch = random.uniform(-settings.pitch, settings.pitch) * radians;
      const { picture, flow, weights } = turn({ yaw, pitch });
      builder.add(index, view, { a: still, b: picture, flow, weights, base });
    }
  }
  return builder.finish();
};

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';

type Probed = {
  streams?: {
    width?: number;
    height?: number;
    side_data_list?: { rotation?: number }[];
    tags?: { rotate?: string };
  }[];
};

/** What ffprobe prints of a video; undefined where it is not installed or cannot read the file. */
const probe = async (path: string): Promise<Probed | undefined> => {
  try {
    const { stdout } = await promisify(execFile)('ffprobe', [
      ...['-v', 'error', '-select_streams', 'V:0', '-of', 'json', '-show_entries'],
      'stream=width,height:stream_side_data=rotation:stream_tags=rotate',
      path,
    ]);
    return JSON.parse(stdout) as Probed;
  } catch {
    return undefined;
  }
};

/**
 * The size of a video's frames as they are stored. Videos whose pixels are not square are shown wider or narrower than
 * that, and tracked as they are shown, because that is the object's shape; other tools count the stored pixels.
 * @param shown size of the frames as they are shown, upright, pixels
 * @returns upright, pixels; `shown` where nothing else is known, as for a folder of pictures
 */
export const storedSize = async (path: string, shown: Size): Promise<Size> => {
  const stream = (await probe(path))?.streams?.at(0);
  if (stream?.width === undefined || stream.height === undefined) return shown;
  const { width, height, side_data_list: sides = [], tags } = stream;
  const turned = sides.find(({ rotation }) => rotation !== undefined)?.rotation;
  const isLying = Math.round(Math.abs(turned ?? Number(tags?.rotate ?? 0)) / 90) % 2 === 1;
  return isLying ? { width: height, height: width } : { width, height };
};

/**
 * A result in the pixels of another size of the same picture. A ROI keeps its area: a square of pixels that are not
 * square has no other likeness.
 */
export const resizeResult = (result: TrackResult, size: Size): TrackResult => {
  const x = size.width / result.width;
  const y = size.height / result.height;
  if (x === 1 && y === 1) return result;
  if (result.status === 'searching') return { ...result, ...size };
  const resized = (point: Point): Point => ({ x: x * point.x, y: y * point.y });
  const { roi, landmarks } = result;
  return {
    ...{ ...result, ...size },
    roi: { ...roi, center: resized(roi.center), size: Math.sqrt(x * y) * roi.size },
    landmarks: landmarks.map((landmark) => ({
      ...{ ...landmark, ...resized(landmark) },
      raw: resized(landmark.raw),
    })),
  };
};

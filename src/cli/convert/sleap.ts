/** SLEAP's analysis files (HDF5): tracks of a video. */
import { InputError } from '../../errors.ts';
import { loadHdf5, textsOf } from './hdf5.ts';
import { lastPart, type ConvertOptions, type KeypointRow, type Keypoints } from './keypoints.ts';

/** @throws InputError that names the file and what is wrong with it */
export const readSleap = async (path: string, { video, onNote }: ConvertOptions): Promise<Keypoints> => {
  const { File } = await loadHdf5();
  const file = new File(path, 'r');
  try {
    const tracks = file.get('tracks');
    const names = textsOf(file.get('node_names')?.value ?? []);
    const [instances = 0, axes, nodes = 0, frames = 0] = tracks?.shape ?? [];
    if (tracks === null || axes !== 2 || nodes !== names.length || nodes === 0) {
      throw new InputError(
        `${path} has no "tracks" of (instances, 2, nodes, frames) with their "node_names". Export the analysis HDF5 of SLEAP.`,
      );
    }
    if (instances > 1)
      onNote(`${path} has ${instances} tracks: in each frame the first one that is there is taken`);
    const values = tracks.value as ArrayLike<number>;
    const scores = file.get('point_scores')?.value as ArrayLike<number> | undefined;
    const of = video ?? lastPart(textsOf(file.get('video_path')?.value ?? '')[0]);
    const pointAt = (instance: number, node: number, frame: number) => {
      const at = (axis: number): number => values[((instance * 2 + axis) * nodes + node) * frames + frame];
      const [x, y] = [at(0), at(1)];
      return Number.isFinite(x + y) ? { x, y } : null;
    };
    const rows: KeypointRow[] = [];
    for (let frame = 0; frame < frames; frame++) {
      const found = Array.from({ length: instances }, (_, i) => i).find((i) =>
        names.some((_, node) => pointAt(i, node, frame) !== null),
      );
      if (found === undefined) continue;
      rows.push({
        ...(of === '' ? {} : { video: of }),
        frame,
        points: names.map((_, node) => pointAt(found, node, frame)),
        ...(scores === undefined
          ? {}
          : { confidences: names.map((_, node) => scores[(found * nodes + node) * frames + frame]) }),
      });
    }
    return { names, connections: [], rows };
  } finally {
    file.close();
  }
};

/**
 * Writes frames of one video as one track.
 * @throws InputError for points that are of pictures, or of several videos
 */
export const writeSleap = async (path: string, { names, connections, rows }: Keypoints): Promise<void> => {
  const videos = new Set(rows.map(({ video }) => video));
  if (rows.some(({ frame }) => frame === undefined) || videos.size > 1) {
    throw new InputError(
      'an analysis file of SLEAP holds the frames of one video, and these points are of pictures or of several videos. Write COCO or DeepLabCut instead.',
    );
  }
  const { File } = await loadHdf5();
  const frames = Math.max(0, ...rows.map(({ frame = 0 }) => frame + 1));
  const nodes = names.length;
  const tracks = new Float64Array(2 * nodes * frames).fill(NaN);
  const scores = new Float64Array(nodes * frames).fill(NaN);
  const occupancy = new Uint8Array(frames);
  for (const { frame = 0, points, confidences } of rows) {
    occupancy[frame] = 1;
    points.forEach((point, node) => {
      if (point === null) return;
      tracks[node * frames + frame] = point.x;
      tracks[(nodes + node) * frames + frame] = point.y;
      scores[node * frames + frame] = confidences?.[node] ?? 1;
    });
  }
  const file = new File(path, 'w');
  try {
    const put = (name: string, data: Float64Array | Uint8Array | Int32Array, shape: number[]): void => {
      file.create_dataset({ name, data, shape });
    };
    put('tracks', tracks, [1, 2, nodes, frames]);
    put('point_scores', scores, [1, nodes, frames]);
    put('track_occupancy', occupancy, [frames, 1]);
    put('instance_scores', new Float64Array(frames).fill(1), [1, frames]);
    put('tracking_scores', new Float64Array(frames).fill(1), [1, frames]);
    if (connections.length > 0) {
      put('edge_inds', Int32Array.from(connections.flat()), [connections.length, 2]);
      const edges = connections.flatMap((pair) => pair.map((node) => names[node]));
      file.create_dataset({ name: 'edge_names', data: edges, shape: [connections.length, 2] });
    }
    file.create_dataset({ name: 'node_names', data: [...names] });
    file.create_dataset({ name: 'track_names', data: ['object'] });
    file.create_dataset({ name: 'video_path', data: [...videos][0] ?? '' });
  } finally {
    file.close();
  }
};

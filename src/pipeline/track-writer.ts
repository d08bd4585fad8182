import type { TrackFileFormat, TrackWriter } from './write-results.ts';

export type { TrackFileFormat, TrackWriter } from './write-results.ts';

/**
 * Writes results into a file, for pages that track a whole video, say. What writes is loaded when it is asked for.
 *
 *     const writer = await createTrackWriter('csv', tracker.names);
 *     for await (const result of track(videoFrames(file, { mediabunny }), { tracker })) writer.add(result);
 *     link.href = URL.createObjectURL(writer.file());
 *
 * @param names of the landmarks, in their order
 * @param objects how many objects may be in a frame
 * @throws InputError for a format that does not exist
 */
export const createTrackWriter = async (
  format: TrackFileFormat,
  names: readonly string[],
  objects = 1,
): Promise<TrackWriter> => {
  const { writeResults } = await import('./write-results.ts');
  return writeResults(format, names, objects);
};

import { InputError } from '../errors.ts';
import { faceParts, followed, partMoments } from '../evaluation/followed-parts.ts';
import { compareTracks } from '../evaluation/track-accuracy.ts';
import { ibugPointCount } from '../landmarks/point-sets.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { resultOptions } from './model-options.ts';
import { printResult, round } from './output.ts';
import { readTracks } from './track-file.ts';

export const summary = 'Hold the tracks of a video against points of another source.';

const command = defineCommand({
  name: 'dve eval tracks',
  about:
    'Compares 68-point face tracks frame by frame. Distances are in percent of the inter-ocular distance (IOD) of the\ntruth, over the 51 points inside the face; jitter is the RMS second difference of all 68. A jump is a step between\nneighbouring frames more than 20 % IOD longer than the truth’s. right_share: of the tracked frames with a face, those\nwhose box has the right place (25 % of its side) and size (factor 1.35). How far parts are followed: slope (1: all the\nway) and correlation with the truth’s opening of inner and outer lips and of the lids, and with the turn to the side.',
  options: {
    tracks: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'What "dve track" wrote, JSON.',
    },
    truth: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Points per frame of another source.',
    },
    ...resultOptions,
  },
});

const rounded = (value: number): number | null => (Number.isFinite(value) ? round(value, 4) : null);

/** A share in percent, or null where no frame tells. */
const percent = (value: number): number | null => (Number.isFinite(value) ? round(100 * value, 3) : null);

export const run = createRun(command, async ({ values }) => {
  const tracks = await readTracks(values.tracks, ibugPointCount);
  const truth = await readTracks(values.truth, ibugPointCount);
  if (truth.every((points) => points === undefined)) {
    throw new InputError(`${values.truth} has no frame with a face. Give a truth that has one.`);
  }
  const result = compareTracks(tracks, truth);
  const parts = faceParts.flatMap((part): [string, number | null][] => {
    const { slope, correlation } = followed([partMoments(tracks, truth, part)]);
    return [
      [`${part}_slope`, rounded(slope)],
      [`${part}_correlation`, rounded(correlation)],
    ];
  });
  printResult(
    {
      frames: result.frames,
      tracked_share: Number.isFinite(result.trackedShare) ? round(result.trackedShare, 5) : null,
      first: result.first,
      mean_iod: percent(result.meanError),
      median_iod: percent(result.medianError),
      jumps: result.jumps,
      jitter: percent(result.jitter),
      right_share: Number.isFinite(result.rightShare) ? round(result.rightShare, 5) : null,
      ...Object.fromEntries(parts),
    },
    values.json,
  );
});

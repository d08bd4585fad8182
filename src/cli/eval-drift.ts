import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import type { DriftReport } from '../evaluation/evaluate-drift.ts';
import { measureDrift } from '../evaluation/evaluate-drift.ts';
import type { VideoReader } from '../media-node/open-video.ts';
import { listVideos, openVideo } from '../media-node/open-video.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions } from './model-options.ts';
import { printNote, printResult, round } from './output.ts';
import { offlineSearchBudget, readLandmarkSet, withModelAndSet } from './track-input.ts';

export const summary = 'Stability, not quality: whether points tracked there find their way back.';

const command = defineCommand({
  name: 'dve eval drift',
  about:
    'Needs no annotated video, and tells how stable matches are, not whether they are right: a point that always slides to\nthe same wrong place is stable, too. For what is right label a few frames and use "dve eval points".\n\nPoints tracked to a frame are matched back into the first one; their distance from where\nthey started, over the size of the object, is the drift. within: share of all frames that are tracked with a mean\ndrift below --limit.',
  options: {
    ...modelOptions,
    landmarks: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Landmark set, instead of the model’s own.',
    },
    videos: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of videos, or one video.',
    },
    limit: {
      type: 'number',
      placeholder: 'SHARE',
      default: 0.05,
      minimum: 0,
      describe: 'Drift that is still good, in object sizes.',
    },
    ...resultOptions,
  },
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Percent, or null where there is nothing to average. */
const percent = (share: number): number | null => (Number.isFinite(share) ? round(100 * share, 2) : null);

const figures = ({ frames, tracked, drifts }: DriftReport, limit: number): Record<string, number | null> => {
  // In the first tracked frame there is nothing to drift.
  const good = drifts.filter((ofFrame) => mean(ofFrame) < limit).length + Math.min(1, tracked);
  return {
    frames,
    tracked: percent(tracked / frames),
    within: percent(good / frames),
    mean_drift: percent(mean(drifts.flat())),
  };
};

const pictures = async function* (
  video: VideoReader,
): AsyncGenerator<{ image: PixelImage; timestamp: number }> {
  const { width, height } = video;
  for await (const { rgb, timestamp } of video.frames) {
    yield { image: { data: rgb, width, height, channels: 3 }, timestamp };
  }
};

export const run = createRun(command, async ({ values }) => {
  const landmarkSet = await readLandmarkSet(values.landmarks, values.model);
  const { videos } = await listVideos(values.videos, printNote);
  const reports = await withModelAndSet(values, landmarkSet, async (session) => {
    const measured: DriftReport[] = [];
    for (const path of videos) {
      const video = await openVideo(path, { onWarning: printNote });
      try {
        const report = await measureDrift({
          ...{ session, landmarkSet, searchBudget: offlineSearchBudget },
          frames: pictures(video),
        });
        measured.push(report);
        printNote(`${basename(path)}  ${JSON.stringify(figures(report, values.limit))}`);
      } finally {
        await video.close();
      }
    }
    return measured;
  });
  const total: DriftReport = {
    frames: reports.reduce((sum, { frames }) => sum + frames, 0),
    tracked: reports.reduce((sum, { tracked }) => sum + tracked, 0),
    drifts: reports.flatMap(({ drifts }) => drifts),
  };
  if (total.frames === 0) {
    throw new InputError(`${values.videos} has no frame that can be decoded. Give a folder with videos.`);
  }
  const shares = reports.map((report) => figures(report, values.limit).within ?? 0);
  const { frames, tracked, mean_drift } = figures(total, values.limit);
  printResult(
    {
      ...{ videos: reports.length, frames, tracked, mean_drift },
      within: round(shares.reduce((sum, share) => sum + share, 0) / shares.length, 2),
      worst_video: Math.min(...shares),
    },
    values.json,
  );
});

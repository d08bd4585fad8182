import { extname } from 'node:path';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Model } from '../model/model.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { FrameTracker } from '../pipeline/frame-tracker.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import type { TrackResult } from '../pipeline/result.ts';
import { openVideo, type VideoReader } from '../media-node/open-video.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions } from './model-options.ts';
import { createProgress, printNote, printResult, round } from './output.ts';
import { writeOverlay } from './overlay.ts';
import { resizeResult } from './resize-result.ts';
import { offlineSearchBudget, readLandmarkSet, withModelAndSet } from './track-input.ts';
import { framesPerSecond, tracksToCsv, tracksToJson, type TrackHeader } from './track-file.ts';

export const summary = 'Track the landmarks of a video into a file.';

const command = defineCommand({
  name: 'dve track',
  about:
    'Runs the tracker of the browser over every frame of a video. The file is JSON, or CSV in the layout of DeepLabCut,\nby its ending. Coordinates are pixels of the frames as the file stores them (upright); the centre of the top-left one\nis (0.5, 0.5).',
  positionals: [{ name: 'VIDEO', describe: 'Video file, or folder of pictures.' }],
  options: {
    ...modelOptions,
    landmarks: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Landmark set, instead of the model’s own.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'File to write: .json or .csv.' },
    overlay: {
      type: 'string',
      placeholder: 'FILE.mp4',
      describe: 'Also write a video with the landmarks drawn in.',
    },
    raw: { type: 'flag', describe: 'Do not smooth, nor follow motion: what the network sees in each frame.' },
    'no-motion': {
      type: 'flag',
      describe: 'Do not follow motion from frame to frame: smooth what is matched.',
    },
    ...resultOptions,
  },
});

type Format = 'json' | 'csv';

const formatOf = (path: string): Format => {
  const ending = extname(path).toLowerCase();
  if (ending === '.json') return 'json';
  if (ending === '.csv') return 'csv';
  throw new UsageError(`--out ${path} ends neither in .json nor in .csv. See "dve track --help".`);
};

/** One result per frame, in order. */
const trackVideo = async (
  video: VideoReader,
  landmarkSet: LandmarkSet,
  session: Model,
  { smooth, motion }: { smooth: boolean; motion: boolean },
): Promise<TrackResult[]> => {
  const tracker = new FrameTracker<PixelImage, Float32Array>({
    model: session,
    cropper: createPictureCropper(),
    landmarkSet,
    searchBudget: offlineSearchBudget,
    ...(smooth ? {} : { smoothing: false }),
    motion,
  });
  const progress = createProgress('frames');
  const results: TrackResult[] = [];
  const { width, height, duration = 0 } = video;
  for await (const { rgb, timestamp } of video.frames) {
    results.push(await tracker.step({ data: rgb, width, height, channels: 3 }, timestamp));
    // The header tells the length in seconds only.
    const total = timestamp > 0 ? Math.round((duration / timestamp) * (results.length - 1)) : 0;
    progress(results.length, Math.max(total, results.length + 1));
  }
  return results;
};

export const run = createRun(command, async ({ values, positionals }) => {
  const format = formatOf(values.out);
  const landmarkSet = await readLandmarkSet(values.landmarks, values.model);
  const video = await openVideo(positionals[0], { onWarning: printNote });
  try {
    const { width, height, stored } = video;
    const results = await withModelAndSet(values, landmarkSet, (session) =>
      trackVideo(video, landmarkSet, session, { smooth: !values.raw, motion: !values['no-motion'] }),
    );
    const fps = framesPerSecond(results.map(({ timestamp }) => timestamp));
    const header: TrackHeader = { fps, ...stored, landmarks: landmarkSet.names };
    const inFile = results.map((result) => resizeResult(result, stored));
    await writeFileAtomic(
      values.out,
      format === 'json' ? tracksToJson(header, inFile) : tracksToCsv(header, inFile),
    );
    if (values.overlay !== undefined) {
      const { connections } = landmarkSet;
      await writeOverlay(video.frames, results, {
        ...{ width, height, path: values.overlay, fps: fps > 0 ? fps : 25 },
        draw: { connections, roi: true },
      });
    }
    const tracked = results.filter(({ status }) => status === 'tracking').length;
    printResult(
      {
        frames: results.length,
        tracked,
        tracked_share: round(tracked / results.length, 4),
        fps: round(fps, 3),
      },
      values.json,
    );
  } finally {
    await video.close();
  }
});

import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.ts';
import { openOutput, type OutputFile } from '../files-node/atomic-file.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { manifestName, modelFileNames } from '../model/manifest.ts';
import type { Model } from '../model/model.ts';
import { cropToGray, type PixelImage } from '../pipeline/crop.ts';
import type { FrameSteps } from '../pipeline/frame-steps.ts';
import { FrameTracker, type FrameTrackerOptions } from '../pipeline/frame-tracker.ts';
import { Localizer } from '../pipeline/localizer.ts';
import type { SearchEvidence } from '../pipeline/result.ts';
import { AdaptingTracker } from '../pipeline/adapting-tracker.ts';
import { MotionFollower } from '../pipeline/motion-follower.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { SeveralTracker } from '../pipeline/several-tracker.ts';
import { evidenceNeeded } from '../pipeline/trial.ts';
import { openVideo, type RgbFrame, type VideoReader } from '../media-node/open-video.ts';
import { expressionNames } from '../puppet/expression-names.ts';
import { defineCommand, UsageError, type OptionValues } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions } from './model-options.ts';
import { createProgress, printNote, printResult, round } from './output.ts';
import { createTrackPainter, fewLandmarks, type TrackDrawing } from './draw-track.ts';
import { createOverlay, type Overlay } from './overlay.ts';
import type { PuppetResults } from '../pipeline/puppet-rows.ts';
import { readPuppets, type Puppets } from './read-puppets.ts';
import { readRegion, roiOfRegion, type Region } from './read-roi.ts';
import { refuseOverwrite } from './refuse-overwrite.ts';
import { resizeResult } from './resize-result.ts';
import { resultsFormat } from './results-format.ts';
import {
  csvFormat,
  jsonFormat,
  type TrackedFrame,
  type TrackFormat,
  type TrackHeader,
} from '../pipeline/track-format.ts';
import { offlineBudgetBeside, offlineSearchBudget, readLandmarkSet, withModelAndSet } from './track-input.ts';

export const summary = 'Track the landmarks of a video into a file.';

const command = defineCommand({
  name: 'dve track',
  about:
    'Runs the tracker of the browser over every frame of a video. The file is JSON (docs/track-json.md says what stands in it), or CSV in the layout of\nDeepLabCut, by its ending. Coordinates are pixels of the frames as the file stores them (upright); the centre of the top-left one\nis (0.5, 0.5). A video in which nothing is found is no failure (exit code 0): the file says so, and a line on stderr why.',
  positionals: [{ name: 'VIDEO', describe: 'Video file, or folder of pictures.' }],
  options: {
    ...modelOptions,
    model: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Model directory (default: the face model of this package).',
    },
    landmarks: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Landmark set, instead of the model’s own.',
    },
    out: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'File to write: .json, .csv, or .jsonl with the API’s results, one a line.',
    },
    overlay: {
      type: 'string',
      placeholder: 'FILE.mp4',
      describe: 'Also write a video with the landmarks drawn in.',
    },
    labels: {
      type: 'choice',
      choices: ['all', 'names', 'none'],
      describe: `On the overlay: names and confidences (default for up to ${fewLandmarks} landmarks), names, or neither.`,
    },
    trails: {
      type: 'integer',
      placeholder: 'N',
      minimum: 0,
      describe: `On the overlay: where points were in the last N frames (default 12 for up to ${fewLandmarks} landmarks, else 0).`,
    },
    colors: {
      type: 'choice',
      choices: ['points', 'confidence'],
      describe: `On the overlay: a colour for each point (default for up to ${fewLandmarks} landmarks), or how sure it is, red to green.`,
    },
    objects: {
      type: 'integer',
      placeholder: 'N',
      default: 1,
      minimum: 1,
      describe:
        'Objects at once, at most. With more than 1 each frame of the JSON holds objects: [{ id, status, roi, points, raw, confidences }], and the CSV has DeepLabCut’s row of individuals.',
    },
    roi: {
      type: 'string',
      placeholder: 'X0,Y0,X1,Y1|frame',
      describe:
        'Where to look first: a box around the object (left, top, right, bottom), the whole frame, or X,Y,SIZE, centre and side of a square; pixels of the first frame.',
    },
    raw: { type: 'flag', describe: 'Do not smooth: what the network sees in each frame.' },
    motion: {
      type: 'choice',
      choices: ['yes', 'no'],
      describe:
        'Carry landmarks by motion from frame to frame, the match corrects them, instead of smoothing the matches alone. Default: yes for landmarks of what bends.',
    },
    adapt: {
      type: 'flag',
      describe:
        'Let what the landmarks are recognised by follow this object: slowly, by sure looks alone, never far; begins anew when it is lost. Not with --objects.',
    },
    puppet: {
      type: 'flag',
      describe: 'Also write the pose of the head (cm, degrees) and the expressions (ARKit’s names, 0–1).',
    },
    'field-of-view': {
      type: 'number',
      placeholder: 'DEGREES',
      default: 48,
      minimum: 5,
      describe: 'Of the camera, from top to bottom of the picture, for --puppet.',
    },
    ...resultOptions,
  },
});

type OverlayValues = Pick<OptionValues<(typeof command)['options']>, 'labels' | 'trails' | 'colors'>;

/** What is drawn where nothing is asked for: names and trails of a few landmarks are read, those of many hide them. */
const drawingOf = (
  { labels, trails, colors }: OverlayValues,
  { names, connections, calibration }: LandmarkSet,
  { width, height }: Size,
): TrackDrawing => {
  const areFew = names.length <= fewLandmarks;
  return {
    ...{ width, height, connections, calibrated: calibration !== undefined },
    labels: labels ?? (areFew ? 'all' : 'none'),
    trails: trails ?? (areFew ? 12 : 0),
    // Names and trails are of points, each in its colour.
    colors: colors ?? (areFew ? 'points' : 'confidence'),
  };
};

/** The model that comes with this package: beside the sources, or beside the bundle. */
const faceModel = (): string =>
  fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? '../../models/face' : '../models/face', import.meta.url),
  );

const formatOf = (path: string): ((header: TrackHeader) => TrackFormat) => {
  const ending = extname(path).toLowerCase();
  if (ending === '.json') return jsonFormat;
  if (ending === '.csv') return csvFormat;
  if (ending === '.jsonl') return resultsFormat;
  throw new UsageError(`--out ${path} ends neither in .json nor in .jsonl or .csv. See "dve track --help".`);
};

type VideoTracker = FrameSteps<PixelImage, Float32Array>;

/** Whether motion is followed: of what bends, unless somebody says. Faces are nearer without it. */
const followsMotion = (
  { motion, raw }: { motion: 'yes' | 'no' | undefined; raw: boolean },
  { parts }: LandmarkSet,
): boolean => {
  if (motion !== undefined || raw || parts === undefined) return motion === 'yes';
  printNote('these landmarks bend: they are carried by motion, too; --motion no goes by the matches alone');
  return true;
};

/** @throws UsageError for several objects, whose looks share the references */
const refuseAdapting = ({ adapt, objects }: { adapt: boolean; objects: number }): void => {
  if (!adapt || objects === 1) return;
  throw new UsageError('--adapt is of one object. Leave out --objects, or --adapt. See "dve track --help".');
};

type TrackerWishes = {
  smooth: boolean;
  motion: boolean;
  adapt: boolean;
  objects: number;
  /** Where to look first, pixels of the decoded frames. */ roi: ((model: Model) => Roi) | undefined;
  gist: boolean;
};

const createTracker = (
  model: Model,
  landmarkSet: LandmarkSet,
  { smooth, motion, adapt, objects, roi, gist }: TrackerWishes,
): VideoTracker => {
  const cropper = createPictureCropper();
  const look = { model, cropper, landmarkSet };
  const budgets = { budget: offlineSearchBudget, budgetBeside: offlineBudgetBeside };
  const options: FrameTrackerOptions<PixelImage, Float32Array> = {
    ...look,
    finder: new Localizer({ ...look, ...budgets }),
    ...(smooth ? {} : { smoothing: false }),
    ...(motion ? { motion: () => new MotionFollower(cropToGray) } : {}),
  };
  const SingleTracker = adapt ? AdaptingTracker : FrameTracker;
  const tracker = objects > 1 ? new SeveralTracker({ ...options, objects }) : new SingleTracker(options);
  tracker.giveGists(gist);
  if (roi !== undefined) tracker.follow(roi(model));
  return tracker;
};

/** The square in which to begin, in pixels of the frames that are decoded; a region is told in those of the file's. */
const startIn =
  (region: Region, { width, height, stored }: VideoReader) =>
  ({ manifest: { cropMargin } }: Model): Roi => {
    const { center, size, rotation } = roiOfRegion(region, cropMargin, stored);
    const [x, y] = [width / stored.width, height / stored.height];
    return { center: { x: x * center.x, y: y * center.y }, size: Math.sqrt(x * y) * size, rotation };
  };

/** Why nothing was found in a video, in one line with what to try. */
const explainNothing = (
  { category }: LandmarkSet,
  frames: number,
  best: SearchEvidence | undefined,
): string => {
  const { evidence = 0, needed = evidenceNeeded, agreement = 0 } = best ?? {};
  const about =
    evidence < needed
      ? `the best look had an evidence of ${evidence.toFixed(2)} and ${needed} is needed (0 is background, 1 the object)`
      : `some looks had the evidence (${evidence.toFixed(2)}, ${needed} is needed), but what they showed did not stay in place from one square to the next`;
  const shape = `; ${Math.round(100 * agreement)} % of its points agreed with one shape`;
  return `no ${category} was found in ${frames} frames: ${about}${shape}. Is it in the picture, upright, unmirrored and large enough? If so, say where it is (--roi), label frames of this very video and make the set anew ("dve label", "dve landmarks"), or train longer or on more clips. Network and landmarks of different trainings never find anything.`;
};

/** What numbers without a calibration are worth. */
const uncalibrated =
  'the confidences are not calibrated: they rank points, but 0.9 need not be right nine times of ten. A set made from five pictures or more ("dve landmarks") is calibrated.';

/** What is told when all is through. */
type Counts = {
  frames: number;
  tracked: number;
  first: number;
  last: number;
  /** Different objects in all. */ objects: number;
  /** Of the search, up to the last frame. */ best?: SearchEvidence | undefined;
};

/** Frames up to where the video breaks off; what comes before is worth keeping. */
async function* untilBroken(
  frames: AsyncIterable<RgbFrame>,
  onBroken: (error: InputError) => void,
): AsyncGenerator<RgbFrame, void> {
  try {
    yield* frames;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    onBroken(error);
  }
}

type Outputs = {
  rows: OutputFile;
  format: TrackFormat;
  overlay: Overlay | undefined;
  puppets: Puppets | undefined;
};

/** Tracks frame by frame and writes each row at once: nothing grows with the length of the video. */
const trackVideo = async (
  video: VideoReader,
  tracker: VideoTracker,
  { rows, format, overlay, puppets }: Outputs,
  { signal, onBroken }: { signal: AbortSignal; onBroken: (error: InputError) => void },
): Promise<Counts> => {
  const progress = createProgress('frames');
  const { width, height, stored, duration = 0, files } = video;
  const counts: Counts = { frames: 0, tracked: 0, first: 0, last: 0, objects: 0 };
  const nobody: PuppetResults | undefined = puppets && new Map();
  const writeRow = async (result: TrackedFrame['result'], faces = nobody): Promise<void> => {
    const index = counts.frames++;
    if (index === 0) counts.first = result.timestamp;
    counts.last = result.timestamp;
    await rows.write(format.row({ result, index, file: files?.[index], puppets: faces }));
  };
  /** Pictures of a folder that could not be read, up to an index. */
  const writeMissing = async (until: number, timestampOf: (index: number) => number): Promise<void> => {
    while (counts.frames < until) {
      await writeRow({ status: 'unreadable', timestamp: timestampOf(counts.frames) });
    }
  };
  let interval = 0;
  for await (const frame of untilBroken(video.frames, onBroken)) {
    const { rgb, timestamp, index } = frame;
    if (index > 0) interval = timestamp / index;
    await writeMissing(index, (missing) => (timestamp * missing) / index);
    const result = await tracker.step({ data: rgb, width, height, channels: 3 }, timestamp);
    if (result.objects.some(({ status }) => status === 'tracking')) counts.tracked++;
    if (result.status === 'searching') counts.best = result.searched ?? counts.best;
    for (const { id } of result.objects) counts.objects = Math.max(counts.objects, id);
    await writeRow(resizeResult(result, stored), puppets?.update(result));
    await overlay?.add(frame, result);
    // The header tells the length in seconds only.
    const total = timestamp > 0 ? Math.round((duration / timestamp) * index) : 0;
    progress(counts.frames, Math.max(total, counts.frames + 1));
    if (signal.aborted) return counts;
  }
  await writeMissing(files?.length ?? 0, (missing) => missing * interval);
  return counts;
};

/** Of more objects than a CSV has columns for, some are not in it. */
const noteColumns = (out: string, objects: number, columns: number): void => {
  if (columns === 1 || objects <= columns || extname(out).toLowerCase() !== '.csv') return;
  printNote(
    `${objects} different objects were tracked, and ${out} has columns for ${columns}. Write .json, or give --objects ${objects}.`,
  );
};

/** Told by the first Ctrl-C or kill; the second ends the process as usual. */
const onInterruption = (): { signal: AbortSignal; stop: () => void } => {
  const abort = new AbortController();
  const end = (): void => {
    abort.abort();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return {
    signal: abort.signal,
    stop: () => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
    },
  };
};

/** Everything that is read: none of it may be written over. */
const inputFiles = (path: string, model: string, landmarks: string | undefined, video: VideoReader) => [
  path,
  ...(video.files ?? []).map((name) => join(path, name)),
  ...(landmarks === undefined ? [] : [landmarks]),
  ...[manifestName, ...Object.values(modelFileNames)].map((name) => join(model, name)),
];

export const run = createRun(command, async ({ values, positionals: [path] }) => {
  const { out } = values;
  refuseAdapting(values);
  const createFormat = formatOf(out);
  const model = values.model ?? faceModel();
  const region = values.roi === undefined ? undefined : readRegion(values.roi, 'roi');
  const landmarkSet = await readLandmarkSet(values.landmarks, model);
  const video = await openVideo(path, { onWarning: printNote });
  const { signal, stop } = onInterruption();
  let rows: OutputFile | undefined;
  let overlay: Overlay | undefined;
  try {
    const { width, height, stored } = video;
    const calibrated = landmarkSet.calibration !== undefined;
    await refuseOverwrite({ out, overlay: values.overlay }, inputFiles(path, model, values.landmarks, video));
    const fieldOfView = values['field-of-view'];
    const puppets = values.puppet ? await readPuppets(model, values.objects, { fieldOfView }) : undefined;
    const format = createFormat({
      ...{ ...stored, landmarks: landmarkSet.names, objects: values.objects, calibrated },
      ...(puppets && {
        puppet: { fieldOfView, expressions: expressionNames, unsupported: puppets.unsupported },
      }),
    });
    rows = await openOutput(out);
    await rows.write(format.head);
    if (values.overlay !== undefined) {
      overlay = await createOverlay({
        ...{ width, height, path: values.overlay, sound: video.files === undefined ? path : undefined },
        draw: createTrackPainter(drawingOf(values, landmarkSet, video)),
      });
    }
    const outputs = { rows, format, overlay, puppets };
    const looks: TrackerWishes = {
      ...{ smooth: !values.raw, motion: followsMotion(values, landmarkSet) },
      ...{ adapt: values.adapt, objects: values.objects },
      roi: region && startIn(region, video),
      gist: puppets !== undefined,
    };
    let broken: InputError | undefined;
    const onBroken = (error: InputError): void => {
      broken = error;
    };
    const { frames, tracked, first, last, objects, best } = await withModelAndSet(
      { ...values, model },
      landmarkSet,
      (session) =>
        trackVideo(video, createTracker(session, landmarkSet, looks), outputs, { signal, onBroken }),
    );
    if (frames === 0) throw broken ?? new InputError(`${path} has no frame that can be decoded.`);
    const fps = last > first ? (frames - 1) / (last - first) : 0;
    await rows.write(format.tail(fps));
    await overlay?.finish();
    await rows.commit();
    const kept = `${out} holds the ${frames} frames before.`;
    if (broken !== undefined) throw new InputError(`${broken.message} ${kept}`, { cause: broken });
    if (signal.aborted) throw new InputError(`Interrupted; ${kept}`);
    if (tracked === 0) printNote(explainNothing(landmarkSet, frames, best));
    else if (!calibrated) printNote(uncalibrated);
    noteColumns(out, objects, values.objects);
    printResult(
      {
        frames,
        tracked,
        tracked_share: round(tracked / frames, 4),
        fps: round(fps, 3),
        ...(values.objects > 1 && { objects }),
        calibrated,
      },
      values.json,
    );
  } finally {
    stop();
    await video.close();
    // What is in place already is not touched by these.
    await overlay?.discard();
    await rows?.discard();
  }
});

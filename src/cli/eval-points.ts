import { stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { indexOfName } from '../files-node/file-in-folder.ts';
import { evaluatePoints, type LabelledFrame } from '../evaluation/evaluate-points.ts';
import { listFramePictures } from '../media-node/video-folder.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { resultOptions } from './model-options.ts';
import { printNote, printResult } from './output.ts';
import { pointFigures, printPerPoint } from './point-figures.ts';
import { readJsonObject, readLabels, type Labels } from './read-labels.ts';
import { readTracks } from './track-file.ts';
import { writeWorstFrames } from './worst-frames.ts';

export const summary = 'Hold the tracks of a video against points that were labelled in some of its frames.';

const command = defineCommand({
  name: 'dve eval points',
  about:
    'How far tracked points are from labelled ones: pixels, and the share within 5 and 10 % of the object’s size (the\nlonger side of the box of a frame’s labelled points). A labelled point that is not tracked is a miss, one that is null\nis left out. --points has "names" and "items" (pixels) or "annotations" (shares), each with "frame", "video" and\n"frame", or a picture’s name.',
  options: {
    tracks: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'What "dve track --out FILE.json" wrote.',
    },
    points: { type: 'string', placeholder: 'FILE', required: true, describe: 'Labelled points (JSON).' },
    video: {
      type: 'string',
      placeholder: 'VIDEO',
      describe: 'What was tracked: for --worst, and for names of pictures.',
    },
    worst: { type: 'string', placeholder: 'DIR', describe: 'Also write the worst frames as pictures.' },
    count: { type: 'integer', placeholder: 'N', default: 10, minimum: 1, describe: 'How many of them.' },
    ...resultOptions,
  },
});

/** Of each labelled name the place in the tracks. @throws InputError where a name is in the labels only */
const placesOf = (names: readonly string[], tracked: readonly string[], path: string): number[] =>
  names.map((name) => {
    const place = tracked.indexOf(name);
    if (place >= 0) return place;
    throw new InputError(
      `${path} labels "${name}" but the tracks have ${tracked.join(', ')}. Label points of these names.`,
    );
  });

/** @throws InputError for labels of frames that were not tracked */
const checkFrames = ({ frames }: Labels, count: number, path: string): void => {
  const beyond = frames.find(({ frame }) => frame >= count);
  if (beyond === undefined) return;
  throw new InputError(
    `${path} labels frame ${beyond.frame} but the tracks have ${count} frames, counted from 0. Give the tracks of the video that was labelled.`,
  );
};

export const run = createRun(command, async ({ values }) => {
  const { video, worst } = values;
  if (worst !== undefined && video === undefined) {
    throw new UsageError('--worst needs the frames: give --video, too. See "dve eval points --help".');
  }
  const { landmarks, width, height } = await readJsonObject(values.tracks, 'Give what "dve track" wrote.');
  if (!Array.isArray(landmarks) || typeof width !== 'number' || typeof height !== 'number') {
    throw new InputError(
      `${values.tracks} does not say landmarks, width and height. Give a file that "dve track --out FILE.json" wrote.`,
    );
  }
  const tracks = await readTracks(values.tracks, landmarks.length);
  const isFolder = video !== undefined && (await stat(video).catch(() => undefined))?.isDirectory() === true;
  const pictures = isFolder ? await listFramePictures(video) : undefined;
  const frameOf = (picture: string): number | undefined => {
    const index = indexOfName(pictures ?? [], picture);
    return index < 0 ? undefined : index;
  };
  const labels = await readLabels(values.points, {
    size: { width, height },
    ...(pictures && { frameOf }),
    ...(video !== undefined && { video }),
  });
  checkFrames(labels, tracks.length, values.points);
  const places = placesOf(labels.names, landmarks as string[], values.points);
  const chosen = tracks.map((points) => points && places.map((place) => points[place]));
  const report = evaluatePoints(chosen, labels.frames);
  if (worst !== undefined && video !== undefined) {
    const byFrame = new Map(labels.frames.map((label) => [label.frame, label]));
    const shown = report.worst
      .slice(0, values.count)
      .flatMap(({ frame }): LabelledFrame[] => [byFrame.get(frame) ?? { frame, points: [] }]);
    const written = await writeWorstFrames(video, worst, shown, chosen);
    printNote(`the worst ${written.length} frames are in ${worst}: labels green, tracked points red`);
  }
  const perPoint = printPerPoint(labels.names, report.points, values.json);
  const worstFrames = report.worst.slice(0, 3).map(({ frame }) => frame);
  printResult(
    {
      frames: report.frames,
      ...pointFigures(report),
      worst_frames: values.json ? worstFrames : worstFrames.join(', '),
      ...(values.json ? { per_point: perPoint } : {}),
    },
    values.json,
  );
});

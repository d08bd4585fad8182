import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { readText } from '../files-node/read-text.ts';
import type { Runtime } from '../model/model.ts';
import { loadNodeRuntime } from '../model/runtime-node.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { defaultConfig, parseConfig, showConfig } from '../train/settings/config.ts';
import { mostVideosOfOne, singleObjectConfig } from '../train/settings/single-object.ts';
import { listVideos } from '../media-node/open-video.ts';
import { readCheckpoint } from '../train-node/checkpoint.ts';
import { parseJsonc } from '../train/settings/jsonc.ts';
import type { RigInput } from '../train-node/rig-pool.ts';
import { runTraining } from '../train-node/run.ts';
import { isExported } from '../train-node/start-weights.ts';
import { readModelDirectory } from '../model/model-directory-node.ts';
import type { StepReport } from '../train/trainer.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { resultOptions } from './model-options.ts';
import { createProgress, printNote, printResult, round } from './output.ts';
import { completePictures, readPointsFile, stillPictures } from './read-points.ts';
import { createSkipLog } from './skipped.ts';
import { createTrainingEvaluation } from './training-evaluation.ts';
import {
  createVideoReporter,
  initFile,
  joinRoi,
  printRound,
  videoInput,
  videoOptions,
} from './training-videos.ts';

export const summary = 'Train an embedding network on unlabelled pictures and videos.';

const command = defineCommand({
  name: 'dve train',
  about:
    'Trains a network on unlabelled pictures or videos of one kind of object and writes a model directory: model.onnx,\nmanifest.json, checkpoint.bin, metrics.jsonl. Stopped by Ctrl-C or killed, it goes on with --resume.',
  options: {
    images: { type: 'string', placeholder: 'DIR', describe: 'Folder of pictures.' },
    ...videoOptions,
    annotations: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Landmarks of some of the pictures (JSON): pulls them together, too.',
    },
    out: { type: 'string', placeholder: 'MODEL_DIR', describe: 'Model directory to write (required).' },
    config: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Settings, JSON with comments; see --print-config.',
    },
    steps: { type: 'integer', placeholder: 'N', minimum: 1, describe: 'Steps, instead of the config’s.' },
    instances: {
      type: 'choice',
      choices: ['one', 'many'],
      describe:
        'Whether the data show one single object or many of its kind: chooses defaults. Default: one for up to 12 videos alone.',
    },
    init: {
      type: 'string',
      placeholder: 'MODEL_DIR|FILE',
      describe: 'Start from the weights of another training’s checkpoint, or of its model.onnx.',
    },
    meshes: {
      type: 'string',
      placeholder: 'FILE',
      describe: '3-D points of the pictures (JSON): adds out-of-plane views.',
    },
    rig: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'A rig of the object: adds views of the pictures from other sides, in other expressions.',
    },
    'rig-points': {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Points of the rig’s landmarks in some of the pictures (JSON); with --rig.',
    },
    resume: { type: 'flag', describe: 'Go on from the checkpoint in MODEL_DIR.' },
    evaluate: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Annotated faces (landmarks.json) to measure on now and then; never trained on.',
    },
    device: {
      type: 'choice',
      choices: ['cpu', 'wasm'],
      describe: 'onnxruntime-node or onnxruntime-web (default: cpu where it is installed).',
    },
    threads: { type: 'integer', placeholder: 'N', minimum: 1, describe: 'Threads of ONNX Runtime.' },
    workers: {
      type: 'integer',
      placeholder: 'N',
      default: 1,
      minimum: 1,
      describe: 'Threads that prepare data.',
    },
    'print-config': { type: 'flag', describe: 'Print the settings with comments and stop.' },
    ...resultOptions,
  },
});

const readConfig = async (file: string | undefined): Promise<Record<string, unknown>> => {
  if (file === undefined) return {};
  let text: string;
  try {
    text = await readText(file);
  } catch {
    throw new InputError(`The config ${file} cannot be read. Give an existing JSON file.`);
  }
  let parsed: unknown;
  try {
    parsed = parseJsonc(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(
      `The config ${file} is not JSON (${reason}). "dve train --print-config" prints a valid one.`,
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new InputError(
      `The config ${file} has to be one JSON object. "dve train --print-config" prints a valid one.`,
    );
  }
  return { ...parsed };
};

/** What is known of the training that a file for `--init` comes from. */
const settingsOf = async (init: string): Promise<Partial<TrainingConfig>> => {
  if (!isExported(init)) return (await readCheckpoint(init)).config;
  const { category } = (await readModelDirectory(dirname(init))).manifest;
  return { category };
};

/** What decides which defaults suit the data. */
type DataValues = {
  images: string | undefined;
  videos: string | undefined;
  init: string | undefined;
  instances: 'one' | 'many' | undefined;
};

/** Whether one single object is shown: by few videos and nothing else, unless somebody says. */
const isSingleObject = async ({ images, videos, init, instances }: DataValues): Promise<boolean> => {
  if (instances !== undefined) return instances === 'one';
  if (images !== undefined || videos === undefined || init !== undefined) return false;
  return (await listVideos(videos)).videos.length <= mostVideosOfOne;
};

/**
 * The settings of `--config`, completed by what suits the data; those of the training whose weights are taken stand in for
 * its defaults.
 */
const chooseConfig = async (
  init: string | undefined,
  file: string | undefined,
  steps: number | undefined,
  isSingle: boolean,
): Promise<TrainingConfig> => {
  // The weights fit into their own network only, so that is the default.
  const { network, category } = init === undefined ? {} : await settingsOf(init);
  const given = {
    ...(network && { network }),
    ...(category !== undefined && { category }),
    ...(await readConfig(file)),
    ...(steps !== undefined && { steps }),
  };
  return parseConfig(given, 'config', isSingle ? singleObjectConfig : defaultConfig);
};

/** Which defaults were chosen, in one line. */
const describeChoice = (
  isSingle: boolean,
  { steps, loss, batch: { geometric }, network: { embeddingSize } }: TrainingConfig,
): string =>
  isSingle
    ? `settings for one single object: ${steps} steps, a network of ${embeddingSize} channels, views turned by ±${geometric.rotationSd}°, exchange ${loss.exchange}; --instances many for videos of several`
    : `settings for many instances: ${steps} steps, a network of ${embeddingSize} channels, views turned by ±${geometric.rotationSd}°, exchange ${loss.exchange}`;

/** @throws UsageError for a rig without points or pictures, or points without a rig */
const rigInput = async (values: {
  images: string | undefined;
  rig: string | undefined;
  'rig-points': string | undefined;
}): Promise<RigInput | undefined> => {
  const { images, rig, 'rig-points': points } = values;
  if (rig === undefined && points === undefined) return undefined;
  if (rig === undefined || points === undefined || images === undefined) {
    const missing = rig === undefined ? '--rig' : points === undefined ? '--rig-points' : '--images';
    throw new UsageError(
      `Missing ${missing}: a rig is fitted to points of pictures. See "dve train --help".`,
    );
  }
  return { folder: rig, pictures: completePictures(points, (await readPointsFile(points)).pictures) };
};

const formatTime = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60);
  return minutes >= 60
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${minutes} min ${Math.round(seconds % 60)} s`;
};

/** A line now and then: often enough to see that it lives, rarely enough to read. */
const createReporter = (steps: number): ((report: StepReport) => void) => {
  let shown = -Infinity;
  let sum = 0;
  let count = 0;
  return ({ step, loss, annotatedLoss, picturesPerSecond, busy, secondsLeft }) => {
    sum += loss;
    count += 1;
    const now = Date.now();
    if (step < steps && now - shown < 5000) return;
    shown = now;
    printNote(
      `step ${step}/${steps}  loss ${(sum / count).toFixed(4)}  ` +
        (annotatedLoss === undefined ? '' : `annotated ${annotatedLoss.toFixed(4)}  `) +
        `${picturesPerSecond.toFixed(0)} pictures/s  ` +
        `${(100 * busy).toFixed(0)} % in ONNX Runtime  ${formatTime(secondsLeft)} left`,
    );
    sum = 0;
    count = 0;
  };
};

const chooseRuntime = async (
  device: 'cpu' | 'wasm' | undefined,
  threads: number | undefined,
): Promise<Runtime> => {
  const runtime = await loadNodeRuntime({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  if (runtime.device === 'wasm') {
    printNote(
      'Training on onnxruntime-web (wasm), about 2.5 times slower: onnxruntime-node is not installed or not asked for.',
    );
  }
  return runtime;
};

/** Ctrl-C and a polite kill end the training after its step, with everything written. */
const stopOnSignals = (): { signal: AbortSignal; release: () => void } => {
  const abort = new AbortController();
  const stop = (): void => {
    printNote('stopping after this step; go on with --resume');
    abort.abort();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return {
    signal: abort.signal,
    release: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
};

const runWith = createRun(command, async ({ values }) => {
  const init = values.init === undefined ? undefined : await initFile(values.init);
  if (values['print-config']) {
    const isSingle = await isSingleObject(values);
    console.log(showConfig(await chooseConfig(init, values.config, values.steps, isSingle)));
    return;
  }
  const { images, out } = values;
  const videos = videoInput(values);
  if (out === undefined || (images === undefined && videos === undefined)) {
    const missing = out === undefined ? '--out' : '--images or --videos';
    throw new UsageError(`Missing ${missing}. See "dve train --help".`);
  }
  const isSingle = await isSingleObject(values);
  const config = await chooseConfig(init, values.config, values.steps, isSingle);
  if (videos !== undefined || values.instances !== undefined) printNote(describeChoice(isSingle, config));
  const rig = await rigInput(values);
  const runtime = await chooseRuntime(values.device, values.threads);
  const skipLog = createSkipLog();
  const evaluate =
    values.evaluate === undefined
      ? undefined
      : await createTrainingEvaluation(values.evaluate, config, runtime, skipLog.onSkip);
  let lastLoss: number | undefined;
  let files = { pictures: 0, videos: 0, skipped: 0 };
  const report = createReporter(config.steps);
  const stop = stopOnSignals();
  try {
    const outcome = await runTraining({
      config,
      ...(images !== undefined && { images }),
      ...(videos && { videos }),
      ...(values.annotations !== undefined && {
        annotations: stillPictures(values.annotations, (await readPointsFile(values.annotations)).pictures),
      }),
      out,
      ...(values.meshes !== undefined && { meshes: values.meshes }),
      ...(rig && { rig, onRigProgress: createProgress('views') }),
      ...(init !== undefined && { init }),
      resume: values.resume,
      runtime,
      workers: values.workers,
      signal: stop.signal,
      onSkip: skipLog.onSkip,
      onWarning: printNote,
      onVideoProgress: createVideoReporter(),
      onRound: printRound,
      onStart: ({ pictures, annotated, videos: videoCount, skipped, parameters, step }) => {
        files = { pictures, videos: videoCount, skipped };
        printNote(
          `${pictures} pictures${annotated > 0 ? ` (${annotated} annotated)` : ''}, ${videoCount} videos (${skipped} files skipped), ${config.network.kind} with ${parameters} parameters, from step ${step}`,
        );
      },
      onStep: (result) => {
        lastLoss = result.loss;
        report(result);
      },
      ...(evaluate && { evaluate }),
      onEvaluated: (step, figures) => {
        const text = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(3)}`);
        printNote(`evaluation at step ${step}: ${text.join('  ')}`);
      },
    });
    skipLog.finish();
    printNote(`wrote ${join(out, 'model.onnx')}`);
    printResult(
      {
        step: outcome.step,
        // A training that is resumed at its end takes no step.
        ...(lastLoss !== undefined && { loss: lastLoss }),
        ...{ busy: round(outcome.busy, 3), ...files, out },
      },
      values.json,
    );
  } finally {
    stop.release();
  }
});

export const run = (argv: string[]): Promise<void> => runWith(joinRoi(argv));

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RegionMode } from '../train/search/rounds.ts';
import { checkpointName } from '../train-node/run.ts';
import type { RoundReport, VideoInput } from '../train-node/training-data.ts';
import type { VideoProgress } from '../train-node/video-rounds.ts';
import { modelFileNames } from '../model/model-directory-node.ts';
import { UsageError } from './arguments.ts';
import { printNote } from './output.ts';

/** Options of `dve train` that are about videos. */
export const videoOptions = {
  videos: { type: 'string', placeholder: 'DIR', describe: 'Folder of unlabelled videos.' },
  roi: {
    type: 'string',
    placeholder: 'full|boxes FILE|self',
    describe: 'What of the frames: all, boxes of a JSON file, or where the network finds the object.',
    default: 'full',
  },
  'flow-cache': {
    type: 'string',
    placeholder: 'DIR',
    describe: 'Where optical flow is kept (default: MODEL_DIR/flow-cache).',
  },
} as const;

/** `--roi boxes FILE` as one value: elsewhere an option has one. */
export const joinRoi = (argv: readonly string[]): string[] => {
  const at = argv.indexOf('--roi');
  if (at < 0 || argv[at + 1] !== 'boxes' || at + 2 >= argv.length) return [...argv];
  return [...argv.slice(0, at + 1), `boxes ${argv[at + 2]}`, ...argv.slice(at + 3)];
};

/** @throws UsageError for anything else than `full`, `boxes FILE` and `self` */
const parseRoi = (text: string): RegionMode => {
  if (text === 'full' || text === 'self') return { kind: text };
  const file = /^boxes[ =:](.+)$/.exec(text)?.[1];
  if (file !== undefined) return { kind: 'boxes', file };
  throw new UsageError(`--roi is full, boxes FILE or self, not "${text}". See "dve train --help".`);
};

export const videoInput = (values: {
  videos: string | undefined;
  roi: string;
  'flow-cache': string | undefined;
}): VideoInput | undefined => {
  const mode = parseRoi(values.roi);
  if (values.videos === undefined) {
    if (mode.kind === 'full') return undefined;
    throw new UsageError(`--roi ${mode.kind} is about videos, and there are none. Give --videos, too.`);
  }
  const cache = values['flow-cache'];
  return { folder: values.videos, mode, ...(cache !== undefined && { cache }) };
};

/** The file behind `--init`: one that is named, or in a model directory its checkpoint, else its network. */
export const initFile = async (path: string): Promise<string> => {
  const kind = async (file: string): Promise<'folder' | 'file' | 'nothing'> =>
    stat(file).then(
      (found) => (found.isDirectory() ? 'folder' : 'file'),
      () => 'nothing',
    );
  if ((await kind(path)) === 'file') return path;
  const [checkpoint, network] = [join(path, checkpointName), join(path, modelFileNames.model)];
  // Where there is neither, the message is about the checkpoint.
  return (await kind(checkpoint)) === 'nothing' && (await kind(network)) === 'file' ? network : checkpoint;
};

const percent = (part: number, whole: number): string =>
  `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(0)} %`;

/** A line now and then, and one for the last video of each phase. */
export const createVideoReporter = (): ((progress: VideoProgress) => void) => {
  let shown = -Infinity;
  return ({ phase, done, total, found }) => {
    const now = Date.now();
    if (done < total && now - shown < 5000) return;
    shown = now;
    const what = phase === 'searching' ? `searching the object: found in ${found} frames` : `${found} pairs`;
    printNote(`videos ${done}/${total}  ${what}`);
  };
};

/** @param told pairs in which the object was told from its background */
const describeBackdrops = (told: number, pairs: number): string =>
  told === 0
    ? 'nothing was told from its background by motion: all pairs are shown before their own'
    : `the object was told from its background by motion in ${told} of ${pairs} pairs: these are also shown before other backgrounds (videos.backdrops)`;

export const printRound = ({ index, round, pairs, recordings, held, search }: RoundReport): void => {
  if (search?.landmarks === 0) {
    printNote(`round ${index}: the network does not recognise the object well enough yet to search for it`);
  } else if (search) {
    printNote(
      `round ${index}: object found in ${search.found} of ${search.frames} frames (${percent(search.found, search.frames)}), in ${search.videos} videos, by ${search.landmarks} landmarks of its own`,
    );
  }
  const flows = pairs.hits + pairs.misses;
  printNote(
    `round ${index} (steps ${round.from} to ${round.to}): ${pairs.pairs} pairs of ${pairs.videos} videos (${recordings} recordings${held > 0 ? `; the last frames of ${held} of them are kept for the report` : ''}) in ${pairs.seconds.toFixed(1)} s; ` +
      `${percent(pairs.hits, flows)} of ${flows} flows were known; ${pairs.broken} videos broken; ` +
      `${pairs.tooStill} frames too still, ${pairs.tooFar} with too much motion`,
  );
  if (pairs.told !== undefined && pairs.pairs > 0) printNote(describeBackdrops(pairs.told, pairs.pairs));
  if (recordings === 1) {
    printNote('all pairs come from one recording: nothing in them says what other instances look like');
  }
};

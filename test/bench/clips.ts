/**
 * The clips of the evaluation folder, by the commands that users have: `dve track` on each at its defaults, and the
 * figures of `dve eval tracks` against the pseudo-labels beside it, with what is wanted of them.
 *
 *     npx tsx test/bench/clips.ts [--model DIR] [--precision fp32|int8] [--clips NAME,NAME] [--json]
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { ibugPointCount } from '../../src/landmarks/point-sets.ts';
import { compareTracks, type TrackAccuracy } from '../../src/evaluation/track-accuracy.ts';
import { readTracks } from '../../src/cli/track-file.ts';
import { followedOpening, lips } from './mouth.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const folder = join(data, 'eval', 'videos');

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    precision: { type: 'string', default: 'fp32' },
    clips: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** What is wanted of every clip. Shares, but `first`: frames. */
const wanted = { first: 15, tracked: 0.98, mean: 0.05 };
/** The singer bows and hides the face: tracked less often, but then in the right place. */
const wantedOfSinger = { ...wanted, tracked: 0.85, right: 0.98 };

/** Why a clip misses what is wanted of it; empty where it does not. */
const missesOf = (clip: string, result: TrackAccuracy): string[] => {
  const limits = clip === 'singer' ? wantedOfSinger : { ...wanted, right: 0 };
  return [
    ...(result.first >= 0 && result.first < limits.first ? [] : ['found late']),
    ...(result.trackedShare >= limits.tracked ? [] : ['tracked']),
    ...(result.rightShare >= limits.right ? [] : ['right']),
    ...(result.meanError <= limits.mean ? [] : ['mean']),
    ...(result.jumps === 0 ? [] : ['jumps']),
  ];
};

const trackClip = async (clip: string, out: string): Promise<void> => {
  await promisify(execFile)(process.execPath, [
    ...['--import', 'tsx', join(root, 'src', 'cli', 'main.ts'), 'track', join(folder, `${clip}.mp4`)],
    ...['--model', given.model, '--precision', given.precision, '--out', out],
  ]);
};

/** With how much of the mouth's opening the landmarks of the inner and of the outer lips go along, shares. */
type Mouth = { inner: number; outer: number };

const measure = async (clip: string, work: string): Promise<TrackAccuracy & { mouth: Mouth }> => {
  const tracks = join(work, `${clip}.json`);
  await trackClip(clip, tracks);
  const track = await readTracks(tracks, ibugPointCount);
  const truth = await readTracks(join(folder, `${clip}.mediapipe.json`), ibugPointCount);
  const mouth = {
    inner: followedOpening(track, truth, lips.inner),
    outer: followedOpening(track, truth, lips.outer),
  };
  return { ...compareTracks(track, truth), mouth };
};

const percent = (share: number, digits = 1): string => (100 * share).toFixed(digits);

const columns = [
  ...['clip', 'frames', 'first', 'tracked %', 'right %', 'mean', 'median', 'jitter', 'inner', 'outer'],
  'jumps',
];

const printRow = (cells: readonly string[]): void => {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(8) : cell.padStart(10))).join(''));
};

const main = async (): Promise<void> => {
  const clips =
    given.clips?.split(',') ??
    readdirSync(folder).flatMap((name) => (name.endsWith('.mp4') ? [name.slice(0, -4)] : []));
  const work = mkdtempSync(join(tmpdir(), 'dve-clips-'));
  const report: Record<string, Record<string, unknown>> = {};
  try {
    if (!given.json) printRow(columns);
    for (const clip of clips) {
      const result = await measure(clip, work);
      const misses = missesOf(clip, result);
      const { frames, first, trackedShare, rightShare, meanError, medianError, jitter, jumps, mouth } =
        result;
      report[clip] = {
        ...{ frames, first, tracked_share: trackedShare, right_share: rightShare },
        ...{ mean_iod: 100 * meanError, median_iod: 100 * medianError, jitter: 100 * jitter },
        ...{ mouth_inner: mouth.inner, mouth_outer: mouth.outer, jumps, misses },
      };
      if (given.json) continue;
      const errors = [meanError, medianError, jitter].map((share) => percent(share, 2));
      printRow([
        ...[clip, String(frames), String(first), percent(trackedShare), percent(rightShare)],
        ...[...errors, mouth.inner.toFixed(2), mouth.outer.toFixed(2)],
        ...[String(jumps), misses.length === 0 ? '' : `  misses: ${misses.join(', ')}`],
      ]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (given.json) {
    console.log(JSON.stringify(report));
    return;
  }
  const { first, tracked, mean } = wanted;
  console.log(
    `\nDistances in % IOD; inner and outer: how much of the mouth's opening these lips go along with. Wanted: found within ${first} frames, tracked ≥ ${percent(tracked, 0)} % (singer ${percent(wantedOfSinger.tracked, 0)} %, right place ≥ ${percent(wantedOfSinger.right, 0)} %), mean ≤ ${percent(mean, 0)}, no jump.`,
  );
};

if (existsSync(folder)) await main();
else {
  console.error(`The clips are not there: ${folder}. Set DVE_DATA.`);
  process.exitCode = 1;
}

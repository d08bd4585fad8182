/** What all benches of objects do: the project's own commands, and a table of what came of them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  evaluatePoints,
  type LabelledFrame,
  type PointFigures,
} from '../../../src/evaluation/evaluate-points.ts';
import type { Point } from '../../../src/geometry/coordinates.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs `dve` and gives what its `--json` printed. */
export const dve = async (...options: string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts'), ...options, '--json'],
    { cwd: root, maxBuffer: 1e9 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
};

/** Tracks of one method over one or more clips, beside their labels. */
export type Followed = {
  tracks: readonly (readonly Point[] | undefined)[];
  labels: readonly LabelledFrame[];
};

/** Clips one after the other as one: their figures are over all points of all of them. */
export const together = (clips: readonly Followed[]): Followed => {
  let offset = 0;
  const tracks: (readonly Point[] | undefined)[] = [];
  const labels: LabelledFrame[] = [];
  for (const clip of clips) {
    tracks.push(...clip.tracks);
    labels.push(...clip.labels.map(({ frame, points }) => ({ frame: frame + offset, points })));
    offset += clip.tracks.length;
  }
  return { tracks, labels };
};

const percent = (share: number): string => (100 * share).toFixed(1);

const cells = ({ tracked, medianPixels, pck05, pck10 }: PointFigures): string[] => [
  percent(tracked),
  Number.isNaN(medianPixels) ? '–' : medianPixels.toFixed(1),
  percent(pck05),
  percent(pck10),
];

export const printHead = (names: readonly string[]): void => {
  // Of long names the end: that is where joints differ.
  const columns = ['tracked %', 'median px', 'PCK@0.05', 'PCK@0.1', ...names];
  console.log(`${''.padEnd(34)}${columns.map((column) => column.slice(-10).padStart(11)).join('')}`);
};

/** One line: figures over all points, then PCK@0.1 of each. */
export const printFollowed = (label: string, { tracks, labels }: Followed): Record<string, unknown> => {
  const report = evaluatePoints(tracks, labels);
  const row = [...cells(report), ...report.points.map(({ pck10 }) => percent(pck10))];
  console.log(`${label.padEnd(34)}${row.map((cell) => cell.padStart(11)).join('')}`);
  return {
    tracked: report.tracked,
    median_pixels: report.medianPixels,
    pck05: report.pck05,
    pck10: report.pck10,
    points: report.points.map(({ pck10 }) => pck10),
  };
};

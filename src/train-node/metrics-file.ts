/** `metrics.jsonl`: one line a step, an evaluation or a round of videos. */
import { readFile } from 'node:fs/promises';
import { appendToFile, writeFileAtomic } from '../files-node/atomic-file.ts';
import type { StepReport } from '../train/trainer.ts';
import type { MetricsLine } from './report.ts';
import type { RoundReport } from './training-data.ts';

export type MetricsFile = {
  /** Adds a line, which {@link MetricsFile.flush} writes. */ record(line: MetricsLine): void;
  flush(): Promise<void>;
};

/** Lines up to a step; those after it belong to steps that will be done again. */
const keepLines = async (path: string, step: number): Promise<void> => {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // The first run of this directory.
  }
  const kept = text.split('\n').filter((line) => {
    if (line === '') return false;
    try {
      return (JSON.parse(line) as { step: number }).step <= step;
    } catch {
      // Half a line from when the last run was killed.
      return false;
    }
  });
  await writeFileAtomic(path, kept.length > 0 ? `${kept.join('\n')}\n` : '');
};

/** @param step steps done: what the file says of later ones is taken out */
export const openMetrics = async (path: string, step: number): Promise<MetricsFile> => {
  await keepLines(path, step);
  let lines: string[] = [];
  return {
    record: (line) => {
      lines.push(`${JSON.stringify(line)}\n`);
    },
    flush: async () => {
      const text = lines.join('');
      lines = [];
      if (text !== '') await appendToFile(path, text);
    },
  };
};

const significant = (value: number): number => Number(value.toPrecision(6));

/** What the metrics say of a step. */
export const stepFigures = (report: StepReport): MetricsLine => ({
  step: report.step,
  loss: significant(report.loss),
  ...(report.annotatedLoss !== undefined && { annotated_loss: significant(report.annotatedLoss) }),
  gradient_norm: significant(report.gradientNorm),
  learning_rate: significant(report.learningRate),
  pictures_per_second: significant(report.picturesPerSecond),
  busy: significant(report.busy),
});

/** What the metrics say of a round's videos. The line belongs to its first step, so that a resumed training writes it once. */
export const roundFigures = ({ index, round, pairs, recordings, search }: RoundReport): MetricsLine => ({
  step: round.from + 1,
  round: index,
  video_pairs: pairs.pairs,
  videos: pairs.videos,
  recordings,
  broken_videos: pairs.broken,
  ...(search && {
    localisation_rate: search.frames === 0 ? 0 : significant(search.found / search.frames),
    localised_frames: search.found,
    searched_frames: search.frames,
  }),
});

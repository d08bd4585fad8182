import type { TrackingResult, TrackResult, TrackStats } from 'dve-sdk';
import { page } from './page.ts';

const stageNames = { search: 'Search', crop: 'Crop', match: 'Network', filter: 'Smooth' } as const;
type Stage = keyof typeof stageNames;
const stages = Object.keys(stageNames) as Stage[];

/** Follows a figure that jumps from frame to frame. */
const average = (weight = 0.1) => {
  let value: number | undefined;
  return {
    add: (next: number): number => (value = value === undefined ? next : value + weight * (next - value)),
    get: (): number | undefined => value,
  };
};

const milliseconds = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

const meanConfidence = ({ landmarks }: TrackingResult): number =>
  landmarks.reduce((sum, { confidence }) => sum + confidence, 0) / landmarks.length;

export type Figures = { add(result: TrackResult, stats: TrackStats): void; clear(): void };

const stageRow = (stage: Stage): { row: HTMLElement; bar: HTMLElement; value: HTMLElement } => {
  const row = document.createElement('div');
  const [bar, value] = [document.createElement('i'), document.createElement('b')];
  row.append(stageNames[stage], bar, value);
  return { row, bar, value };
};

/** Figures of the running source. Written four times a second, so that one can read them. */
export const createFigures = (): Figures => {
  const rows = Object.fromEntries(stages.map((stage) => [stage, stageRow(stage)])) as Record<
    Stage,
    ReturnType<typeof stageRow>
  >;
  page.stages.replaceChildren(...stages.map((stage) => rows[stage].row));

  let arrivals: number[] = [];
  let latency = average();
  let confidence = average();
  let times = Object.fromEntries(stages.map((stage) => [stage, average()])) as Record<
    Stage,
    ReturnType<typeof average>
  >;
  let written = 0;

  const clear = (): void => {
    arrivals = [];
    latency = average();
    confidence = average();
    times = Object.fromEntries(stages.map((stage) => [stage, average()])) as typeof times;
    for (const field of [
      page.fps,
      page.latency,
      page.confidence,
      page.device,
      page.first,
      page.size,
      page.dropped,
    ]) {
      field.textContent = '–';
    }
    for (const { bar, value } of Object.values(rows)) {
      bar.style.setProperty('--share', '0%');
      value.textContent = '–';
    }
  };

  const write = (result: TrackResult, stats: TrackStats, now: number): void => {
    const span = now - arrivals[0];
    page.fps.textContent = span > 0 ? ((1000 * (arrivals.length - 1)) / span).toFixed(0) : '–';
    page.latency.textContent = milliseconds(latency.get() ?? 0);
    const sure = confidence.get();
    page.confidence.textContent =
      result.status === 'tracking' && sure !== undefined ? (100 * sure).toFixed(0) : '–';
    const total = stages.reduce((sum, stage) => sum + (times[stage].get() ?? 0), 0);
    for (const stage of stages) {
      const time = times[stage].get() ?? 0;
      rows[stage].bar.style.setProperty('--share', `${total > 0 ? (100 * time) / total : 0}%`);
      rows[stage].value.textContent = `${milliseconds(time)} ms`;
    }
    page.first.textContent =
      stats.firstResult === undefined ? '–' : `${(stats.firstResult / 1000).toFixed(2)} s`;
    page.size.textContent = `${result.width} × ${result.height}`;
    page.dropped.textContent = `${stats.framesDropped} of ${stats.framesSeen}`;
  };

  clear();
  return {
    clear,
    add: (result, stats) => {
      const now = performance.now();
      arrivals.push(now);
      while (now - arrivals[0] > 2000) arrivals.shift();
      latency.add(stats.roundTrip);
      if (result.status === 'tracking') confidence.add(meanConfidence(result));
      for (const stage of stages) times[stage].add(stats.timing[stage]);
      if (now - written < 250) return;
      written = now;
      write(result, stats, now);
    },
  };
};

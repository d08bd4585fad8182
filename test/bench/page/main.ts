import {
  measureFirstResult,
  measureSearch,
  openLandmarker,
  openNetwork,
  openSdk,
  type Contender,
  type SearchReport,
} from './contenders.ts';

export type BenchSettings = {
  rounds: number;
  framesPerRound: number;
  frames: number;
  width: number;
  height: number;
};

export type ContenderReport = {
  name: string;
  /** Milliseconds. */ startup: number;
  median: number;
  min: number;
  /** Medians per stage, milliseconds. */ stages: Record<string, number>;
};

export type BenchReport = {
  isolated: boolean;
  contenders: ContenderReport[];
  search: Record<'localizer' | 'mediapipe', SearchReport>;
  /** Median, milliseconds from `track()` to the first landmarks. */ firstResult: number;
};

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The clip as I420 frames, which is what cameras give. @returns makes frame i; it goes round */
const loadClip = async ({ frames, width, height }: BenchSettings) => {
  const bytes = new Uint8Array(await (await fetch('/clip/frames.i420')).arrayBuffer());
  const frameBytes = (width * height * 3) / 2;
  return (index: number): VideoFrame => {
    const at = index % frames;
    return new VideoFrame(bytes.subarray(at * frameBytes, (at + 1) * frameBytes), {
      format: 'I420',
      codedWidth: width,
      codedHeight: height,
      timestamp: Math.round((index * 1e6) / 30),
    });
  };
};

const openAll = async (): Promise<Contender[]> => {
  const openers = [
    () => openSdk('int8'),
    () => openSdk('fp32'),
    openLandmarker,
    () => openNetwork('int8'),
    () => openNetwork('fp32'),
  ];
  const contenders: Contender[] = [];
  for (const open of openers) {
    // The first time fills the browser's caches; the second is what is told.
    (await open()).close();
    contenders.push(await open());
  }
  return contenders;
};

const bench = async (settings: BenchSettings): Promise<BenchReport> => {
  const frame = await loadClip(settings);
  const contenders = await openAll();
  const times = contenders.map((): number[] => []);
  const stages = contenders.map((): Record<string, number[]> => ({}));
  // Short rounds that alternate, so that whatever else the machine does falls on all alike. The first warms up.
  for (let round = 0; round <= settings.rounds; round++) {
    for (const [which, contender] of contenders.entries()) {
      for (let i = 0; i < settings.framesPerRound; i++) {
        const index = round * settings.framesPerRound + i;
        const ms = await contender.run(frame(index), index);
        if (round === 0) continue;
        times[which].push(ms);
        for (const [stage, value] of Object.entries(contender.stages?.() ?? {})) {
          (stages[which][stage] ??= []).push(value);
        }
      }
    }
  }
  for (const contender of contenders) contender.close();
  return {
    isolated: crossOriginIsolated,
    contenders: contenders.map(({ name, startup }, which) => ({
      name,
      startup,
      median: median(times[which]),
      min: Math.min(...times[which]),
      stages: Object.fromEntries(
        Object.entries(stages[which]).map(([stage, values]) => [stage, median(values)]),
      ),
    })),
    search: {
      localizer: await measureSearch('localizer', frame, 5),
      mediapipe: await measureSearch('mediapipe', frame, 5),
    },
    firstResult: median(await measureFirstResult(frame, 5)),
  };
};

Object.assign(globalThis, { bench });

import { fileURLToPath } from 'node:url';
import type { Browser, CDPSession, Page } from 'playwright';
import { createRandom } from '../../src/augment/random.ts';
import { fixtureFolder } from '../fixtures/setup.ts';
import { serveFiles } from '../fixtures/serve.ts';
import { watchContext, type PageWatch } from '../package/consumer.ts';
import { emptyReport, type StressReport } from './report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A page that tracks the discs of the blob scene, and does to the tracking what it is told to. */
const script = `
import { DveError, Tracker, track } from '/dist/index.js';

const model = '/fixtures/blobs/';
const canvas = new OffscreenCanvas(160, 120);
const context = canvas.getContext('2d', { willReadFrequently: true });
const discs = [
  [0.25, 0.3, '#e61e1e'], [0.72, 0.27, '#1ec81e'], [0.5, 0.52, '#1e1ee6'],
  [0.3, 0.74, '#dcdc14'], [0.68, 0.76, '#dc14dc'], [0.8, 0.52, '#14d2d2'],
];
const placeAt = (seconds) => ({ x: 40 + 8 * Math.sin(seconds), y: 20 + 6 * Math.cos(1.3 * seconds) });
const draw = (seconds) => {
  const { x, y } = placeAt(seconds);
  context.fillStyle = '#808080';
  context.fillRect(0, 0, 160, 120);
  for (const [u, v, color] of discs) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(x + 80 * u, y + 80 * v, 6, 0, 7);
    context.fill();
  }
  return canvas;
};

const state = { sourcesOpen: 0 };
async function* frames(count) {
  state.sourcesOpen++;
  try {
    for (let i = 0; i < count; i++) {
      yield { image: draw(i / 30), timestamp: i / 30 };
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    state.sourcesOpen--;
  }
}

/** Aborts after some milliseconds, whatever is done then. @returns how it ended */
const abortAfter = async (milliseconds) => {
  const abort = new AbortController();
  const reason = new Error('stop');
  setTimeout(() => abort.abort(reason), milliseconds);
  try {
    for await (const result of track(frames(Infinity), { model, signal: abort.signal })) void result;
    return 'it ended by itself';
  } catch (error) {
    if (error === reason) return undefined;
    return (error instanceof DveError ? 'another error than the reason: ' : 'untyped: ') + error;
  }
};

/** Creates a tracker, uses it and closes it. */
const cycle = async () => {
  const tracker = await Tracker.create({ model });
  try {
    for (let i = 0; i < 4; i++) await tracker.step(draw(i / 30), i / 30);
  } finally {
    await tracker.close();
  }
  try {
    await tracker.step(draw(0), 0);
    return 'a closed tracker took a frame';
  } catch (error) {
    return error instanceof DveError ? undefined : 'untyped: ' + error;
  }
};

const soak = { running: false, frames: 0, problems: [] };
const startSoak = async () => {
  soak.running = true;
  let last = -1;
  for await (const result of track(frames(Infinity), { model, smoothing: false })) {
    if (!soak.running) break;
    soak.frames++;
    const say = (problem) => soak.problems.length < 5 && soak.problems.push('frame ' + soak.frames + ': ' + problem);
    if (!(result.timestamp > last)) say('time ' + result.timestamp + ' after ' + last);
    last = result.timestamp;
    if (result.status !== 'tracking') {
      if (soak.frames > 5) say(result.status);
      continue;
    }
    const { x, y } = placeAt(result.timestamp);
    const off = Math.max(...discs.map(([u, v], i) => {
      const { raw } = result.landmarks[i];
      return Math.hypot(raw.x - x - 80 * u, raw.y - y - 80 * v);
    }));
    if (!(off < 2.5)) say('a landmark is off by ' + off);
  }
};
globalThis.stress = {
  state, abortAfter, cycle, soak,
  startSoak: () => { soak.ended = startSoak().catch((error) => soak.problems.push(String(error))); },
  stopSoak: async () => { soak.running = false; await soak.ended; },
};
`;

/** What lives in a page, after its garbage was collected. */
export type PageCounts = { workers: number; listeners: number; heapMb: number };

export type StressPage = {
  page: Page;
  watch: PageWatch;
  counts: () => Promise<PageCounts>;
  close: () => Promise<void>;
};

/** Opens the page; needs the built package and the fixtures of the browser tests. */
export const openStressPage = async (browser: Browser): Promise<StressPage> => {
  const server = await serveFiles({ '/dist/': `${root}dist`, '/fixtures/': fixtureFolder });
  const context = await browser.newContext();
  const watch = watchContext(context);
  await context.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  // Any page of the origin: its content is put in place of this one.
  await page.goto(`${server.url}fixtures/blobs/manifest.json`);
  await page.setContent(
    `<!doctype html><link rel="icon" href="data:,"><script type="module">${script}</script>`,
  );
  await page.waitForFunction('globalThis.stress !== undefined');
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  return {
    page,
    watch,
    counts: () => countAlive(page, session),
    close: async () => {
      await context.close();
      await server.close();
    },
  };
};

const countAlive = async (page: Page, session: CDPSession): Promise<PageCounts> => {
  // Twice: what a finalizer lets go of is garbage only then.
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? NaN;
  return {
    workers: page.workers().length,
    listeners: of('JSEventListeners'),
    heapMb: of('JSHeapUsedSize') / 2 ** 20,
  };
};

/** Waits until the workers that were ended are gone: that takes the browser a moment. */
const countsAtRest = async ({ page, counts }: StressPage): Promise<PageCounts> => {
  for (let i = 0; i < 100 && page.workers().length > 0; i++) await page.waitForTimeout(100);
  return counts();
};

/** What has become more than it was. @param heapMb how much the heap may grow */
const leaksSince = (before: PageCounts, after: PageCounts, heapMb: number): string[] => {
  const grown = after.heapMb - before.heapMb;
  return [
    ...(after.workers > 0 ? [`${after.workers} workers are left`] : []),
    ...(after.listeners > before.listeners ? [`listeners: ${before.listeners} → ${after.listeners}`] : []),
    ...(grown > heapMb ? [`heap: ${before.heapMb.toFixed(1)} → ${after.heapMb.toFixed(1)} MB`] : []),
  ];
};

/** Errors that the page told: of frames that nobody closed, say. */
const told = ({ watch }: StressPage): string[] => watch.errors.map((text) => `the page said: ${text}`);

/** Runs the same thing often, and looks at what is left of it. */
const repeat = async (
  stress: StressPage,
  calls: readonly string[],
  heapMb: number,
): Promise<StressReport> => {
  const report = emptyReport();
  const { page } = stress;
  // Two that do not count: what is made once is not a leak.
  for (let i = 0; i < 2; i++) await page.evaluate(calls[0]);
  const before = await countsAtRest(stress);
  for (const [index, call] of calls.entries()) {
    const problem = await page.evaluate<string | undefined>(call);
    report.done++;
    if (problem === undefined) report.valid++;
    else report.failures.push(`${index} (${call}): ${problem}`);
  }
  const after = await countsAtRest(stress);
  const open = await page.evaluate<number>('globalThis.stress.state.sourcesOpen');
  if (open > 0) report.failures.push(`${open} sources were never ended`);
  report.failures.push(...leaksSince(before, after, heapMb), ...told(stress));
  return report;
};

/** Trackings that are aborted at random moments: while the model loads, in the first frames, later. */
export const stressAborts = (stress: StressPage, seed: number, count: number): Promise<StressReport> => {
  const random = createRandom(seed, 1);
  const calls = Array.from({ length: count }, () => {
    // Most moments are early ones: that is where things are half made.
    const milliseconds = Math.round(1500 * random.uniform() ** 3);
    return `globalThis.stress.abortAfter(${milliseconds})`;
  });
  return repeat(stress, calls, 2);
};

/** Trackers that are created, used and closed. */
export const stressCycles = (stress: StressPage, count: number): Promise<StressReport> =>
  repeat(
    stress,
    Array.from({ length: count }, () => 'globalThis.stress.cycle()'),
    2,
  );

/** What the heap may grow by, MB: a little anyhow, and less for each frame than the least object takes. */
const heapFor = (frames: number): number => 0.5 + (30 * frames) / 2 ** 20;

/**
 * One tracking for a long time: every frame is looked at, and nothing may grow.
 * @param until it ends, whichever comes later
 */
export const stressSoak = async (
  stress: StressPage,
  until: { frames: number; seconds: number },
): Promise<StressReport> => {
  const { page, counts } = stress;
  const report = emptyReport();
  const framesNow = () => page.evaluate<number>('globalThis.stress.soak.frames');
  await page.evaluate('globalThis.stress.startSoak()');
  await page.waitForFunction('globalThis.stress.soak.frames > 300');
  const [before, first] = [await counts(), await framesNow()];
  await page.waitForTimeout(1000 * until.seconds);
  await page.waitForFunction(
    `globalThis.stress.soak.frames >= ${until.frames} || globalThis.stress.soak.problems.length > 0`,
    undefined,
    { timeout: 0 },
  );
  const [after, last] = [await counts(), await framesNow()];
  await page.evaluate('globalThis.stress.stopSoak()');
  const problems = await page.evaluate<string[]>('globalThis.stress.soak.problems');
  report.done = last;
  report.valid = last - problems.length;
  // Listeners of calls under way come and go: their number says nothing here.
  const { heapMb, workers } = after;
  report.failures.push(
    ...problems,
    ...leaksSince(
      { ...before, listeners: Infinity },
      { ...after, workers: workers - 1 },
      heapFor(last - first),
    ),
    ...told(stress),
  );
  console.log(`soak: heap ${before.heapMb.toFixed(1)} → ${heapMb.toFixed(1)} MB in ${last - first} frames`);
  return report;
};

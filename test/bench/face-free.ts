/**
 * What the tracker sees in frames without a face: end to end, at its own thresholds and the budget of a live stream.
 *
 *     npx tsx test/bench/face-free.ts [--model DIR] [--precision fp32|int8] [--scenes N] [--frames N] [--save DIR] [--json]
 *
 * --save writes the first frame of each scene in which something is tracked, with the landmarks drawn in.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openTracker, savePicture } from './picture-tracker.ts';
import { clipScenes, drawnScenes, signerScenes, type Scene } from './scenes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const size = { width: 640, height: 480 };

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    precision: { type: 'string', default: 'fp32' },
    scenes: { type: 'string', default: '20' },
    frames: { type: 'string', default: '15' },
    save: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** Most frames that may be declared tracked. */
const wanted = 0.01;

type Count = { scenes: number; frames: number; tracked: number };

const main = async (): Promise<void> => {
  const count = Number(given.frames);
  const signers = readdirSync(join(data, 'train', 'videos', 'asl'))
    .filter((file) => file.endsWith('.mkv'))
    .map((file) => file.replace(/\.mkv$/, ''))
    .sort();
  const makers: (() => Promise<Scene[]>)[] = [
    () => drawnScenes(size, Number(given.scenes), count),
    () => clipScenes(data, size, count),
    () => signerScenes(data, signers, size, count),
  ];
  const opened = await openTracker(given.model, given.precision);
  const counts: Record<string, Count> = {};
  for (const make of makers) {
    for (const { kind, name, frames } of await make()) {
      const tracker = opened.createTracker();
      const of = (counts[kind] ??= { scenes: 0, frames: 0, tracked: 0 });
      let tracked = 0;
      for (const [index, frame] of frames.entries()) {
        const result = await tracker.step(frame, index / 30);
        if (result.status !== 'tracking') continue;
        if (tracked === 0 && given.save !== undefined) {
          mkdirSync(given.save, { recursive: true });
          await savePicture(join(given.save, `${kind.replaceAll(/\W+/g, '-')}-${name}.jpg`), frame, result);
        }
        tracked++;
      }
      of.scenes++;
      of.frames += frames.length;
      of.tracked += tracked;
    }
  }
  await opened.session.close();
  const all: Count = { scenes: 0, frames: 0, tracked: 0 };
  for (const { scenes, frames, tracked } of Object.values(counts)) {
    all.scenes += scenes;
    all.frames += frames;
    all.tracked += tracked;
  }
  if (given.json) {
    console.log(JSON.stringify({ share: all.tracked / all.frames, ...all, kinds: counts }));
    return;
  }
  console.log('kind               scenes  frames  tracked');
  for (const [kind, { scenes, frames, tracked }] of [...Object.entries(counts), ['all', all] as const]) {
    const share = `${((100 * tracked) / frames).toFixed(2)} %`;
    console.log(
      `${kind.padEnd(17)}${String(scenes).padStart(8)}${String(frames).padStart(8)}${share.padStart(9)}`,
    );
  }
  const verdict = all.tracked <= wanted * all.frames ? 'held' : 'missed';
  console.log(`\nWanted: at most ${100 * wanted} % of all frames tracked: ${verdict}.`);
};

if (existsSync(join(data, 'eval', 'videos'))) await main();
else {
  console.error(`The clips are not there: ${data}. Set DVE_DATA.`);
  process.exitCode = 1;
}

import { join } from 'node:path';
import { expect } from 'vitest';
import { fixtureFolder } from '../fixtures/setup.ts';
import type { PageReport } from './consumer.ts';

/**
 * Draws six discs, tracks them, and tells how it went. What a user of the package would write.
 * @param options of track(), as code
 */
export const script = (packageName: string, options = "{ model: '/blobs/' }"): string => `
import { track } from '${packageName}';

const canvas = document.createElement('canvas');
canvas.width = 320;
canvas.height = 240;
const context = canvas.getContext('2d');
const discs = [
  [0.25, 0.3, '#e61e1e'], [0.72, 0.27, '#1ec81e'], [0.5, 0.52, '#1e1ee6'],
  [0.3, 0.74, '#dcdc14'], [0.68, 0.76, '#dc14dc'], [0.8, 0.52, '#14d2d2'],
];
context.fillStyle = '#808080';
context.fillRect(0, 0, 320, 240);
for (const [x, y, color] of discs) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(85 + 150 * x, 45 + 150 * y, 11, 0, 7);
  context.fill();
}
async function* frames() {
  for (let i = 0; i < 10; i++) yield { image: canvas, timestamp: i / 30 };
}
globalThis.report = (async () => {
  const tracking = track(frames(), ${options});
  const { device, threads } = await tracking.ready;
  let last;
  for await (const result of tracking) last = result;
  const blue = last.landmarks?.[2];
  return { device, threads, status: last.status, x: blue?.x, y: blue?.y, isolated: crossOriginIsolated };
})().catch((error) => ({ error: String(error) }));
`;

/** A page whose only script is at a URL. */
export const page = (scriptUrl: string): string =>
  `<!doctype html><html><head><meta charset="utf-8"><title>consumer</title><link rel="icon" href="data:,"></head><body><script type="module" src="${scriptUrl}"></script></body></html>`;

/** The model that finds the discs. */
export const blobs = join(fixtureFolder, 'blobs');

/** The page tracked, without a word on its console and without a request to anybody else. */
export const expectTracked = ({ value, errors, hosts, failed }: PageReport, url: string): void => {
  expect(value).toMatchObject({ status: 'tracking', device: 'wasm' });
  const { x, y } = value as { x: number; y: number };
  expect(Math.hypot(x - 160, y - 123)).toBeLessThan(2);
  expect(errors).toEqual([]);
  expect(failed).toEqual([]);
  // Not one request to anybody else.
  expect(hosts).toEqual([new URL(url).host]);
};

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cameraFile, fixtureFolder } from '../fixtures/setup.ts';
import { serveFiles } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root, watchContext } from './consumer.ts';

/** The page that README shows, letter by letter. */
const readmePage = (): string => {
  const page = /```html\n([^]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
  if (page === undefined) throw new Error('README.md shows no page');
  return page;
};

/**
 * Looks at the page's canvas: where each disc is by its own colour, and whether the point drawn there, of another colour
 * than any disc, has its middle. Picture and points are of the same moment only if it has.
 */
const look = `(() => {
  const canvas = document.getElementById('view');
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const middles = (isOne) => {
    let [count, x, y] = [0, 0, 0];
    for (let i = 0; i < width * height; i++) {
      if (!isOne(data[4 * i], data[4 * i + 1], data[4 * i + 2])) continue;
      count += 1;
      x += i % width;
      y += Math.floor(i / width);
    }
    return { count, x: x / count, y: y / count };
  };
  const discs = [
    middles((red, green, blue) => red > 190 && green < 80 && blue < 80),
    middles((red, green, blue) => red < 80 && green < 80 && blue > 190),
    middles((red, green, blue) => red > 180 && green < 80 && blue > 180),
  ];
  return discs.map(({ count, x, y }) => {
    const at = 4 * (Math.round(y) * width + Math.round(x));
    return count > 50 && data[at + 1] > 200 && data[at] < 150 && data[at + 2] < 110;
  });
})()`;

test('the page in README has at most 14 lines, and shows the picture with points and lines on it', async () => {
  const page = readmePage();
  expect(page.trimEnd().split('\n').length).toBeLessThanOrEqual(14);
  const folder = createConsumer('readme', { 'index.html': page, 'favicon.ico': '' });
  // Its model's place holds the tests' own model, which knows what the fake camera shows.
  const server = await serveFiles({
    '/node_modules/dve-sdk/models/face/': join(fixtureFolder, 'blobs'),
    '/': folder,
  });
  const browser = await launchChromium([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${cameraFile}`,
  ]);
  try {
    const context = await browser.newContext();
    const { errors, failed, hosts } = watchContext(context);
    const opened = await context.newPage();
    await opened.goto(server.url);
    await expect.poll(() => opened.evaluate(look), { timeout: 60_000 }).toEqual([true, true, true]);
    expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    expect([...hosts]).toEqual([new URL(server.url).host]);
  } finally {
    await browser.close();
    await server.close();
  }
});

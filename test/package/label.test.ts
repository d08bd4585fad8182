import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PointsFile } from '../../src/landmarks/points-file.ts';
import { parsePointsFile } from '../../src/landmarks/points-file.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { blobCenters, blobs, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { launchChromium, root, watchContext } from './consumer.ts';

const [width, height] = [320, 240];
const frameCount = 12;
const folder = mkdtempSync(join(tmpdir(), 'dve-label-test-'));
const clip = join(folder, 'blobs.webm');
const model = join(folder, 'model');
/** Where the points of a frame truly are, shares. */
const truthAt = (frame: number) =>
  blobCenters(sceneRoi(frame, width, height)).map(({ x, y }) => ({ x: x / width, y: y / height }));

const writeClip = async (): Promise<void> => {
  for (let frame = 0; frame < frameCount; frame++) {
    await sharp(drawScene(sceneRoi(frame, width, height), width, height), {
      raw: { width, height, channels: 4 },
    })
      .png()
      .toFile(join(folder, `frame-${frame}.png`));
  }
  execFileSync('ffmpeg', [
    ...['-loglevel', 'error', '-framerate', '5', '-i', join(folder, 'frame-%d.png')],
    ...['-c:v', 'libvpx', '-b:v', '2M', '-pix_fmt', 'yuv420p', clip],
  ]);
};

/** What a process prints until it matches. */
const waitFor = (process: ChildProcess, pattern: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = '';
    process.stdout?.on('data', (text) => {
      output += String(text);
      const found = pattern.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    process.once('exit', () => {
      reject(new Error(`ended: ${output}`));
    });
  });

let browser: Browser;
beforeAll(async () => {
  await writeClip();
  await writeBlobModel(model);
  browser = await launchChromium();
}, 120_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Whatever a test does in the page: no error, no failed request, none to another host. */
const withPage = async (
  url: string,
  use: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> => {
  const context = await browser.newContext();
  try {
    const { errors, failed, hosts } = watchContext(context);
    const page = await context.newPage();
    await page.goto(url);
    await use(page, context);
    expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    expect([...hosts]).toEqual([new URL(url).host]);
  } finally {
    await context.close();
  }
};

/** Clicks where a share of the picture is. */
const clickAt = async (page: Page, { x, y }: { x: number; y: number }): Promise<void> => {
  const box = await page.locator('#picture').boundingBox();
  if (box === null) throw new Error('the picture is not shown');
  await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
};

/** Clicks all points of a frame, in their order. */
const clickAll = async (page: Page, frame: number): Promise<void> => {
  for (const at of truthAt(frame)) await clickAt(page, at);
};

const waitForFrame = (page: Page, frame: number): Promise<unknown> =>
  page.locator('#frame-title', { hasText: `frame ${frame} of ${frameCount}` }).waitFor({ timeout: 60_000 });

const goTo = async (page: Page, frame: number): Promise<void> => {
  await page.locator('#seek').fill(String(frame));
  await waitForFrame(page, frame);
};

/** Greatest distance of a frame's points from the truth, pixels of the clip; hidden ones are left out. */
const worstOf = ({ marks }: PointsFile, frame: number): number => {
  const truth = truthAt(frame);
  const points = marks.find((mark) => mark.frame === frame)?.points ?? [];
  return Math.max(
    ...points.map((point, n) =>
      point === null ? 0 : Math.hypot((point.x - truth[n].x) * width, (point.y - truth[n].y) * height),
    ),
  );
};

/** Points by click, a guess in another frame, a hidden one, undo. @returns when all is labelled */
const labelThree = async (page: Page): Promise<void> => {
  await waitForFrame(page, 0);
  await clickAll(page, 0);
  expect(await page.locator('#points button:not([hidden])').count()).toBe(blobs.length);
  await page.getByRole('textbox', { name: 'Name of point 1' }).fill('nose');
  await page.getByRole('textbox', { name: 'Name of point 1' }).press('Enter');
  expect(await page.getByRole('button', { name: 'nose, point 1 of' }).count()).toBe(1);

  await goTo(page, 4);
  await page.getByRole('button', { name: 'Guess the points' }).click();
  await page.locator('#hint', { hasText: 'Guessed with a confidence of' }).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'point 2 is hidden in this frame' }).click();
  expect(await page.locator('#points button:not([hidden])').count()).toBe(blobs.length - 1);

  // A point moved by the keyboard, and back by undoing.
  const nose = page.locator('#points').getByRole('button', { name: 'nose, point 1 of' });
  const before = await nose.getAttribute('style');
  await nose.press('Shift+ArrowRight');
  expect(await nose.getAttribute('style')).not.toBe(before);
  await page.getByRole('button', { name: 'Undo' }).click();
  expect(await nose.getAttribute('style')).toBe(before);

  await page.getByRole('button', { name: 'Frame to label next' }).click();
  await page.locator('#hint', { hasText: 'unlike the labelled ones' }).waitFor({ timeout: 120_000 });
  expect(await page.locator('#frame-title').textContent()).not.toContain('frame 4 of');
  expect(await page.locator('#frames li').count()).toBe(2);
};

/** What labelThree() leaves behind. */
const checkPoints = (text: string): void => {
  const file = parsePointsFile(text);
  expect(file.names).toEqual(['nose', ...blobs.slice(1).map((_, n) => `point ${n + 2}`)]);
  expect(new Set(file.colors).size).toBe(blobs.length);
  expect(file.marks.map(({ video, frame }) => [video, frame])).toEqual([
    ['blobs.webm', 0],
    ['blobs.webm', 4],
  ]);
  expect(file.marks[1].points[1]).toBeNull();
  expect(worstOf(file, 0)).toBeLessThan(1.5);
  expect(worstOf(file, 4)).toBeLessThan(6);
};

describe('dve label', () => {
  const start = async (...more: string[]): Promise<{ process: ChildProcess; url: string }> => {
    const cli = [join(root, 'dist', 'cli.js'), 'label', clip, '--out', join(folder, 'points.json')];
    const process_ = spawn(process.execPath, [...cli, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
    return { process: process_, url: await waitFor(process_, / at (http:\S+)/) };
  };

  test('labels frames by clicks, guesses, suggests the next one, saves, and goes on from the file', async () => {
    const { process: server, url } = await start('--model', model);
    try {
      expect(new URL(url).hostname).toBe('localhost');
      await withPage(url, async (page) => {
        await labelThree(page);
        await page.getByRole('button', { name: 'Save points.json' }).click();
        await page.locator('#saved', { hasText: 'Saved as' }).waitFor();
        checkPoints(readFileSync(join(folder, 'points.json'), 'utf8'));
      });
      await withPage(url, async (page) => {
        await page.locator('#frames li', { hasText: 'frame 4' }).waitFor();
        await page.locator('#frames li', { hasText: 'frame 4' }).getByRole('button').click();
        await waitForFrame(page, 4);
        expect(await page.locator('#points button:not([hidden])').count()).toBe(blobs.length - 1);
      });
    } finally {
      server.kill('SIGINT');
    }
    expect(await new Promise((resolve) => server.once('exit', resolve))).toBe(0);
  }, 240_000);

  test('answers its own page only', async () => {
    const { process: server, url } = await start();
    const statusOf = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(new URL(path, url), { headers }, ({ statusCode }) => {
          resolve(statusCode);
        })
          .on('error', reject)
          .end();
      });
    try {
      const host = new URL(url).host;
      expect(await statusOf('state', { host })).toBe(200);
      expect(await statusOf('state', { host: 'elsewhere.example' })).toBe(403);
      expect(await statusOf('state', { host, origin: 'http://elsewhere.example' })).toBe(403);
      expect(await statusOf('..%2fcli.js', { host })).toBe(404);
      expect(await statusOf('frame/0/999', { host })).toBe(400);
    } finally {
      server.kill('SIGINT');
    }
  }, 60_000);
});

describe('the example', () => {
  test('labels a video that is opened in the page, with a model that runs there', async () => {
    const server = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'serve.ts')], {
      cwd: root,
      env: { ...process.env, PORT: '5199' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const url = await waitFor(server, /Label points: (http:\S+)/);
      await withPage(`${url}?model=/.cache/fixtures/blobs/`, async (page) => {
        await page.locator('#files').setInputFiles(clip);
        await labelThree(page);
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Save points.json' }).click(),
        ]);
        checkPoints(readFileSync(await download.path(), 'utf8'));
      });
    } finally {
      server.kill();
    }
  }, 240_000);
});

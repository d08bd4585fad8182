import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, BrowserContext, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { cameraFile, fixtureFolder } from '../fixtures/setup.ts';
import { launchChromium, root, watchContext } from './consumer.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-examples-'));
/** What the page trains on: the object that the camera shows, too. */
const pictures = Array.from({ length: 6 }, (_, i) => join(folder, `${i}.png`));
const [width, height] = [160, 120];
const roiOf = (picture: number) => sceneRoi(3 * picture, width, height);

const writePictures = async (): Promise<void> => {
  for (const [i, path] of pictures.entries()) {
    const rgba = drawScene(roiOf(i), width, height);
    await sharp(rgba, { raw: { width, height, channels: 4 } })
      .png()
      .toFile(path);
  }
};

/** Waits until `npm start` says where it serves. @returns its address */
const addressOf = (server: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = '';
    server.stdout?.on('data', (text) => {
      output += String(text);
      const address = /Webcam demo: (http:\S+?)examples\//.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    });
    server.once('exit', () => {
      reject(new Error(`npm start ended: ${output}`));
    });
  });

/** Address of the tests' own model, which knows that object. */
const blobModel = '/.cache/fixtures/blobs/';

let server: ChildProcess;
let url: string;
let browser: Browser;

beforeAll(async () => {
  await writePictures();
  server = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'serve.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await addressOf(server);
  browser = await launchChromium([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${cameraFile}`,
  ]);
}, 120_000);
afterAll(async () => {
  server.kill();
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Whatever a test does in these pages: no error, no failed request, none to another host. */
const withContext = async (use: (context: BrowserContext) => Promise<void>): Promise<void> => {
  const context = await browser.newContext();
  try {
    const { errors, failed, hosts } = watchContext(context);
    await use(context);
    expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    expect([...hosts]).toEqual([new URL(url).host]);
  } finally {
    await context.close();
  }
};

const waitForStatus = (page: Page, words: string): Promise<unknown> =>
  page.locator('#status', { hasText: words }).waitFor({ timeout: 60_000 });

/** How many pixels of a canvas are not transparent. */
const drawnPixels = (page: Page, id: string): Promise<number> =>
  page.evaluate((of) => {
    const canvas = document.getElementById(of) as HTMLCanvasElement;
    // From a copy: reading back the page's own canvas again and again makes Chromium warn.
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    if (copy === null) throw new Error('no canvas');
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
  }, id);

describe('npm start', () => {
  test('leads to the webcam demo, which tracks what is before the camera, pauses and stops', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(url);
      expect(new URL(page.url()).pathname).toBe('/examples/webcam/');
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.locator('#start-camera').click();
      await waitForStatus(page, 'Tracking');
      await page.waitForFunction(() => Number(document.getElementById('fps')?.textContent) > 0);
      expect(await drawnPixels(page, 'overlay')).toBeGreaterThan(100);
      await page.locator('#pause').click();
      await waitForStatus(page, 'Paused');
      await page.locator('#pause').click();
      await waitForStatus(page, 'Tracking');
      await page.locator('#stop').click();
      await waitForStatus(page, 'Ready');
      expect(await drawnPixels(page, 'overlay')).toBe(0);
    });
  });

  test('says what is wrong with a file that is no video', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('#file-input').setInputFiles({
        name: 'notes.mp4',
        mimeType: 'video/mp4',
        buffer: Buffer.from('no video at all'),
      });
      await waitForStatus(page, 'Stopped');
      expect(await page.locator('#notice-title').textContent()).toBe('This video cannot be played');
    });
  });

  test('serves the page that trains: it learns, takes marked points, and gives the model as a zip', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/train/`);
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.locator('#files').setInputFiles(pictures);
      await page.locator('#start').click();
      await waitForStatus(page, 'Training');
      await page.waitForFunction(() => Number(document.getElementById('step')?.textContent) >= 2);
      await page.locator('#stop').click();
      await waitForStatus(page, 'Trained');
      expect(await page.locator('#notice').isHidden()).toBe(true);
      expect(await page.locator('#picture-count').textContent()).toBe(String(pictures.length));

      const marker = page.locator('#marker');
      const shown = (await marker.boundingBox()) ?? { width: 0, height: 0 };
      for (const { x, y } of blobCenters(roiOf(0))) {
        await marker.click({ position: { x: (x / width) * shown.width, y: (y / height) * shown.height } });
      }
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#download').click(),
      ]);
      expect(download.suggestedFilename()).toBe('object-model.zip');
      const files = unzipSync(readFileSync(await download.path()));
      expect(Object.keys(files)).toEqual(
        expect.arrayContaining(['manifest.json', 'model.onnx', 'checkpoint.bin']),
      );
      // So few steps are mostly too few for the points: then the page says so, and the network itself is not lost.
      const notice = page.locator('#notice-text', { hasText: 'saved without its points' });
      await notice.waitFor({ state: 'landmarks.json' in files ? 'hidden' : 'visible' });
    });
  });

  test('the demo tracks with a model that the training page has handed over', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/train/`);
      // As text: vitest would rewrite the import.
      await page.evaluate(`(async () => {
        const { saveModel } = await import('/examples/shared/saved-models.ts');
        const files = new Map();
        for (const name of ${JSON.stringify(readdirSync(join(fixtureFolder, 'blobs')))}) {
          const response = await fetch('${blobModel}' + name);
          files.set(name, new Uint8Array(await response.arrayBuffer()));
        }
        await saveModel('trained', files);
      })()`);
      await page.goto(`${url}examples/webcam/?model=browser:trained`);
      expect(await page.locator('#welcome-title').textContent()).toBe('See what you have trained');
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.locator('#start-camera').click();
      await waitForStatus(page, 'Tracking');
    });
  });
});

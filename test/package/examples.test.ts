import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, BrowserContext, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';
import { blobCenters, blobs, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
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

/** Mean place of the pixels that have a disc's colour, pixels of the canvas as it is shown. */
const placeOfDisc = (page: Page, id: string, name: string): Promise<{ x: number; y: number }> =>
  page.evaluate(
    ([of, color]) => {
      const canvas = document.getElementById(of) as HTMLCanvasElement;
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
      if (copy === null) throw new Error('no canvas');
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      let [x, y, count] = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (color.some((value, c) => Math.abs(data[i + c] - value) > 45)) continue;
        x += (i / 4) % canvas.width;
        y += Math.floor(i / 4 / canvas.width);
        count++;
      }
      const scale = canvas.clientWidth / canvas.width;
      return { x: (scale * x) / count, y: (scale * y) / count };
    },
    [id, blobs.find((blob) => blob.name === name)?.color ?? []] as [string, number[]],
  );

/** How far a marked point lies from the disc that it marks, pixels of the screen. */
const distanceFromDisc = async (page: Page, point: number, name: string): Promise<number> => {
  const disc = await placeOfDisc(page, 'picture', name);
  const canvas = await page.locator('#picture').boundingBox();
  const button = await page.locator('#points button').nth(point).boundingBox();
  if (canvas === null || button === null) return Infinity;
  const [x, y] = [button.x + button.width / 2 - canvas.x, button.y + button.height / 2 - canvas.y];
  return Math.hypot(x - disc.x, y - disc.y);
};

describe('npm start', () => {
  test('leads to all examples; the webcam demo tracks what is before the camera, pauses and stops', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(url);
      expect(new URL(page.url()).pathname).toBe('/examples/');
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

  test('shows the points of a picture, and saves them', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.locator('#file-input').setInputFiles(pictures[0]);
      await waitForStatus(page, 'Tracking');
      expect(await drawnPixels(page, 'picture')).toBe(width * height);
      expect(await drawnPixels(page, 'overlay')).toBeGreaterThan(50);
      const saved = async (button: string): Promise<string> => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()]);
        return readFileSync(await download.path(), 'utf8');
      };
      const json = JSON.parse(await saved('#save-json')) as { frames: { status: string }[] };
      expect(json.frames.map(({ status }) => status)).toEqual(['tracking']);
      expect((await saved('#save-csv')).trimEnd().split('\n')).toHaveLength(4);
    });
  });

  test('takes a picture that is dropped on it', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.evaluate(
        (bytes) => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
          for (const kind of ['dragenter', 'dragover', 'drop']) {
            document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true }));
          }
        },
        [...readFileSync(pictures[1])],
      );
      await waitForStatus(page, 'Tracking');
      expect(await drawnPixels(page, 'picture')).toBe(width * height);
      expect(await drawnPixels(page, 'overlay')).toBeGreaterThan(50);
    });
  });

  const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
  test.skipIf(!hasFfmpeg)('plays a video again and again, and goes where its bar is put', async () => {
    const clip = join(folder, 'clip.webm');
    execFileSync('ffmpeg', ['-v', 'error', '-i', cameraFile, '-c:v', 'libvpx', '-b:v', '1M', clip]);
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('label', { hasText: 'CPU' }).click();
      const bar = page.getByRole('slider', { name: 'Position in the video' });
      expect(await bar.isHidden()).toBe(true);
      await page.locator('#file-input').setInputFiles(clip);
      await waitForStatus(page, 'Tracking');
      await page.locator('#pause').click();
      await waitForStatus(page, 'Paused');
      const timeAt = async (key: string): Promise<number> => {
        await bar.press(key);
        return page.evaluate<number>('document.getElementById("video").currentTime');
      };
      expect(await timeAt('Home')).toBe(0);
      expect(await timeAt('End')).toBeGreaterThan(1.9);
      await page.locator('#pause').click();
      await waitForStatus(page, 'Tracking');
    });
  });

  test('goes on with the camera where WebGPU is chosen and there is none, and keeps the focus', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/?model=${blobModel}`);
      await page.locator('#start-camera').focus();
      await page.keyboard.press('Enter');
      await waitForStatus(page, 'Tracking');
      expect(await page.evaluate('document.activeElement.id')).toBe('stage');
      await page.locator('label', { hasText: 'WebGPU' }).click();
      const note = page.locator('#device-note', { hasText: 'WebGPU cannot be used here' });
      await note.waitFor({ timeout: 60_000 });
      expect(await note.textContent()).not.toContain('device:');
      await waitForStatus(page, 'Tracking');
      expect(await page.evaluate('document.getElementById("video").srcObject.active')).toBe(true);
      await page.locator('#stop').click();
      expect(await page.evaluate('document.activeElement.id')).toBe('start-camera');
      for (const name of ['Calm at rest', 'Quick in motion']) {
        expect(await page.getByRole('slider', { name }).count()).toBe(1);
      }
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

      // The same points on another picture count, too; half of them do not.
      await page.locator('#marker-next').click();
      const note = page.locator('#marking-note');
      await note.filter({ hasText: '1 picture with' }).waitFor();
      expect(await page.locator('#demo').isEnabled()).toBe(true);
      await marker.click({ position: { x: 20, y: 20 } });
      expect(await note.textContent()).toContain('This one has 1: mark the same');
      expect(await page.locator('#demo').isEnabled()).toBe(false);
    });
  });

  test('training goes on from what was learnt, in the same page and in one that is opened later', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      const steps = async (): Promise<number> => Number(await page.locator('#step').textContent());
      const trainABit = async (words: string, from: number): Promise<number> => {
        await page.locator('#start', { hasText: words }).click();
        await waitForStatus(page, 'Training');
        await page.waitForFunction(
          (least) => Number(document.getElementById('step')?.textContent) > least,
          from,
        );
        await page.locator('#stop').click();
        await waitForStatus(page, 'Trained');
        return steps();
      };
      const open = async (): Promise<void> => {
        await page.goto(`${url}examples/train/`);
        await page.locator('label', { hasText: 'CPU' }).click();
        await page.locator('#files').setInputFiles(pictures);
      };
      await open();
      const first = await trainABit('Start training', 1);
      const second = await trainABit('Go on training', first);
      await open();
      await page.locator('#resume-text', { hasText: `the ${second} steps that are done` }).waitFor();
      expect(await trainABit('Go on training', second)).toBeGreaterThan(second);
      await page.locator('#resume').uncheck();
      await page.locator('#start', { hasText: 'Train anew' }).waitFor();
    });
  });

  test('the webcam demo says what to try where nothing is found', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      // No face is before the camera.
      await page.goto(`${url}examples/webcam/`);
      await page.locator('label', { hasText: 'CPU' }).click();
      await page.locator('#start-camera').click();
      await page.locator('#search-note', { hasText: 'Nothing was found' }).waitFor({ timeout: 60_000 });
      expect(await page.locator('#search-note').innerText()).toMatch(
        /evidence -?\d\.\d\d, \d\.\d\d is needed.* \d+ % of its points lay where one shape has them/,
      );
      await page.locator('#stop').click();
      expect(await page.locator('#search-note').isHidden()).toBe(true);
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

  test('serves the page where points are clicked: they are tracked, named, joined, moved, taken away and saved', async () => {
    await withContext(async (context) => {
      const page = await context.newPage();
      await page.goto(`${url}examples/webcam/`);
      await page.getByRole('link', { name: 'Choose your own points' }).click();
      await page.waitForURL('**/examples/points/');
      await page.goto(`${url}examples/points/?model=${blobModel}`);
      await page.getByRole('button', { name: 'Use the camera' }).click();
      await waitForStatus(page, 'Tracking');
      await page.getByRole('button', { name: 'Freeze as a picture' }).click();
      const picture = page.getByRole('img', { name: 'Reference picture' });
      for (const name of ['red', 'blue', 'cyan']) {
        await picture.click({ position: await placeOfDisc(page, 'picture', name) });
      }
      const points = page.locator('#points button');
      await expect.poll(() => points.count()).toBe(3);
      await page.getByLabel('Name of point 1').fill('red');
      await page.getByLabel('Name of point 1').press('Enter');
      // A name that is taken is refused.
      await page.getByLabel('Name of point 2').fill('red');
      await page.getByLabel('Name of point 2').press('Enter');
      await expect.poll(() => page.getByLabel('Name of point 2').getAttribute('aria-invalid')).toBe('true');
      await page.getByLabel('Name of point 2').fill('blue');
      await page.getByLabel('Name of point 2').press('Enter');
      await page.getByRole('button', { name: 'Line from red' }).click();
      await page.getByRole('button', { name: 'Line to blue' }).click();

      const saved = async (): Promise<LandmarkSet> => {
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Save the set (JSON)' }).click(),
        ]);
        return parseLandmarkSet(readFileSync(await download.path(), 'utf8'));
      };
      await expect.poll(async () => (await saved()).connections).toEqual([[0, 1]]);
      const set = await saved();
      expect(set.names).toEqual(['red', 'blue', 'point 3']);
      // Where the discs lie in the object is known: the shape is told in its own square.
      for (const [n, name] of ['red', 'blue', 'cyan'].entries()) {
        const truth = blobs.find((blob) => blob.name === name)?.at ?? { x: NaN, y: NaN };
        expect(Math.hypot(set.meanShape[n].x - truth.x, set.meanShape[n].y - truth.y)).toBeLessThan(0.05);
      }

      // By keyboard: a step to the right, away with it, and back again.
      const before = await points.nth(2).getAttribute('style');
      await points.nth(2).focus();
      await page.keyboard.press('Shift+ArrowRight');
      expect(await points.nth(2).getAttribute('style')).not.toBe(before);
      await page.keyboard.press('Delete');
      expect(await points.count()).toBe(2);
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      expect(await points.nth(2).getAttribute('style')).toBe(before);

      // Dragged, and put back by the button.
      const at = await points.nth(0).boundingBox();
      if (at === null) throw new Error('the point is not shown');
      await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
      await page.mouse.down();
      await page.mouse.move(at.x + at.width / 2 + 30, at.y + at.height / 2, { steps: 4 });
      await page.mouse.up();
      const moved = await points.nth(0).boundingBox();
      expect((moved?.x ?? NaN) - at.x).toBeCloseTo(30, 0);
      await page.getByRole('button', { name: 'Undo' }).click();

      // On the live picture, too.
      const live = page.getByRole('img', { name: 'Live picture with the tracked points' });
      await live.click({ position: await placeOfDisc(page, 'live-canvas', 'yellow') });
      await expect.poll(() => points.count()).toBe(4);
      expect(await distanceFromDisc(page, 3, 'yellow')).toBeLessThan(12);

      // Another picture gets the same points, found by the network.
      await page.locator('#files').setInputFiles(pictures[1]);
      await page.getByRole('button', { name: 'Picture 2 of 2' }).waitFor();
      await expect.poll(() => distanceFromDisc(page, 3, 'yellow')).toBeLessThan(12);
      await page.getByRole('button', { name: 'Remove the picture' }).click();
      await page.getByRole('button', { name: 'Remove the picture' }).click();
      expect(await points.count()).toBe(0);

      // A set from a file is tracked as it is.
      const buffer = Buffer.from(serializeLandmarkSet({ ...set, names: ['a', 'b', 'c'] }));
      await page.locator('#files').setInputFiles({ name: 'set.json', mimeType: 'application/json', buffer });
      await expect.poll(() => page.getByLabel('Name of point 3').inputValue()).toBe('c');
      await page.locator('#files').setInputFiles({
        ...{ name: 'bad.json', mimeType: 'application/json', buffer: Buffer.from('{}') },
      });
      await page.locator('#notice-text', { hasText: 'bad.json' }).waitFor();
      await page.getByRole('button', { name: 'Stop' }).click();
      await waitForStatus(page, 'Ready');
    });
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, root, watchContext } from './consumer.ts';

let server: ChildProcess;
let url: string;
let browser: Browser;

beforeAll(async () => {
  server = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'serve.ts')], {
    ...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    env: { ...process.env, PORT: '5391' },
  });
  url = await new Promise<string>((resolve, reject) => {
    let output = '';
    server.stdout?.on('data', (text) => {
      output += String(text);
      const address = /All examples: (http:\S+?)examples\//.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    });
    server.once('exit', () => {
      reject(new Error(`npm start ended: ${output}`));
    });
  });
  // WebGL by software, where there is no GPU.
  browser = await launchChromium(['--enable-unsafe-swiftshader']);
}, 120_000);
afterAll(async () => {
  server.kill();
  await browser.close();
});

/** What the driver of a software GPU says of its own speed. */
const isOfDriver = (message: string): boolean => message.includes('GPU stall due to ReadPixels');

/** Opens an example on the sample face, and waits until it is tracked. */
const withExample = async (name: string, use: (page: Page) => Promise<void>): Promise<void> => {
  const context = await browser.newContext();
  try {
    const { errors, failed, hosts } = watchContext(context);
    const page = await context.newPage();
    await page.goto(`${url}examples/${name}/?still`);
    await page.locator('#status', { hasText: 'Choose' }).waitFor({ timeout: 60_000 });
    await page.locator('#sample').click();
    await page.locator('#status', { hasText: 'Tracking' }).waitFor({ timeout: 90_000 });
    await use(page);
    expect({ errors: errors.filter((message) => !isOfDriver(message)), failed }).toEqual({
      errors: [],
      failed: [],
    });
    expect([...hosts]).toEqual([new URL(url).host]);
  } finally {
    await context.close();
  }
};

test('live landmarks: the drawn face is tracked by whoever has no camera', async () => {
  const context = await browser.newContext();
  try {
    const { errors, failed } = watchContext(context);
    const page = await context.newPage();
    await page.goto(`${url}examples/webcam/?still`);
    await page.locator('label', { hasText: 'CPU' }).click();
    await page.getByRole('button', { name: 'Drawn face' }).first().click();
    await page.locator('#status', { hasText: 'Tracking' }).waitFor({ timeout: 90_000 });
    const pressed = page.locator('.toolbar').getByRole('button', { name: 'Sample', pressed: true });
    expect(await pressed.count()).toBe(1);
    expect(await page.locator('#seek').isHidden()).toBe(true);
    await page.locator('#stop').click();
    await page.locator('#status', { hasText: 'Ready' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('start-camera');
    expect({ errors: errors.filter((message) => !isOfDriver(message)), failed }).toEqual({
      ...{ errors: [], failed: [] },
    });
  } finally {
    await context.close();
  }
});

/** Pixels of the page's picture that some code says yes to: how many, and their middle. @param code of (r, g, b) */
const pixelsWhere = (page: Page, code: string): Promise<{ count: number; x: number; y: number }> =>
  page.evaluate(`(() => {
    const canvas = document.getElementById('stage');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let [count, x, y] = [0, 0, 0];
    for (let p = 0; p < data.length; p += 4) {
      const [r, g, b] = data.subarray(p, p + 3);
      if (!(${code})) continue;
      count++;
      x += (p / 4) % canvas.width;
      y += Math.floor(p / 4 / canvas.width);
    }
    return { count, x: x / count, y: y / count };
  })()`);

test('mask: what is painted covers the face, its middle where the face has its own', async () => {
  await withExample('mask', async (page) => {
    await page.locator('#clear').click();
    await page.waitForTimeout(500);
    const skin = await pixelsWhere(page, 'r > 70 && r > 1.2 * b && r - b > 25');
    await page.evaluate(`(() => {
      const context = document.getElementById('paint').getContext('2d');
      context.fillStyle = '#ff00ff';
      context.fillRect(0, 0, 512, 512);
      document.getElementById('opacity').value = '1';
    })()`);
    const isPainted = 'r > 200 && g < 60 && b > 200';
    await expect
      .poll(async () => (await pixelsWhere(page, isPainted)).count, { timeout: 20_000 })
      .toBeGreaterThan(5000);
    const painted = await pixelsWhere(page, isPainted);
    const size = Math.sqrt(skin.count);
    expect(Math.hypot(painted.x - skin.x, painted.y - skin.y) / size).toBeLessThan(0.05);
    expect(painted.count / skin.count).toBeGreaterThan(0.8);
    expect(painted.count / skin.count).toBeLessThan(1.25);
  });
});

test('glasses: dark rims are on the face', async () => {
  await withExample('glasses', async (page) => {
    await page.locator('#colour').fill('#00ff00');
    const isRim = 'g > 110 && g > 1.8 * r && g > 1.8 * b';
    await expect
      .poll(async () => (await pixelsWhere(page, isRim)).count, { timeout: 20_000 })
      .toBeGreaterThan(400);
    const [rims, skin] = [
      await pixelsWhere(page, isRim),
      await pixelsWhere(page, 'r > 70 && r > 1.2 * b && r - b > 25'),
    ];
    expect(Math.abs(rims.x - skin.x)).toBeLessThan(15);
    expect(rims.y).toBeLessThan(skin.y);
  });
});

test('puppet: the fox is drawn where the face is tracked', async () => {
  await withExample('puppet', async (page) => {
    const fur = await pixelsWhere(page, 'r > 200 && g > 60 && g < 130 && b < 60');
    expect(fur.count).toBeGreaterThan(10_000);
  });
});

test('the start page shows a picture of each example and leads to it', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${url}examples/`);
  const pictures = await page.evaluate<{ href: string; width: number }[]>(
    `Promise.all([...document.querySelectorAll('.cards a')].map(async (a) => {
      const picture = a.querySelector('img');
      await picture.decode();
      return { href: a.href, width: picture.naturalWidth };
    }))`,
  );
  expect(pictures.length).toBeGreaterThanOrEqual(6);
  for (const { href, width } of pictures) {
    expect(width).toBeGreaterThan(100);
    expect((await page.request.get(href)).status()).toBe(200);
  }
  await context.close();
});

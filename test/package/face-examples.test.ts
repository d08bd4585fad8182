import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import { createPuppet } from '../../src/puppet/index.ts';
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

/** Where an example has its picture from. */
type Source = { kind: 'sample' | 'camera' } | { kind: 'clip'; file: string };

/** What an example says when it is ready, and when it sees something. */
const told = (name: string): [string, string] =>
  name === 'correspond' ? ['Compared', 'Compared'] : ['Choose', 'Tracking'];

/** Opens an example, and waits until a face is tracked; says no word of error, asks no other host. */
const withExample = async (
  name: string,
  use: (page: Page) => Promise<void>,
  source: Source = { kind: 'sample' },
  by = browser,
): Promise<void> => {
  const context = await by.newContext({ permissions: ['camera'] });
  try {
    const { errors, failed, hosts } = watchContext(context);
    const page = await context.newPage();
    const [ready, busy] = told(name);
    await page.goto(`${url}examples/${name}/?still`);
    await page.locator('#status', { hasText: ready }).waitFor({ timeout: 90_000 });
    // So that what is waited for is told anew: "Comparing" may be gone before anybody looks.
    await page.locator('#status').evaluate((status) => {
      status.textContent = '';
    });
    if (source.kind === 'clip') await page.locator('input[type="file"]').setInputFiles(source.file);
    else await page.locator(`#${source.kind}`).click();
    await page.locator('#status', { hasText: busy }).waitFor({ timeout: 90_000 });
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
const pixelsWhere = (
  page: Page,
  code: string,
  id = 'stage',
): Promise<{ count: number; x: number; y: number }> =>
  page.evaluate(`(() => {
    const canvas = document.getElementById('${id}');
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

test('mask: what is painted on a picture of a face lies on the live one', async () => {
  await withExample('mask', async (page) => {
    await page.locator('input[value="picture"]').click();
    // A dot on the tip of the nose of the drawn face, and nothing else.
    await page.evaluate(`(() => {
      const context = document.getElementById('paint').getContext('2d');
      context.clearRect(0, 0, 512, 512);
      context.fillStyle = '#00ff00';
      context.arc(256, 250, 24, 0, 7);
      context.fill();
      document.getElementById('opacity').value = '1';
    })()`);
    const isDot = 'g > 150 && r < 100 && b < 100';
    await expect
      .poll(async () => (await pixelsWhere(page, isDot)).count, { timeout: 90_000 })
      .toBeGreaterThan(300);
    const [dot, skin] = [
      await pixelsWhere(page, isDot),
      await pixelsWhere(page, 'r > 70 && r > 1.2 * b && r - b > 25'),
    ];
    // The live face is the same one, a little turned: its nose is near its middle.
    expect(Math.hypot(dot.x - skin.x, dot.y - skin.y) / Math.sqrt(skin.count)).toBeLessThan(0.12);
  });
});

test('mask: a huge picture without transparency covers the face, a file that is none is named', async () => {
  await withExample('mask', async (page) => {
    const side = 9000;
    const raw = { width: side, height: side, channels: 3 } as const;
    const jpeg = await sharp({ create: { ...raw, background: '#ff00ff' }, limitInputPixels: false })
      .jpeg()
      .toBuffer();
    const drop = (name: string, buffer: Buffer): Promise<void> =>
      page.locator('#clip').setInputFiles({ name, mimeType: 'image/jpeg', buffer });
    await page.locator('#opacity').fill('1');
    await drop('huge.jpg', jpeg);
    await expect
      .poll(async () => (await pixelsWhere(page, 'r > 200 && g < 60 && b > 200')).count, { timeout: 60_000 })
      .toBeGreaterThan(5000);
    // What the page says of a moment is overwritten by the next frame: all of it is kept.
    await page.evaluate(`(() => {
      globalThis.said = [];
      new MutationObserver(() => said.push(document.getElementById('status').textContent)).observe(
        document.getElementById('status'),
        { childList: true, characterData: true, subtree: true },
      );
    })()`);
    await drop('broken.jpg', Buffer.from('no picture'));
    await expect
      .poll(() => page.evaluate<string[]>('said'))
      .toContain('broken.jpg is no picture that this browser can read.');
  });
});

/** As in a browser that has no WebGL, or has it switched off. */
const withoutWebGl = `for (const kind of [OffscreenCanvas, HTMLCanvasElement]) {
  const { getContext } = kind.prototype;
  kind.prototype.getContext = function (name, ...more) {
    return name.startsWith('webgl') ? null : getContext.call(this, name, ...more);
  };
}`;

test('without WebGL the pages that need it say so, and nothing else goes wrong', async () => {
  for (const name of ['mask', 'glasses', 'portrait', 'correspond']) {
    const page = await browser.newPage();
    const thrown: string[] = [];
    page.on('pageerror', ({ message }) => thrown.push(message));
    await page.addInitScript(withoutWebGl);
    await page.goto(`${url}examples/${name}/`);
    // The glasses' page draws its sample by WebGL, as soon as it is asked for.
    await page.locator('#status', { hasText: name === 'glasses' ? 'Choose' : 'has no WebGL' }).waitFor();
    if (name === 'glasses') {
      await page.locator('#sample').click();
      await page.locator('#status', { hasText: 'has no WebGL' }).waitFor();
    }
    expect({ name, thrown }).toEqual({ name, thrown: [] });
    await page.close();
  }
});

test('portrait: is drawn, and a point that is dragged takes its surroundings along', async () => {
  await withExample('portrait', async (page) => {
    await page.locator('#dots').uncheck();
    const skin = 'r > 70 && r > 1.2 * b && r - b > 25';
    expect((await pixelsWhere(page, skin, 'portrait')).count).toBeGreaterThan(10_000);
    const look = async (x: number, y: number): Promise<number[]> =>
      page.evaluate<number[]>(`(() => {
        const copy = new OffscreenCanvas(60, 40).getContext('2d');
        copy.drawImage(document.getElementById('portrait'), -${x}, -${y});
        return [...copy.getImageData(0, 0, 60, 40).data];
      })()`);
    const changed = (a: number[], b: number[]): number =>
      a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
    const before = { mouth: await look(290, 260), corner: await look(0, 0) };
    const box = await page.locator('#portrait').boundingBox();
    if (box === null) throw new Error('no portrait is seen');
    const [x, y] = [box.x + (320 / 640) * box.width, box.y + (281 / 480) * box.height];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 10, y + 22, { steps: 4 });
    await page.mouse.up();
    await expect.poll(async () => changed(before.mouth, await look(290, 260))).toBeGreaterThan(4);
    expect(changed(before.corner, await look(0, 0))).toBeLessThan(1);
  });
});

test('correspond: an eye of one face is found in the other, and the slider makes one of the other', async () => {
  await withExample('correspond', async (page) => {
    await page.locator('#left').hover({ position: { x: 106, y: 88 } });
    await page.locator('#status', { hasText: 'Match' }).waitFor();
    const ring = await pixelsWhere(page, 'r < 60 && g > 190 && b > 210', 'right');
    expect(ring.count).toBeGreaterThan(50);
    // Where the other rendering has the same eye, shares of its side of 360 pixels.
    expect(Math.hypot(ring.x / 360 - 0.35, ring.y / 360 - 0.296)).toBeLessThan(0.05);
    const mean = async (share: string): Promise<number> => {
      await page.locator('#share').fill(share);
      return page.evaluate<number>(`(() => {
        const copy = new OffscreenCanvas(180, 180).getContext('2d');
        copy.drawImage(document.getElementById('morph'), -90, -90);
        const { data } = copy.getImageData(0, 0, 180, 180);
        return data.reduce((sum, value) => sum + value, 0) / data.length;
      })()`);
    };
    // The other face is lighter: on the way there the middle is between both.
    const [none, half, all] = [await mean('0'), await mean('0.5'), await mean('1')];
    expect(half).toBeGreaterThan(none + 2);
    expect(all).toBeGreaterThan(half + 2);
  });
});

/** A frame of a clip of the evaluation folder, again and again, and where a peer saw its points. */
const openClip = (name: string, frame: number) => {
  const folder = mkdtempSync(join(tmpdir(), 'dve-clip-'));
  const still = (file: string, ...options: string[]): string => {
    const video = join(videos, `${name}.mp4`);
    const pick = ['-vf', `select=eq(n\\,${frame}),loop=40:1:0,setpts=N/20/TB,scale=480:480`, '-r', '20'];
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-y',
      '-i',
      video,
      ...pick,
      '-an',
      ...options,
      join(folder, file),
    ]);
    return join(folder, file);
  };
  const { frames, width } = JSON.parse(readFileSync(join(videos, `${name}.mediapipe.json`), 'utf8')) as {
    frames: { points: number[] }[];
    width: number;
  };
  const points = frames[frame].points.map((value) => (value * 480) / width);
  return {
    camera: still('camera.y4m', '-pix_fmt', 'yuv420p'),
    clip: still('clip.webm', '-c:v', 'libvpx', '-b:v', '2M'),
    points: ibug68.names.map((_, i) => ({ x: points[2 * i], y: points[2 * i + 1] })),
  };
};

/** Middle of the mask and root of its area, pixels, where the points say it is. */
const maskAt = (points: readonly { x: number; y: number }[]) => {
  const file = (name: string) => readFileSync(join(root, 'models', 'face', name));
  const puppet = createPuppet({ face: file('face.bin'), expressions: file('expressions.bin') });
  const landmarks = points.map(({ x, y }, i) => ({
    ...{ name: ibug68.names[i], x, y, confidence: 1, raw: { x, y } },
  }));
  const mesh = puppet.faceMesh({
    ...{ timestamp: 0, width: 480, height: 480 },
    objects: [{ id: 1, status: 'tracking', landmarks }],
  });
  if (mesh === undefined) throw new Error('no face');
  let [area, x, y] = [0, 0, 0];
  for (let t = 0; t < mesh.index.length; t += 3) {
    const [ax, ay, bx, by, cx, cy] = [0, 1, 2].flatMap((k) => [
      mesh.points[2 * mesh.index[t + k]],
      mesh.points[2 * mesh.index[t + k] + 1],
    ]);
    const size = Math.max(0, ((cx - ax) * (by - ay) - (bx - ax) * (cy - ay)) / 2);
    area += size;
    x += (size * (ax + bx + cx)) / 3;
    y += (size * (ay + by + cy)) / 3;
  }
  return { x: x / area, y: y / area, size: Math.sqrt(area) };
};

const videos = join(process.env.DVE_DATA ?? join(root, '..', 'shared', 'data'), 'eval', 'videos');

describe.skipIf(!existsSync(videos))('with a real face', () => {
  const { camera, clip, points } = openClip('d6', 10);
  let filming: Browser;
  beforeAll(async () => {
    filming = await launchChromium([
      ...['--enable-unsafe-swiftshader', '--use-fake-ui-for-media-stream'],
      ...['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${camera}`],
    ]);
  });
  afterAll(() => filming.close());
  const sources: [string, Source][] = [
    ['the camera', { kind: 'camera' }],
    ['a clip', { kind: 'clip', file: clip }],
  ];

  test.each(sources)('the mask of %s is where a peer’s points say', async (_, source) => {
    await withExample(
      'mask',
      async (page) => {
        await page.evaluate(`(() => {
          const context = document.getElementById('paint').getContext('2d');
          context.fillStyle = '#ff00ff';
          context.fillRect(0, 0, 512, 512);
          document.getElementById('opacity').value = '1';
        })()`);
        const isPainted = 'r > 200 && g < 60 && b > 200';
        await expect
          .poll(async () => (await pixelsWhere(page, isPainted)).count, { timeout: 30_000 })
          .toBeGreaterThan(5000);
        const [painted, wanted] = [await pixelsWhere(page, isPainted), maskAt(points)];
        // The camera may film at another size than the clip has.
        const { scale, left, top } = await page.evaluate<{
          scale: number;
          left: number;
          top: number;
        }>(`(() => {
          const { width, height } = document.getElementById('stage');
          const scale = Math.min(width, height) / 480;
          return { scale, left: (width - 480 * scale) / 2, top: (height - 480 * scale) / 2 };
        })()`);
        const off = Math.hypot(painted.x - left - scale * wanted.x, painted.y - top - scale * wanted.y);
        expect(off / (scale * wanted.size)).toBeLessThan(0.05);
      },
      source,
      filming,
    );
  });

  test.each(['glasses', 'puppet', 'portrait', 'correspond'])(
    '%s works from the camera and from a clip',
    async (name) => {
      for (const [, source] of sources) {
        await withExample(
          name,
          async (page) => {
            if (process.env.DVE_SHOTS) {
              await page.waitForTimeout(1500);
              await page.screenshot({ path: join(process.env.DVE_SHOTS, `${name}-${source.kind}.png`) });
            }
            const canvas = name === 'correspond' ? 'right' : 'stage';
            // Somebody's skin.
            const { count } = await pixelsWhere(page, 'r > 70 && r > 1.1 * b && r > g', canvas);
            expect(count).toBeGreaterThan(3000);
          },
          source,
          filming,
        );
      }
    },
  );
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

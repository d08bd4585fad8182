import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawScene } from '../fixtures/blob-scene.ts';
import { serveFiles, type StaticServer } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root } from './consumer.ts';
import { blobs, page, script } from './tracked-scene.ts';
import { startDriver, type DrivenBrowser } from './webdriver.ts';

/** The page of the other tests, and more ways in which frames come: each told by itself. */
const scenes = `
import { track, Tracker } from './node_modules/dve-sdk/dist/index.js';

const model = '/blobs/';
const canvas = document.querySelector('canvas');
const pixels = () => canvas.getContext('2d').getImageData(0, 0, 320, 240).data;
const told = ({ status, landmarks }) => ({ status, x: landmarks?.[2].x, y: landmarks?.[2].y });
const step = async (frame) => {
  const tracker = await Tracker.create({ model, searchBudget: 200 });
  try {
    return told(await tracker.step(frame, 0));
  } finally {
    await tracker.close();
  }
};
const firstTracked = async (source) => {
  const times = [];
  for await (const result of track(source, { model })) {
    times.push(result.timestamp);
    if (result.status === 'tracking' && times.length > 3) return { ...told(result), times };
    if (times.length > 200) return { status: 'nothing found', times };
  }
  return { status: 'it ended', times };
};
globalThis.scenes = {
  bgrx: () => {
    const bytes = pixels();
    for (let i = 0; i < bytes.length; i += 4) [bytes[i], bytes[i + 2]] = [bytes[i + 2], bytes[i]];
    return step(new VideoFrame(bytes, { format: 'BGRX', codedWidth: 320, codedHeight: 240, timestamp: 0 }));
  },
  frames: () => {
    let count = 0;
    return firstTracked(new ReadableStream({
      pull: (controller) => {
        controller.enqueue(new VideoFrame(canvas, { timestamp: 40_000 * count++ }));
      },
    }));
  },
  stream: () => {
    const context = canvas.getContext('2d');
    // A stream of a canvas has a frame when something is drawn.
    const timer = setInterval(() => context.drawImage(canvas, 0, 0), 40);
    return firstTracked(canvas.captureStream(25)).finally(() => clearInterval(timer));
  },
  video: async (url) => {
    const video = Object.assign(document.createElement('video'), { src: url, muted: true, loop: true });
    document.body.append(video);
    await video.play();
    const { videoWidth: width, videoHeight: height } = video;
    return { ...(await firstTracked(video)), width, height, step: await step(video) };
  },
  noWebCodecs: async () => {
    const kept = globalThis.VideoFrame;
    delete globalThis.VideoFrame;
    try {
      await firstTracked((async function* () { yield canvas; })());
      return { error: 'none' };
    } catch ({ name, message }) {
      return { name, message };
    } finally {
      globalThis.VideoFrame = kept;
    }
  },
};
`;

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

/** Videos of the scene: stored upright, and stored lying or upside down with a note to turn it; and one without H.264. */
const writeVideos = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  const scene = Buffer.from(drawScene({ center: { x: 160, y: 120 }, size: 150, rotation: 0 }, 320, 240));
  const ffmpeg = (input: Uint8Array | undefined, ...args: string[]): void => {
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...args], {
      ...{ cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] },
      ...(input && { input }),
    });
  };
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', '320x240', '-r', '25', '-i', '-'];
  const encoded = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-crf', '12'];
  const frames = Buffer.concat(Array.from({ length: 50 }, () => scene));
  ffmpeg(frames, ...raw, ...encoded, 'upright.mp4');
  ffmpeg(frames, ...raw, '-c:v', 'libvpx', '-pix_fmt', 'yuv420p', '-b:v', '2M', 'upright.webm');
  const turned = (filter: string, degrees: number, file: string): void => {
    ffmpeg(undefined, '-i', 'upright.mp4', '-vf', filter, ...encoded, 'stored.mp4');
    const copied = ['-i', 'stored.mp4', '-c', 'copy'];
    try {
      ffmpeg(undefined, '-display_rotation', String(degrees), ...copied, file);
    } catch {
      // Before ffmpeg 6 it is metadata.
      ffmpeg(undefined, ...copied, '-metadata:s:v', `rotate=${degrees}`, file);
    }
  };
  turned('transpose=clock', 90, 'lying.mp4');
  turned('hflip,vflip', 180, 'upside-down.mp4');
};

const systemFile = (...paths: string[]): string | undefined => paths.find((path) => existsSync(path));

const firefox = systemFile('/usr/bin/firefox-esr', '/usr/bin/firefox');
const startFirefox = async (): Promise<DrivenBrowser> => {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefox ?? '' });
  const tab = await browser.newPage();
  tab.setDefaultTimeout(0);
  return {
    open: async (url) => {
      await tab.goto(url);
    },
    evaluate: (expression) => tab.evaluate(expression),
    close: () => browser.close(),
  };
};

/** Debian's package of WebKitGTK's driver brings a browser along; it draws on a screen, which Xvfb stands in for. */
const webkit = ((): { driver: string; browser: string } | undefined => {
  const driver = systemFile('/usr/bin/WebKitWebDriver');
  const libraries = '/usr/lib';
  if (driver === undefined || systemFile('/usr/bin/xvfb-run') === undefined) return undefined;
  const found = readdirSync(libraries)
    .flatMap((machine) =>
      ['4.1', '4.0'].map((api) => join(libraries, machine, `webkit2gtk-${api}`, 'MiniBrowser')),
    )
    .find((path) => existsSync(path));
  return found === undefined ? undefined : { driver, browser: found };
})();
const startWebKit = (): Promise<DrivenBrowser> =>
  startDriver((port) => ['xvfb-run', '-a', webkit?.driver ?? '', `--port=${port}`, '--host=127.0.0.1'], {
    'webkitgtk:browserOptions': { binary: webkit?.browser, args: ['--automation'] },
  });

const startChromium = async (): Promise<DrivenBrowser> => {
  const browser = await launchChromium();
  const tab = await browser.newPage();
  return {
    open: async (url) => {
      await tab.goto(url);
    },
    evaluate: (expression) => tab.evaluate(expression),
    close: () => browser.close(),
  };
};

const allVideos = ['upright.mp4', 'lying.mp4', 'upside-down.mp4', 'upright.webm'];

const engines = [
  { name: 'Chromium', start: startChromium, isThere: true, videos: allVideos, hasStreams: true, get: '' },
  {
    name: 'Firefox',
    start: startFirefox,
    isThere: firefox !== undefined,
    videos: allVideos,
    hasStreams: true,
    get: 'apt-get install firefox-esr',
  },
  {
    ...{ name: 'WebKitGTK', start: startWebKit, isThere: webkit !== undefined },
    // Debian's WebKitGTK 2.50 plays no H.264 without more packages, and its page process crashed on a canvas's stream.
    videos: ['upright.webm'],
    hasStreams: false,
    get: 'apt-get install webkit2gtk-driver xvfb',
  },
];

const folder = join(root, '.cache', 'engines');
let server: StaticServer;
beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (hasFfmpeg) writeVideos(folder);
  const files = createConsumer('engines', {
    'index.html': page('./main.js').replace(
      '</body>',
      '<script type="module" src="./scenes.js"></script></body>',
    ),
    'main.js': script('./node_modules/dve-sdk/dist/index.js').replace(
      "document.createElement('canvas');",
      '$&\ndocument.body.append(canvas);',
    ),
    'scenes.js': scenes,
  });
  server = await serveFiles({ '/blobs/': blobs, '/videos/': folder, '/': files });
});
afterAll(() => server.close());

const expectScene = (value: unknown): void => {
  expect(value).toMatchObject({ status: 'tracking' });
  const { x, y } = value as { x: number; y: number };
  expect(Math.hypot(x - 160, y - 123), `${x}, ${y}`).toBeLessThan(2);
};

for (const { name, start, isThere, videos, hasStreams, get } of engines) {
  test.skipIf(isThere)(`${name} is not here`, ({ skip }) => {
    skip(`no ${name}: ${get}`);
  });

  describe.skipIf(!isThere)(`in ${name} the built package`, () => {
    let browser: DrivenBrowser;
    beforeAll(async () => {
      browser = await start();
      await browser.open(server.url);
    }, 180_000);
    afterAll(() => browser.close());

    test('tracks pictures', async () => {
      expectScene(
        await browser.evaluate(
          '(async () => { while (!globalThis.report || !globalThis.scenes) await new Promise((r) => setTimeout(r, 50)); return globalThis.report; })()',
        ),
      );
    });

    test('tracks frames whose blue comes first', async () => {
      expectScene(await browser.evaluate('globalThis.scenes.bgrx()'));
    });

    test('tracks a ReadableStream of frames', async () => {
      const value = await browser.evaluate('globalThis.scenes.frames()');
      expectScene(value);
      const [first, second] = (value as { times: number[] }).times;
      expect(second - first).toBeCloseTo(0.04, 3);
    });

    test.skipIf(!hasStreams)('tracks a stream of a canvas, whose times go on', async () => {
      const value = await browser.evaluate('globalThis.scenes.stream()');
      expectScene(value);
      const { times } = value as { times: number[] };
      times.slice(1).forEach((time, index) => {
        expect(time).toBeGreaterThan(times[index]);
      });
      expect(times[times.length - 1] - times[0]).toBeGreaterThan(0.01);
    });

    test.skipIf(!hasFfmpeg).each(videos)('tracks a video: %s', async (file) => {
      const value = await browser.evaluate(`globalThis.scenes.video('/videos/${file}')`);
      expect(value).toMatchObject({ width: 320, height: 240 });
      expectScene(value);
      expectScene((value as { step: unknown }).step);
    });

    test('says at once where there is no WebCodecs', async () => {
      expect(await browser.evaluate('globalThis.scenes.noWebCodecs()')).toMatchObject({
        name: 'DeviceError',
        message: expect.stringContaining('no WebCodecs') as string,
      });
    });
  });
}

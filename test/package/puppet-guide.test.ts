/** The guide's avatar, run as it is written before a camera that films a drawn face. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { serveFiles } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root, watchContext } from './consumer.ts';
import { snippetsOf } from './snippets.ts';

const [{ code }] = snippetsOf('docs/puppet.md').filter(({ language }) => language === 'html');

test('a page with an avatar takes 60 lines', () => {
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
});

describe.skipIf(spawnSync('ffmpeg', ['-version']).error !== undefined)('the avatar', () => {
  test('is drawn, and says that it tracks', async () => {
    const camera = join(mkdtempSync(join(tmpdir(), 'dve-avatar-')), 'face.y4m');
    const picture = join(root, 'examples', 'shared', 'pictures', 'portrait.jpg');
    const still = ['-v', 'error', '-loop', '1', '-i', picture, '-t', '1', '-r', '20', '-pix_fmt', 'yuv420p'];
    execFileSync('ffmpeg', [...still, camera]);
    const folder = createConsumer('guide-puppet', { 'index.html': code, 'favicon.ico': '' });
    const server = await serveFiles({ '/': folder });
    const browser = await launchChromium([
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
      `--use-file-for-fake-video-capture=${camera}`,
    ]);
    try {
      const context = await browser.newContext();
      const { errors, failed, hosts } = watchContext(context);
      const page = await context.newPage();
      await page.goto(server.url);
      await page.locator('[role=status]', { hasText: 'tracking' }).waitFor({ timeout: 90_000 });
      const skin = await page.evaluate<number>(`(() => {
        const copy = new OffscreenCanvas(480, 480).getContext('2d');
        copy.drawImage(document.querySelector('canvas'), 0, 0);
        const { data } = copy.getImageData(0, 0, 480, 480);
        let count = 0;
        for (let p = 0; p < data.length; p += 4) if (data[p] > 240 && data[p + 2] < 60 && data[p + 3] > 200) count++;
        return count;
      })()`);
      expect(skin).toBeGreaterThan(50_000);
      expect({ errors, failed, hosts: [...hosts] }).toEqual({
        ...{ errors: [], failed: [], hosts: [new URL(server.url).host] },
      });
    } finally {
      await browser.close();
      await server.close();
    }
  });
});

/**
 * Draws the picture in README: the webcam demo's stage while it tracks the drawn face.
 *
 *     npx tsx tools/readme-picture/main.ts [--out docs/pictures/tracking.jpg] [--page FILE.png]
 *
 * --page writes the whole page as well. CHROME_PATH names the Chromium; without it the system's or Playwright's.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launchChromium } from '../../test/package/consumer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'docs', 'pictures', 'tracking.jpg') },
    page: { type: 'string' },
  },
});

const server = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'serve.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, PORT: '5392' },
});
const url = await new Promise<string>((resolve, reject) => {
  server.stdout.on('data', (text) => {
    const address = /Webcam demo: (\S+)/.exec(String(text))?.[1];
    if (address !== undefined) resolve(address);
  });
  server.once('exit', () => {
    reject(new Error('npm start ended'));
  });
});
// The face is drawn by WebGL, by software where there is no GPU.
const browser = await launchChromium(['--enable-unsafe-swiftshader']);
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.goto(`${url}?still`);
  await page.locator('label', { hasText: 'CPU' }).click();
  await page.locator('#start-sample').click();
  await page.locator('#status', { hasText: 'Tracking' }).waitFor({ timeout: 90_000 });
  // The smoother has come to rest by then.
  await page.waitForTimeout(3000);
  await page.locator('#stage').screenshot({ path: values.out, type: 'jpeg', quality: 82 });
  if (values.page !== undefined) await page.screenshot({ path: values.page });
} finally {
  await browser.close();
  server.kill();
}

import type { Browser } from 'playwright';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { openStressPage, stressAborts, stressCycles, stressSoak, type StressPage } from '../stress/page.ts';
import { launchChromium } from './consumer.ts';

// `npm run stress` does the same more often and longer, with a seed of its own.
let browser: Browser;
let page: StressPage;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  page = await openStressPage(browser);
});
afterEach(() => page.close());

test('trackings that are aborted at random moments end with the reason, and leave nothing', async () => {
  expect(await stressAborts(page, 1, 8)).toEqual({ done: 8, valid: 8, failures: [] });
});

test('trackers that are created, used and closed leave no worker, listener or memory', async () => {
  expect(await stressCycles(page, 8)).toEqual({ done: 8, valid: 8, failures: [] });
});

test('a tracking goes on and on: each frame is right, and memory does not grow', async () => {
  const { done, failures } = await stressSoak(page, { frames: 8000, seconds: 0 });
  expect(failures).toEqual([]);
  expect(done).toBeGreaterThanOrEqual(8000);
}, 600_000);

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext } from 'playwright';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const consumers = join(root, '.cache', 'consumers');

let packed: string[] | undefined;

/** Names of the files that npm would publish. Asked once: npm packs everything to say so. */
export const packedFiles = (): string[] => (packed ??= listPackedFiles());

const listPackedFiles = (): string[] => {
  const output = execFileSync(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const report: unknown = JSON.parse(output);
  const [pack] = Array.isArray(report) ? (report as { files: { path: string }[] }[]) : [];
  return pack.files.map(({ path }) => path);
};

const place = (source: string, target: string): void => {
  mkdirSync(dirname(target), { recursive: true });
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target);
  }
};

/**
 * A folder with the package installed as npm would install it: the published files and nothing else.
 * @param files the consumer's own files, name → text
 * @returns path of the folder, empty but for these
 */
export const createConsumer = (name: string, files: Readonly<Record<string, string>>): string => {
  const folder = join(consumers, name);
  rmSync(folder, { recursive: true, force: true });
  const installed = join(folder, 'node_modules', 'dve-sdk');
  for (const path of packedFiles()) place(join(root, path), join(installed, path));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};

/** A Chromium of the system, by the names that it goes by on Linux. */
const systemChromium = (): string | undefined =>
  ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
    .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find((path) => existsSync(path));

/**
 * The Chromium of the test run, without any GPU; outside of one, the system's or else Playwright's own.
 * @param flags more of them
 */
export const launchChromium = (flags: readonly string[] = []): Promise<Browser> => {
  const executablePath = process.env.CHROME_PATH ?? systemChromium();
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-sync',
      ...flags,
    ],
  });
};

/** What pages did: what they said on the console, every host that was asked for anything, and answers that were errors. */
export type PageWatch = {
  errors: string[];
  hosts: Set<string>;
  failed: string[];
  /** Names of the scripts that were asked for. */ scripts: Set<string>;
};

/** Notes what all pages of a context do, and their workers. */
export const watchContext = (context: BrowserContext): PageWatch => {
  const watch: PageWatch = { errors: [], hosts: new Set(), failed: [], scripts: new Set() };
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) watch.errors.push(message.text());
  });
  context.on('weberror', (error) => {
    watch.errors.push(error.error().message);
  });
  // Of the context: requests of workers do not belong to a page.
  context.on('request', (request) => {
    const { protocol, host, pathname } = new URL(request.url());
    if (/\.m?js$/.test(pathname)) watch.scripts.add(basename(pathname));
    if (protocol !== 'data:' && protocol !== 'blob:') watch.hosts.add(host);
  });
  context.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('favicon.ico'))
      watch.failed.push(response.url());
  });
  return watch;
};

/** How a page's script ended, and what the page did. */
export type PageReport = {
  value: unknown;
  errors: string[];
  hosts: string[];
  failed: string[];
  scripts: string[];
};

/** Opens a page whose script sets `globalThis.report` to a promise, and waits for it. */
export const runPage = async (browser: Browser, url: string): Promise<PageReport> => {
  const context = await browser.newContext();
  try {
    const { errors, hosts, failed, scripts } = watchContext(context);
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction('globalThis.report !== undefined');
    const value: unknown = await page.evaluate('globalThis.report');
    return { value, errors, hosts: [...hosts], failed, scripts: [...scripts].sort() };
  } finally {
    await context.close();
  }
};

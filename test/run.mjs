// `npm test`: builds the package, finds a Chromium, runs every test and says how many were skipped.
// Arguments go on to vitest: `npm test -- --project unit` (or integration, or node for both) needs no Chromium.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const resultFile = join(root, '.cache', 'test-results.json');
const systemNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const macChrome = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);

const systemChromium = () =>
  systemNames.map(onPath).find((path) => path !== undefined) ??
  (isExecutable(macChrome) ? macChrome : undefined);

const playwrightChromium = async () => {
  const { chromium } = await import('playwright');
  const path = chromium.executablePath();
  return existsSync(path) ? path : undefined;
};

/** Debian and Ubuntu, as root: the one case where the test run may install a browser itself. */
const installChromium = () => {
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get') !== undefined;
  if (!mayInstall) return undefined;
  console.log('No Chromium found: installing it by apt-get.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
    stdio: 'inherit',
    env,
  });
  return systemChromium();
};

const findChromium = async () => {
  const named = process.env.CHROME_PATH;
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    console.error(`CHROME_PATH names ${named}, which cannot be run. Set it to a Chromium or leave it out.`);
    return undefined;
  }
  return systemChromium() ?? (await playwrightChromium()) ?? installChromium();
};

const run = (command, args, env = process.env) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;

const readReport = () => (existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined);

/** Tests under a title that ends in "on webgpu" (test/browser/devices/on-devices.ts). */
const countOnWebgpu = (report) => {
  const tests = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ ancestorTitles }) => ancestorTitles.some((title) => title.endsWith(' on webgpu')));
  const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed').length;
  return { ran, skipped: tests.length - ran };
};

/** Numbers of vitest's own report; a file that could not even be loaded counts as one failure. */
const countTests = (report) => {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

const vitestArguments = process.argv.slice(2);
/** Projects that run in Node alone; `node` is both (vitest.config.ts). */
const nodeProjects = new Set(['unit', 'integration', 'node']);
const askedProjects = vitestArguments.flatMap((argument, index) =>
  argument === '--project'
    ? [vitestArguments[index + 1]]
    : argument.startsWith('--project=')
      ? [argument.slice('--project='.length)]
      : [],
);
const nodeOnly = askedProjects.length > 0 && askedProjects.every((name) => nodeProjects.has(name));

const chromium = nodeOnly ? undefined : await findChromium();
const withoutBrowser = !nodeOnly && chromium === undefined;
if (withoutBrowser) {
  console.error(
    'No Chromium found, so the browser tests cannot run. Install one (Debian, Ubuntu: apt-get install chromium; ' +
      'others: npx playwright install chromium) or name one by CHROME_PATH.',
  );
}

mkdirSync(join(root, '.cache'), { recursive: true });
rmSync(resultFile, { force: true });
const buildStatus = run('npm', ['run', '--silent', 'build']);
const env = { ...process.env, ...(chromium === undefined ? {} : { CHROME_PATH: chromium }) };
const testStatus = run(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${resultFile}`,
    ...(withoutBrowser ? ['--project', 'node'] : []),
    ...vitestArguments,
  ],
  env,
);

const report = readReport();
const { passed, failed, skipped } = countTests(report);
const unexplained = failed === 0 && (buildStatus !== 0 || testStatus !== 0 || withoutBrowser);
if (unexplained) {
  const reason =
    buildStatus !== 0 ? 'the build failed' : withoutBrowser ? 'no Chromium' : 'an error outside the tests';
  console.error(`Failed although no test did: ${reason}.`);
}
if (report !== undefined && !nodeOnly) {
  const onWebgpu = countOnWebgpu(report);
  console.log(
    `WebGPU: ${onWebgpu.ran} tests ran on an adapter, ${onWebgpu.skipped} were skipped in a browser without one`,
  );
}
console.log(`${passed} passed, ${failed + (unexplained ? 1 : 0)} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || unexplained ? 1 : 0;

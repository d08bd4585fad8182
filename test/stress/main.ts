// `npm run stress`: damaged files and networks, aborts, cycles and a soak. Nothing may be lost: each ends in something
// valid or in a typed error, and leaves nothing behind.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { fixtureFolder } from '../fixtures/setup.ts';
import { launchChromium } from '../package/consumer.ts';
import { stressFiles } from './files.ts';
import { stressNetworks } from './networks.ts';
import { openStressPage, stressAborts, stressCycles, stressSoak, type StressPage } from './page.ts';
import type { StressReport } from './report.ts';

const help = `Usage: npm run stress -- [options]

  --seed N      seed of all damage and moments (default: drawn anew, and printed)
  --only A,B    kinds to run: files, networks, aborts, cycles, soak (default all)
  --files N     damaged manifests, landmark sets and files of points (default 10000)
  --networks N  damaged networks (default 300)
  --device D    where damaged networks run: cpu or wasm (default cpu)
  --aborts N    trackings aborted at random moments, in Chromium (default 30)
  --cycles N    trackers created and closed, in Chromium (default 60)
  --minutes N   length of the soak, in Chromium (default 5)

The last three use the built package: npm run build comes first. Exit code 1 where anything was lost.
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    only: { type: 'string', default: 'files,networks,aborts,cycles,soak' },
    files: { type: 'string', default: '10000' },
    networks: { type: 'string', default: '300' },
    device: { type: 'string', default: 'cpu' },
    aborts: { type: 'string', default: '30' },
    cycles: { type: 'string', default: '60' },
    minutes: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});

/** Each in a page of its own. */
const inPage = async (work: (page: StressPage) => Promise<StressReport>): Promise<StressReport> => {
  let browser: Browser | undefined;
  try {
    browser = await launchChromium();
    const page = await openStressPage(browser);
    const report = await work(page);
    await page.close();
    return report;
  } finally {
    await browser?.close();
  }
};

const seed = Number(values.seed);
const kinds: Readonly<Record<string, () => Promise<StressReport>>> = {
  files: () => stressFiles(seed, Number(values.files)),
  networks: () => stressNetworks(seed, Number(values.networks), values.device === 'wasm' ? 'wasm' : 'cpu'),
  aborts: () => inPage((page) => stressAborts(page, seed, Number(values.aborts))),
  cycles: () => inPage((page) => stressCycles(page, Number(values.cycles))),
  soak: () => inPage((page) => stressSoak(page, { frames: 0, seconds: 60 * Number(values.minutes) })),
};

const main = async (): Promise<number> => {
  const asked = values.only.split(',');
  const unknown = asked.find((name) => !Object.hasOwn(kinds, name));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined || values.help ? help : `There is no kind "${unknown}".\n\n${help}`);
    return values.help ? 0 : 2;
  }
  mkdirSync(fixtureFolder, { recursive: true });
  await writeBlobModel(join(fixtureFolder, 'blobs'));
  console.log(`seed ${seed}`);
  let lost = 0;
  for (const name of asked) {
    const { done, valid, failures } = await kinds[name]();
    console.log(`${name}: ${done} done, ${valid} valid, ${failures.length} lost`);
    for (const failure of failures.slice(0, 20)) console.log(`  ${failure}`);
    lost += failures.length;
  }
  return lost === 0 ? 0 : 1;
};

process.exitCode = await main();

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { emptyReport, type StressReport } from './report.ts';

const script = fileURLToPath(new URL('network-child.ts', import.meta.url));

type Line = Partial<StressReport> & { /** The one that is tried next. */ index?: number };

/** @returns the number at which the process died, and how; undefined where it came to the end */
const runChild = async (
  [seed, first, end, device]: readonly [number, number, number, string],
  report: StressReport,
): Promise<{ index: number; reason: string } | undefined> => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, String(seed), String(first), String(end), device],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let index = first;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code === 0 ? undefined : `the process ended by ${signal ?? code}: ${stderr.slice(-300)}`);
    });
  });
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as Line;
    index = line.index ?? index;
    report.done += line.done ?? 0;
    report.valid += line.valid ?? 0;
    report.failures.push(...(line.failures ?? []));
  }
  const reason = await ended;
  return reason === undefined ? undefined : { index, reason };
};

/** Opens and runs `count` damaged networks whose hashes are right, on a device; the same for a seed, one by one. */
export const stressNetworks = async (
  seed: number,
  count: number,
  device: 'cpu' | 'wasm' = 'cpu',
): Promise<StressReport> => {
  const report = emptyReport();
  let first = 0;
  while (first < count) {
    const died = await runChild([seed, first, count, device], report);
    if (died === undefined) break;
    report.done++;
    report.failures.push(`network ${died.index}: ${died.reason}`);
    first = died.index + 1;
  }
  return report;
};

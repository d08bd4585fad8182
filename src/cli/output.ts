import { DveError } from '../errors.ts';
import type { AccuracySummary } from '../evaluation/accuracy.ts';
import { helpText, UsageError, type CommandSpec, type OptionSpec } from './arguments.ts';

/** Figures of a command: one JSON object with `--json`, else a line for each. */
export const printResult = (result: Record<string, unknown>, json: boolean): void => {
  if (json) {
    console.log(JSON.stringify(result));
    return;
  }
  const width = Math.max(...Object.keys(result).map((key) => key.length));
  for (const [key, value] of Object.entries(result)) console.log(`${key.padEnd(width)}  ${String(value)}`);
};

/** A number with `digits` decimals, still a number. */
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Accuracy in percent, by the names that every landmark protocol prints. */
export const printAccuracy = (
  { nme, median, pck10, failure10, images }: AccuracySummary,
  json: boolean,
): void => {
  const percent = (share: number): number => round(100 * share, 3);
  printResult(
    {
      nme_iod: percent(nme),
      median_iod: percent(median),
      pck10: percent(pck10),
      failure10: percent(failure10),
      images,
    },
    json,
  );
};

/** Answer to `--help`. */
export const printHelp = <Options extends Record<string, OptionSpec>>(spec: CommandSpec<Options>): void => {
  process.stdout.write(helpText(spec));
};

/** A line on stderr: warnings and progress never mix with the result. */
export const printNote = (text: string): void => {
  console.error(text);
};

/**
 * Progress on stderr: rewritten in place on a terminal, else nothing but warnings.
 * @returns told how many of `total` are done
 */
export const createProgress = (label: string): ((done: number, total: number) => void) => {
  if (!process.stderr.isTTY) return () => undefined;
  let shown = 0;
  return (done, total) => {
    const now = Date.now();
    if (done < total && now - shown < 200) return;
    shown = now;
    process.stderr.write(`\r${label} ${done}/${total}${done >= total ? '\n' : ''}`);
  };
};

/** Exit code of a failure: 2 for a command line that was typed wrongly, else 1. */
export const exitCode = (error: unknown): 1 | 2 => (error instanceof UsageError ? 2 : 1);

/** A failure: one line on stderr, and with `--json` the last line of stdout, as every result. */
export const printFailure = (error: unknown, argv: readonly string[]): void => {
  printNote(describeFailure(error));
  if (!argv.includes('--json')) return;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  console.log(JSON.stringify({ error: { name, message: oneLine(message) } }));
};

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();

/** The failure in one line; with DVE_DEBUG=1 the whole stack, for those who work on this package. */
export const describeFailure = (error: unknown): string => {
  if (process.env.DVE_DEBUG === '1' && error instanceof Error) return error.stack ?? error.message;
  const message = error instanceof Error ? error.message : String(error);
  const line = oneLine(message);
  if (error instanceof DveError) return `dve: ${line}`;
  // Nobody meant to throw this one: say so, and how to learn more.
  return `dve: unexpected failure: ${line || 'no message'} (DVE_DEBUG=1 shows where)`;
};

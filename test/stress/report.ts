import { DveError } from '../../src/errors.ts';

/** What came of a kind of stress. */
export type StressReport = {
  /** How many were tried. */ done: number;
  /** How many gave something valid; the others were refused by a typed error. */ valid: number;
  /** What was neither: one line each, with the number that makes it again. */ failures: string[];
};

export const emptyReport = (): StressReport => ({ done: 0, valid: 0, failures: [] });

/** Tries one, and notes how it ends. @param work throws, or returns what makes its result invalid */
export const tryOne = async (
  report: StressReport,
  name: string,
  work: () => Promise<string | undefined>,
): Promise<void> => {
  report.done++;
  try {
    const problem = await work();
    if (problem === undefined) report.valid++;
    else report.failures.push(`${name}: ${problem}`);
  } catch (error) {
    const problem = problemOf(error);
    if (problem !== undefined) report.failures.push(`${name}: ${problem}`);
  }
};

/** What is wrong with an error: nothing where it is typed and says what to do in one line. */
const problemOf = (error: unknown): string | undefined => {
  if (!(error instanceof DveError)) return `untyped: ${String(error)}`;
  if (error.name === 'DveError') return `of no kind: ${error.message}`;
  if (/[\n\r]/.test(error.message)) return `more than one line: ${JSON.stringify(error.message)}`;
  return error.message.length > 1000
    ? `${error.message.length} characters long: ${error.message.slice(0, 300)}`
    : undefined;
};

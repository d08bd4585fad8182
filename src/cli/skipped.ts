import { printNote } from './output.ts';

/** Counts what is left out, and names each on stderr. */
export type SkipLog = {
  /** @param count of files that the message is about, default 1 */ onSkip: (
    message: string,
    count?: number,
  ) => void;
  /** Says how many there were, if any. */ finish(): void;
};

export const createSkipLog = (): SkipLog => {
  const seen = new Set<string>();
  let files = 0;
  return {
    onSkip: (message, count = 1) => {
      if (seen.has(message)) return;
      seen.add(message);
      files += count;
      printNote(`skipped: ${message}`);
    },
    finish: () => {
      if (files > 0) printNote(`${files} picture${files === 1 ? '' : 's'} skipped`);
    },
  };
};

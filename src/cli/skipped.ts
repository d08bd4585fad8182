import { printNote } from './output.ts';

/** Counts what is left out, and names each on stderr. */
export type SkipLog = {
  onSkip: (message: string) => void;
  /** Says how many there were, if any. */ finish(): void;
};

export const createSkipLog = (): SkipLog => {
  const seen = new Set<string>();
  return {
    onSkip: (message) => {
      if (seen.has(message)) return;
      seen.add(message);
      printNote(`skipped: ${message}`);
    },
    finish: () => {
      if (seen.size > 0) printNote(`${seen.size} picture${seen.size === 1 ? '' : 's'} skipped`);
    },
  };
};

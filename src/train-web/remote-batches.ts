import type { Batch } from '../train/batch/batch.ts';
import type { Remote } from '../worker/rpc.ts';
import type { BatchApi } from './messages.ts';

/** Batches asked for ahead of the one that is needed. */
const ahead = 2;

/** The batches of a training from another worker, in order from `start` on. */
export const createRemoteBatches = (
  remote: Remote<BatchApi>,
  start: number,
  end: number,
): { next(): Promise<Batch> } => {
  const asked: Promise<Batch>[] = [];
  let nextStep = start;
  const askAhead = (): void => {
    while (asked.length <= ahead && nextStep < end) {
      const batch = Promise.resolve(remote.batch(nextStep++));
      // Whoever takes it hears of its failure; one that nobody takes any more need not be heard of.
      batch.catch(() => undefined);
      asked.push(batch);
    }
  };
  return {
    next: () => {
      askAhead();
      const batch = asked.shift() ?? Promise.resolve(remote.batch(nextStep++));
      askAhead();
      return batch;
    },
  };
};

import { ClosedError } from '../errors.ts';

/** Runs jobs one after the other. */
export type CallQueue = {
  /** @throws ClosedError when the queue is, or is closed before the job's turn; whatever the job throws */
  run<Result>(job: () => Promise<Result>): Promise<Result>;
  /** Waits for the job in progress; those behind it are rejected. May be called again. */
  close(): Promise<void>;
};

/** @param name how the ClosedError calls the owner, for example `Model` */
export const createCallQueue = (name: string): CallQueue => {
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: (job) => {
      const result = last.then(() => {
        if (closed) throw new ClosedError(`the ${name} is closed. Create a new one.`);
        return job();
      });
      // Swallow here, not for the caller: a rejected link would fail every later run.
      last = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      closed = true;
      await last;
    },
  };
};

import {
  ClosedError,
  DeviceError,
  DivergedError,
  DveError,
  GraphError,
  InputError,
  ModelError,
  SourceError,
  firstLine,
} from '../errors.ts';
import type { Greeter } from './messages.ts';
import { connect, type Remote } from './rpc.ts';
import { version } from './version.ts';
import type * as WorkerFaults from './worker-faults.ts';

/** The page's end of a worker. Whatever happens to the worker, no call stays pending. */
export type WorkerClient<Api> = {
  /**
   * Calls the worker.
   * @param limit seconds to wait for the answer before the worker is given up; without it, for ever
   * @throws ClosedError when the worker is closed or dies before it answers; what the worker threw
   */
  call<Value>(request: (worker: Remote<Api>) => Promise<Value>, limit?: number): Promise<Value>;
  /** Watches the worker through the lock it holds: a worker that dies says nothing, but its locks are released. */
  watch(lockName: string): void;
  /** Aborted when the worker has ended, whoever ended it; its reason is the ClosedError that calls get. */
  readonly ended: AbortSignal;
  /** Ends the worker and rejects everything that is pending. May be called again. */
  close(): void;
};

// By name as a key, which survives minification; the `name` of a class does not.
const errorClasses: Readonly<Record<string, typeof DveError>> = {
  InputError,
  ModelError,
  DeviceError,
  SourceError,
  ClosedError,
  DivergedError,
  GraphError,
  DveError,
};

/** Errors lose their class on the way from the worker; their name tells which it was. */
export const reviveError = (error: unknown): Error => {
  if (!(error instanceof Error)) return new DveError(String(error));
  const known = errorClasses[error.name] as typeof DveError | undefined;
  if (known === undefined || error instanceof known) return error;
  const revived = new known(error.message);
  if (error.stack !== undefined) revived.stack = error.stack;
  return revived;
};

/** Seconds that a worker's script gets to load and say its first word: much, because networks are slow. */
const greetingLimit = 60;

/**
 * Connects with a worker whose death rejects what is pending.
 * @param owner how errors call what the worker belongs to, for example `tracker`
 * @param script its URL, where the caller was told where it is
 */
export const connectWorker = <Api>(worker: Worker, owner: string, script?: string): WorkerClient<Api> => {
  const diedWorker = (reason: string): ClosedError =>
    new ClosedError(`the ${owner}'s worker died (${reason}). Create a new ${owner}.`);
  const watching = new AbortController();
  const { signal } = watching;
  const { remote, end } = connect<Api>(worker);
  const pending = new Set<(reason: Error) => void>();

  const finish = (reason: ClosedError): void => {
    if (signal.aborted) return;
    end(reason);
    worker.terminate();
    watching.abort(reason);
    for (const reject of pending) reject(reason);
  };

  /** For what is said at length: it is loaded when it is to be said. */
  const finishWith = (reason: (faults: typeof WorkerFaults) => ClosedError): void => {
    import('./worker-faults.ts').then(
      (faults) => {
        finish(reason(faults));
      },
      (error: unknown) => {
        finish(diedWorker(firstLine(error)));
      },
    );
  };

  const onError = (event: Event): void => {
    // A script that cannot be loaded sends a plain Event without a message.
    const { message } = event as Partial<ErrorEvent>;
    if (message !== undefined && message !== '') finish(diedWorker(message));
    else finishWith((faults) => faults.noScript(owner, script));
  };
  const onUnreadable = (): void => {
    finish(diedWorker('a message could not be read'));
  };
  worker.addEventListener('error', onError, { signal });
  worker.addEventListener('messageerror', onUnreadable, { signal });

  return {
    ended: signal,
    call: async (request, limit) => {
      signal.throwIfAborted();
      const timer =
        limit === undefined
          ? undefined
          : setTimeout(() => {
              finishWith((faults) => faults.noAnswer(owner, limit));
            }, 1000 * limit);
      // What a request waits for besides the worker must not outlive it, either.
      let reject: (reason: Error) => void = () => undefined;
      const death = new Promise<never>((_, rejectIt) => {
        reject = rejectIt;
      });
      pending.add(reject);
      try {
        return await Promise.race([request(remote), death]);
      } catch (error) {
        throw reviveError(error);
      } finally {
        clearTimeout(timer);
        pending.delete(reject);
      }
    },
    watch: (lockName) => {
      // Missing in pages without https: there only errors and messages tell of a death.
      const locks = navigator.locks as LockManager | undefined;
      locks
        ?.request(lockName, { signal }, () => {
          finish(diedWorker('it was killed, or ran out of memory'));
        })
        // The only rejection is the abort of our own signal.
        .catch(() => undefined);
    },
    close: () => {
      finish(new ClosedError(`the ${owner} is closed. Create a new one.`));
    },
  };
};

/**
 * Waits for a worker's first word, and watches it from then on.
 * @param owner as of `connectWorker`
 * @throws DeviceError for a script of another version; ClosedError for none
 */
export const greet = async (client: WorkerClient<Greeter>, owner: string): Promise<void> => {
  // Locks are shared by all pages of an origin.
  const lockName = `dve-sdk ${Math.random().toString(36).slice(2)}`;
  const found = await client.call((worker) => worker.hold(lockName), greetingLimit);
  if (found !== version) {
    throw (await import('./worker-faults.ts')).otherVersion(owner, found);
  }
  client.watch(lockName);
};

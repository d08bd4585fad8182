import {
  ClosedError,
  DeviceError,
  DivergedError,
  DveError,
  GraphError,
  InputError,
  ModelError,
  SourceError,
} from '../errors.ts';
import type { Greeter } from './messages.ts';
import { connect, type Remote } from './rpc.ts';
import { version } from './version.ts';

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

const noScript = (owner: string, remedy: string): ClosedError =>
  new ClosedError(`the ${owner}'s worker script could not be loaded. ${remedy}`);

/** Where nobody said where the script is. */
const bundledRemedy =
  "Where the bundler does not do it (esbuild, Parcel), copy dve-sdk's folders dist and models to what is served and name dist by assetBase; with the development server of Vite 7 or older, add 'dve-sdk' to optimizeDeps.exclude. A Content-Security-Policy has to allow it in worker-src.";

/** Seconds that a worker's script gets to load and say its first word: much, because networks are slow. */
const greetingLimit = 60;

const noAnswer = (owner: string, limit: number): ClosedError =>
  new ClosedError(
    `the ${owner}'s worker did not answer in ${limit} s: its script may be empty or of another version. Serve all files of dve-sdk's dist folder, of one version.`,
  );

/**
 * Connects with a worker whose death rejects what is pending.
 * @param owner how errors call what the worker belongs to, for example `tracker`
 * @param remedy what to do when its script cannot be loaded
 */
export const connectWorker = <Api>(
  worker: Worker,
  owner: string,
  remedy = bundledRemedy,
): WorkerClient<Api> => {
  const diedWorker = (reason: string): ClosedError =>
    new ClosedError(`the ${owner}'s worker died (${reason}). Create a new ${owner}.`);
  const watching = new AbortController();
  const { signal } = watching;
  const { remote, end } = connect<Api>(worker);

  const finish = (reason: ClosedError): void => {
    if (signal.aborted) return;
    end(reason);
    worker.terminate();
    watching.abort(reason);
  };

  const onError = (event: Event): void => {
    // A script that cannot be loaded sends a plain Event without a message.
    const { message } = event as Partial<ErrorEvent>;
    finish(message === undefined || message === '' ? noScript(owner, remedy) : diedWorker(message));
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
              finish(noAnswer(owner, limit));
            }, 1000 * limit);
      try {
        return await request(remote);
      } catch (error) {
        throw reviveError(error);
      } finally {
        clearTimeout(timer);
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
    throw new DeviceError(
      `the ${owner}'s worker script is of dve-sdk ${found ?? 'before 0.1.0'}, its page of ${version}. Copy the whole dist folder again, and empty caches.`,
    );
  }
  client.watch(lockName);
};

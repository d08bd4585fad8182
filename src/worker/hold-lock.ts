import { version } from './version.ts';

/** Holds the lock by which the page can tell that the worker lives. Resolves once it is held. @returns the worker's version */
export const holdLock = (name: string): Promise<string> =>
  new Promise((resolve) => {
    const locks = navigator.locks as LockManager | undefined;
    if (locks === undefined) {
      resolve(version);
      return;
    }
    const untilDeath = new Promise<never>(() => undefined);
    void locks.request(name, () => {
      resolve(version);
      return untilDeath;
    });
  });

/** Holds the lock by which the page can tell that the worker lives. Resolves once it is held. */
export const holdLock = (name: string): Promise<void> =>
  new Promise((resolve) => {
    const locks = navigator.locks as LockManager | undefined;
    if (locks === undefined) {
      resolve();
      return;
    }
    const untilDeath = new Promise<never>(() => undefined);
    void locks.request(name, () => {
      resolve();
      return untilDeath;
    });
  });

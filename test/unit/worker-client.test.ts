import { describe, expect, test, vi } from 'vitest';
import * as errors from '../../src/errors.ts';
import { rejectUnknownKeys } from '../../src/options.ts';
import { connectWorker, reviveError, type WorkerClient } from '../../src/worker/client.ts';

/** A worker that takes messages and never answers. */
class SilentWorker extends EventTarget {
  terminated = 0;
  readonly heard = new Set<string>();
  /** Nothing comes back. */
  postMessage(): void {
    return undefined;
  }
  /** Types of events whose listeners hang on a signal, which keeps them for as long as it lives. */
  readonly signalled = new Set<string>();
  override addEventListener(...given: Parameters<EventTarget['addEventListener']>): void {
    super.addEventListener(...given);
    const [type, , options] = given;
    this.heard.add(type);
    if (typeof options !== 'object' || options.signal === undefined) return;
    this.signalled.add(type);
    options.signal.addEventListener('abort', () => this.heard.delete(type));
  }
  override removeEventListener(...given: Parameters<EventTarget['removeEventListener']>): void {
    super.removeEventListener(...given);
    this.heard.delete(given[0]);
  }
  terminate(): void {
    this.terminated += 1;
  }
}

type Api = { work(): Promise<number> };

const connect = (): { worker: SilentWorker; client: WorkerClient<Api> } => {
  const worker = new SilentWorker();
  // The part of a Worker that a client uses.
  const client = connectWorker<Api>(worker as EventTarget as Worker, 'tracker');
  return { worker, client };
};

describe('the client of a worker', () => {
  test.each([
    ['an error', new Event('error'), 'optimizeDeps.exclude'],
    ['an unreadable message', new Event('messageerror'), 'could not be read'],
  ])('rejects every pending and later call on %s', async (_, event, words) => {
    const { worker, client } = connect();
    const calls = [client.call((api) => api.work()), client.call((api) => api.work())];
    worker.dispatchEvent(event);
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(calls[0]).rejects.toThrow(errors.ClosedError);
    await expect(calls[1]).rejects.toThrow(words);
    await expect(client.call((api) => api.work())).rejects.toThrow(words);
    expect(worker.terminated).toBe(1);
  });

  test('keeps nothing of a call: the listener of each hangs on no signal', async () => {
    const { worker, client } = connect();
    const call = client.call((api) => api.work());
    expect(worker.heard).toContain('message');
    expect(worker.signalled).not.toContain('message');
    client.close();
    await expect(call).rejects.toThrow(errors.ClosedError);
  });

  test('rejects every pending call on close, once', async () => {
    const { worker, client } = connect();
    const call = client.call((api) => api.work());
    client.close();
    client.close();
    await expect(call).rejects.toThrow('the tracker is closed');
    expect(worker.terminated).toBe(1);
  });

  test('rejects a call that waits for something else than the worker', async () => {
    const { client } = connect();
    const call = client.call(() => new Promise<never>(() => undefined));
    client.close();
    await expect(call).rejects.toThrow('the tracker is closed');
  });

  test('lets go of the worker on close: no listener stays', async () => {
    const { worker, client } = connect();
    const call = client.call((api) => api.work());
    expect([...worker.heard].sort()).toEqual(['error', 'message', 'messageerror']);
    client.close();
    await expect(call).rejects.toThrow(errors.ClosedError);
    expect([...worker.heard]).toEqual([]);
  });

  test('gives up a worker that does not say its first word', async () => {
    vi.useFakeTimers();
    try {
      const { worker, client } = connect();
      const greeting = client.call((api) => api.work(), 60);
      const other = client.call((api) => api.work());
      const outcomes = Promise.allSettled([greeting, other]);
      vi.advanceTimersByTime(59_000);
      expect(worker.terminated).toBe(0);
      vi.advanceTimersByTime(1_000);
      expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await expect(greeting).rejects.toThrow('did not answer in 60 s');
      expect(worker.terminated).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('passes on what a call gives, and what it throws with its class', async () => {
    const { client } = connect();
    expect(await client.call(() => Promise.resolve(7))).toBe(7);
    const thrown = Object.assign(new Error('too small'), { name: 'InputError' });
    await expect(client.call(() => Promise.reject(thrown))).rejects.toThrow(errors.InputError);
    await expect(client.call(() => Promise.reject(new RangeError('odd')))).rejects.toThrow(RangeError);
  });
});

describe('errors that crossed the border', () => {
  const classes = Object.entries(errors).filter((entry): entry is [string, typeof errors.DveError] =>
    String(entry[1]).startsWith('class '),
  );

  test('are all of the ones there are', () => {
    expect(classes.map(([name]) => name)).toContain('DivergedError');
    expect(classes.length).toBeGreaterThan(6);
  });

  test.each(classes)('a %s is one again, with its message and its stack', (name, errorClass) => {
    const plain = Object.assign(new Error('words'), { name, stack: 'where it was' });
    const revived = reviveError(plain);
    expect(revived).toBeInstanceOf(errorClass);
    expect(revived).toMatchObject({ name, message: 'words', stack: 'where it was' });
  });

  test('other errors stay as they are, and what is no error becomes one', () => {
    const error = new TypeError('x');
    expect(reviveError(error)).toBe(error);
    expect(reviveError('text')).toMatchObject({ name: 'DveError', message: 'text' });
    expect(reviveError(Object.assign(new Error('y'), { name: 'constructor' })).message).toBe('y');
  });
});

test('an unknown option is refused by name, with the known ones', () => {
  expect(() => {
    rejectUnknownKeys({ devise: 1 }, ['device', 'model'], 'track()');
  }).toThrow('track() has no option "devise". Known options: device, model.');
  rejectUnknownKeys({ device: 1 }, ['device', 'model'], 'track()');
});

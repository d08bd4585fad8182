import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest';
import { DeviceError } from '../../src/errors.ts';
import { Tracker } from '../../src/tracker.ts';
import { openModel } from '../../src/tracking-model.ts';
import { createTraining } from '../../src/train-web/training.ts';
import { version } from '../../src/worker/version.ts';
import { stubWorkers } from '../fixtures/fake-worker.ts';

let made: MockInstance<typeof URL.createObjectURL>;
let revoked: MockInstance<typeof URL.revokeObjectURL>;

beforeEach(() => {
  made = vi.spyOn(URL, 'createObjectURL');
  revoked = vi.spyOn(URL, 'revokeObjectURL');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const madeUrls = (): string[] => made.mock.results.map(({ value }) => String(value));
const revokedUrls = (): string[] => revoked.mock.calls.map(([url]) => url);

const refuse = (): never => {
  throw new Error('This document requires TrustedScriptURL');
};

const files = new Map([
  ['manifest.json', new Uint8Array(1)],
  ['model.onnx', new Uint8Array(1)],
]);

/** A service that opens any model. */
const service = (told: string | undefined = version) => ({
  hold: () => told,
  open: () => ({ device: 'wasm', startupMs: 0 }),
  createTracker: () => ({ id: 1, info: { startupMs: 0, landmarks: { names: [] } } }),
});

test('the version is that of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect((JSON.parse(text) as { version: string }).version).toBe(version);
});

describe('a page that may not start a worker', () => {
  test.each([
    ['of its own origin', 'http://page.test/dist/', files.size],
    ['of another origin, by a script of its own', 'http://cdn.test/dist/', files.size + 1],
  ])('keeps no URLs of a model, nor of a worker %s', async (_, assetBase, urls) => {
    stubWorkers(refuse);
    await expect(openModel({ model: files, assetBase })).rejects.toThrow('Trusted Types');
    expect(madeUrls()).toHaveLength(urls);
    expect(revokedUrls().sort()).toEqual(madeUrls().sort());
  });

  test('keeps no worker of a training either, where one of the two was started', () => {
    const workers = stubWorkers((index) => (index === 0 ? service() : refuse()));
    const options = { pictures: [new Blob(['x'])], assetBase: 'http://page.test/dist/' };
    expect(() => createTraining(options)).toThrow(DeviceError);
    expect(workers).toMatchObject({ urls: { length: 2 }, terminated: 1 });
  });
});

describe('a worker whose script is of another version', () => {
  test.each([
    ['an older one', '0.0.7', 'is of dve-sdk 0.0.7'],
    ['one that tells none', undefined, 'is of dve-sdk before'],
  ])('is refused, with both versions and the remedy: %s', async (_, told, words) => {
    // undefined would stand for the right one.
    const workers = stubWorkers(() => ({ ...service(), hold: () => told }));
    const opening = openModel({ model: files, assetBase: 'http://page.test/dist/' });
    const error = await opening.then(
      () => expect.unreachable('it was opened'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DeviceError);
    const { message } = error as Error;
    for (const part of [words, `its page of ${version}`, 'Copy the whole dist folder again']) {
      expect(message).toContain(part);
    }
    expect(workers.terminated).toBe(1);
    expect(revokedUrls().sort()).toEqual(madeUrls().sort());
  });

  test('is refused by a training, too', async () => {
    const workers = stubWorkers((index) => service(index === 0 ? version : '0.0.7'));
    vi.stubGlobal('document', {});
    const training = createTraining({
      ...{ pictures: [new Blob(['x'])], assetBase: 'http://page.test/dist/' },
    });
    await expect(training.ready).rejects.toThrow("training's worker script is of dve-sdk 0.0.7");
    expect(workers.terminated).toBe(2);
  });
});

describe('a second close()', () => {
  test('of a tracker waits for the first to end', async () => {
    let end: () => void = () => undefined;
    const ending = new Promise<void>((resolve) => {
      end = resolve;
    });
    stubWorkers(() => ({ ...service(), closeTracker: () => ending }));
    const model = await openModel({ model: files, assetBase: 'http://page.test/dist/' });
    const tracker = await Tracker.create({ model });
    const closed: number[] = [];
    const first = tracker.close().then(() => closed.push(1));
    const second = tracker.close().then(() => closed.push(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toEqual([]);
    end();
    await Promise.all([first, second]);
    expect(closed).toEqual([1, 2]);
    await model.close();
  });

  test('of a model ends its worker and frees its files once', async () => {
    const workers = stubWorkers(() => service());
    const model = await openModel({ model: files, assetBase: 'http://page.test/dist/' });
    await Promise.all([model.close(), model.close()]);
    expect(workers.terminated).toBe(1);
    expect(new Set(revokedUrls())).toEqual(new Set(madeUrls()));
  });
});

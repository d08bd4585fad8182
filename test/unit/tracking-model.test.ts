import { afterEach, expect, test, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { Tracker } from '../../src/tracker.ts';
import { openModel, type TrackingModel } from '../../src/tracking-model.ts';
import type { TrackerMessage } from '../../src/worker/messages.ts';
import { version } from '../../src/worker/version.ts';
import { stubWorkers } from '../fixtures/fake-worker.ts';
import { landmarkSet } from './virtual-world.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A model whose worker keeps what trackers are asked for, and which of them are closed. */
const openFake = async (): Promise<{ model: TrackingModel; asked: TrackerMessage[]; closed: number[] }> => {
  const asked: TrackerMessage[] = [];
  const closed: number[] = [];
  stubWorkers(() => ({
    hold: () => version,
    open: () => ({ startupMs: 0 }),
    createTracker: (message: TrackerMessage) => {
      asked.push(message);
      return { id: asked.length, info: { startupMs: 0, landmarks: { names: [] } } };
    },
    closeTracker: (id: number) => closed.push(id),
  }));
  return { model: await openModel({ assetBase: 'http://page.test/dist/' }), asked, closed };
};

test('createTracker() of an open model gives trackers that share it and leave it open', async () => {
  const { model, asked, closed } = await openFake();
  const own = await model.createTracker();
  const given = await model.createTracker(landmarkSet, { objects: 2, smoothing: false });
  expect(own).toBeInstanceOf(Tracker);
  expect(asked[0]).toMatchObject({ landmarks: undefined, objects: 1 });
  expect(asked[1]).toMatchObject({ landmarks: { names: landmarkSet.names }, objects: 2, smoothing: false });
  await own.close();
  expect(closed).toEqual([1]);
  await model.createTracker();
  expect(asked).toHaveLength(3);
  await model.close();
  await expect(given.reset()).rejects.toThrow('closed');
});

test('createTracker() refuses what it does not know, and what is settled', async () => {
  const { model, asked } = await openFake();
  await expect(model.createTracker(undefined, { object: 1 } as never)).rejects.toThrow(InputError);
  await expect(model.createTracker(undefined, { device: 'wasm' } as never)).rejects.toThrow('openModel()');
  expect(asked).toEqual([]);
  await model.close();
});

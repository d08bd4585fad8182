import { describe, expect, test } from 'vitest';
import { LatestFrame } from '../../src/sources/latest-frame.ts';

type Fake = { id: number; frame: { closed: number; close(): void } };

const fake = (id: number): Fake => ({
  id,
  frame: {
    closed: 0,
    close() {
      this.closed += 1;
    },
  },
});

describe('the place for the latest frame', () => {
  test('a newer frame replaces the one that waits, which is closed once and counted', async () => {
    const latest = new LatestFrame<Fake>();
    const first = latest.next();
    const frames = [1, 2, 3, 4].map(fake);
    latest.push(frames[0]);
    expect(await first).toBe(frames[0]);
    for (const frame of frames.slice(1)) latest.push(frame);
    expect(await latest.next()).toBe(frames[3]);
    expect(frames.map(({ frame }) => frame.closed)).toEqual([0, 1, 1, 0]);
    expect(latest.counts).toEqual({ seen: 4, dropped: 2 });
  });

  test('what is replaced before anybody reads is closed but not counted', async () => {
    const latest = new LatestFrame<Fake>();
    const frames = [1, 2, 3].map(fake);
    for (const frame of frames) latest.push(frame);
    expect(await latest.next()).toBe(frames[2]);
    expect(frames.map(({ frame }) => frame.closed)).toEqual([1, 1, 0]);
    expect(latest.counts).toEqual({ seen: 1, dropped: 0 });
  });

  test('after the end the waiting frame can still be taken, then there is nothing more', async () => {
    const latest = new LatestFrame<Fake>();
    const frame = fake(1);
    latest.push(frame);
    latest.end();
    const late = fake(2);
    latest.push(late);
    expect(late.frame.closed).toBe(1);
    expect(await latest.next()).toBe(frame);
    expect(await latest.next()).toBeUndefined();
  });

  test('a failure is thrown after the waiting frame was taken, to a reader that waits at once', async () => {
    const latest = new LatestFrame<Fake>();
    latest.push(fake(1));
    latest.fail(new Error('unplugged'));
    latest.end();
    expect((await latest.next())?.id).toBe(1);
    await expect(latest.next()).rejects.toThrow('unplugged');
    const waiting = new LatestFrame<Fake>();
    const reading = waiting.next();
    waiting.fail(new Error('gone'));
    await expect(reading).rejects.toThrow('gone');
  });

  test('close closes the frame that waits and ends a read that waits', async () => {
    const latest = new LatestFrame<Fake>();
    const frame = fake(1);
    latest.push(frame);
    latest.close();
    latest.close();
    expect(frame.frame.closed).toBe(1);
    expect(await latest.next()).toBeUndefined();
    const waiting = new LatestFrame<Fake>();
    const reading = waiting.next();
    waiting.close();
    expect(await reading).toBeUndefined();
  });
});

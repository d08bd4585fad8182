import { expect, test } from 'vitest';
import { stressFiles } from '../stress/files.ts';
import { stressNetworks } from '../stress/networks.ts';

// `npm run stress` does the same more often, with a seed of its own.
test('damaged manifests, landmark sets and files of points are refused by typed errors, or are valid', async () => {
  const { done, valid, failures } = await stressFiles(1, 1500);
  expect(failures).toEqual([]);
  expect(done).toBe(1500);
  // Damage that does no harm is read, so that the rest is not refused for some other reason.
  expect(valid).toBeGreaterThan(10);
});

test.each(['cpu', 'wasm'] as const)(
  'damaged networks are refused by typed errors, or run, on %s',
  async (device) => {
    const { done, valid, failures } = await stressNetworks(1, 60, device);
    expect(failures).toEqual([]);
    expect(done).toBe(60);
    expect(valid).toBeGreaterThan(0);
  },
);

import { describe, expect, test } from 'vitest';
import { DeviceError } from '../../src/errors.ts';
import { importFile } from '../../src/model/import-file.ts';

/** A module by its text. */
const moduleUrl = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

describe('a script that is loaded by its URL', () => {
  test('comes as its module', async () => {
    expect(await importFile(moduleUrl('export const answer = 42;'), 60)).toMatchObject({ answer: 42 });
  });

  test('is given up after its time where it never comes', async () => {
    const stalled = moduleUrl('await new Promise(() => undefined);');
    const loading = importFile(stalled, 0.02);
    await expect(loading).rejects.toThrow(DeviceError);
    await expect(loading).rejects.toThrow('did not come in 0.02 s');
  });

  test('is named where it breaks', async () => {
    await expect(importFile(moduleUrl('throw new Error("broken inside");'), 60)).rejects.toThrow(
      /data:text.*could not be loaded \(broken inside\)\. .*dist/s,
    );
  });
});

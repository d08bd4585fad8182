import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { defaultBatchSettings } from '../../src/train/settings/batch-settings.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';

describe('batch settings', () => {
  test('nothing given means the defaults, and the defaults pass their own check', () => {
    expect(parseBatchSettings({})).toEqual(defaultBatchSettings);
    expect(parseBatchSettings(defaultBatchSettings)).toEqual(defaultBatchSettings);
  });

  test('what is given replaces the default at any depth and leaves its neighbours', () => {
    const settings = parseBatchSettings({
      pairs: 4,
      geometric: { rotationSd: 5 },
      occlusion: { size: [0.1, 0.2] },
    });
    expect(settings.pairs).toBe(4);
    expect(settings.geometric).toEqual({ ...defaultBatchSettings.geometric, rotationSd: 5 });
    expect(settings.occlusion).toEqual({ ...defaultBatchSettings.occlusion, size: [0.1, 0.2] });
  });

  test.each([
    [{ piars: 4 }, /batch has the unknown key "piars"\. Known keys: .*pairs/],
    [{ geometric: { rotation: 4 } }, /batch\.geometric has the unknown key "rotation"/],
    [{ pairs: '8' }, /batch\.pairs is "8" but has to be a whole number from 1 to 1024/],
    [{ pairs: 2.5 }, /whole number/],
    [{ inputSize: 0 }, /batch\.inputSize is 0/],
    [{ geometric: { bendSd: Number.NaN } }, /batch\.geometric\.bendSd/],
    [{ geometric: 3 }, /batch\.geometric is 3 but has to be an object/],
    [{ photometric: null }, /batch\.photometric is null/],
    [{ photometric: { jpegQuality: [90, 30] } }, /from 90 down to 30\. Put the smaller number first/],
    [{ photometric: { jpegQuality: 50 } }, /two numbers/],
    [{ occlusion: { size: [0.1, 7] } }, /batch\.occlusion\.size is 7/],
    [[], /batch is \[\] but has to be an object/],
    [null, /batch is null/],
  ])('refuses %j with one line that names the key', (value, message) => {
    expect(() => parseBatchSettings(value)).toThrow(InputError);
    expect(() => parseBatchSettings(value)).toThrow(message);
  });
});

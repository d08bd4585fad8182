import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { configRules, defaultConfig, parseConfig, showConfig } from '../../src/train/settings/config.ts';
import { singleObjectConfig } from '../../src/train/settings/single-object.ts';
import { parseJsonc } from '../../src/train/settings/jsonc.ts';

describe('the settings of a training', () => {
  test('are the defaults where nothing is given, and the defaults pass their own check', () => {
    expect(parseConfig({})).toEqual(defaultConfig);
    expect(parseConfig(defaultConfig)).toEqual(defaultConfig);
  });

  test('for one single object pass the check, and what is given goes before them', () => {
    expect(parseConfig({}, 'config', singleObjectConfig)).toEqual(singleObjectConfig);
    const { loss, batch } = parseConfig({ batch: { pairs: 3 } }, 'config', singleObjectConfig);
    expect(loss.exchange).toBe(0);
    expect(batch).toEqual({ ...singleObjectConfig.batch, pairs: 3 });
  });

  test('of before, with a window of the matching head, are read without it', () => {
    expect(parseConfig({ head: { temperature: 0.05, radius: 3 } })).toEqual(
      parseConfig({ head: { temperature: 0.05 } }),
    );
    expect(() => parseConfig({ head: { window: 3 } })).toThrow(/window/);
  });

  test('printed with comments and read back are what they were', () => {
    expect(parseConfig(parseJsonc(showConfig(defaultConfig)))).toEqual(defaultConfig);
    const other = parseConfig({
      category: 'a "hand" // left, not /* right */',
      network: { kind: 'smallnet', widths: [4, 8] },
      batch: { photometric: { jpegQuality: [1, 2] }, occlusion: { share: 0 } },
      videos: { pairs: { leastMotion: 0 } },
    });
    expect(parseConfig(parseJsonc(showConfig(other)))).toEqual(other);
  });

  test('have a comment above every key that says more than its name', () => {
    const lines = showConfig(defaultConfig).split('\n');
    const keys = lines.flatMap((line, index) => (/^\s*"/.test(line) ? [index] : []));
    expect(keys.length).toBeGreaterThan(80);
    for (const index of keys) expect(lines[index - 1]).toMatch(/^\s*\/\/ \S.{8}/);
    expect(lines.join('\n')).toMatch(/\/\/ .* One of light, smallnet, hourglass\.\n *"kind": "light",/);
    expect(lines.join('\n')).toMatch(/Whole number, 1 to 1024\.\n *"pairs": 8,/);
  });

  test('are all shown: defaults and rules have the same keys in the same order', () => {
    const keysOf = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([key, inner]) => [key, keysOf(inner)])
        : undefined;
    const keysOfRules = (rules: object): unknown =>
      Object.entries(rules as Record<string, { rules?: object }>).map(([key, rule]) => [
        key,
        rule.rules && keysOfRules(rule.rules),
      ]);
    expect(keysOfRules(configRules)).toEqual(keysOf(defaultConfig));
  });

  test.each([
    [{ stpes: 4 }, /^config has the unknown key "stpes"\. Known keys: category, steps, .*leave it out\.$/],
    [{ loss: { gamma: 1 } }, /^config\.loss has the unknown key "gamma"\. Known keys: temperature,/],
    [{ steps: '10' }, /^config\.steps is "10" but has to be a whole number from 1 to 100000000\. Correct it/],
    [{ category: '' }, /^config\.category is "" but has to be a text/],
    [
      { network: { kind: 'resnet' } },
      /^config\.network\.kind is "resnet" .* one of light, smallnet, hourglass/,
    ],
    [{ network: { widths: [32] } }, /^config\.network\.widths is \[32\] .* a list of two numbers or more/],
    [{ network: { widths: [32, 'a'] } }, /^config\.network\.widths is "a"/],
    [{ batch: { geometric: { bendSd: 3 } } }, /^config\.batch\.geometric\.bendSd is 3 .* from 0 to 0\.2/],
    [{ batch: 3 }, /^config\.batch is 3 but has to be an object/],
    [{ videos: null }, /^config\.videos is null/],
    [{ videos: { pairs: { sides: 1 } } }, /^config\.videos\.pairs has the unknown key "sides"/],
    [{ videos: { pairs: { side: '128' } } }, /pairs\.side is "128" .* a whole number from 32 to 512/],
    [{ videos: { pairs: { maxStep: 2.5 } } }, /^config\.videos\.pairs\.maxStep is 2\.5/],
    [{ videos: { pairs: { leastCoverage: 2 } } }, /pairs\.leastCoverage is 2 .* from 0 to 1/],
    [{ videos: { self: { rounds: 0.5 } } }, /^config\.videos\.self\.rounds is 0\.5/],
    [{ head: { confidence: { slope: -1 } } }, /^config\.head\.confidence\.slope is -1/],
    [{ seed: Array(99).fill(7) }, /^config\.seed is \[7,7,.{70,80}… but has to be/],
    [[], /^config is \[\] but has to be an object/],
  ])('refuse %j by its name', (value, message) => {
    expect(() => parseConfig(value)).toThrow(InputError);
    expect(() => parseConfig(value)).toThrow(message);
  });

  test.each([
    [{ batch: { inputSize: 90 } }, /inputSize is 90 .* Use a multiple of 32/],
    [{ batch: { queryGrid: 13 } }, /config\.batch\.queryGrid is 13 .* Use a divisor of 48/],
    [{ loss: { auxiliaryGrid: 7 } }, /config\.loss\.auxiliaryGrid is 7/],
    [{ loss: { auxiliaries: 8 } }, /config\.loss\.auxiliaries is 8 but a batch has 8 pairs/],
    [
      { videos: { pairs: { greatestMotion: 1 } } },
      /config\.videos\.pairs\.greatestMotion is 1 and leastMotion 1/,
    ],
  ])('refuse %j, which does not fit the rest', (value, message) => {
    expect(() => parseConfig(value)).toThrow(InputError);
    expect(() => parseConfig(value)).toThrow(message);
  });

  test('keep a fifth of a short training for the warm-up', () => {
    expect(parseConfig({ steps: 50 }).optimizer.warmup).toBe(10);
    expect(parseConfig({ steps: 1 }).optimizer.warmup).toBe(0);
  });
});

describe('JSON with comments', () => {
  test('is read like JSON, without the comments and with a comma after the last entry', () => {
    const text = `// first
      {"a": [1, -2.5e-3, true, null,], /* in
      between */ "b": {"c": "no // comment, \\"/* here */\\"",}, "__proto__": 1, // last
      "": []}`;
    const plain = `{"a":[1,-2.5e-3,true,null],"b":{"c":"no // comment, \\"/* here */\\""},"__proto__":1,"":[]}`;
    expect(parseJsonc(text)).toEqual(JSON.parse(plain));
    for (const same of ['3', '"a\\u00e9"', '[]', '{}', ' [[],{}] ']) {
      expect(parseJsonc(same)).toEqual(JSON.parse(same));
    }
  });

  test.each([
    ['', 'line 1: expected a value but found the end of the text'],
    ['{"a": 1\n"b": 2}', 'line 2: expected "," or "}" but found "\\"b\\""'],
    ['{"a": 1,\n\n b: 2}', 'line 3: expected a key in quotes but found "b"'],
    ['{"a" 1}', 'line 1: expected ":" but found "1"'],
    ['// one\n/* two\n*/ {"a": 01}', 'line 3: expected a value but found "01"'],
    ['{"a": }', 'line 1: expected a value but found "}"'],
    ['[1, 2', 'line 1: expected "," or "]" but found the end of the text'],
    ['[,]', 'line 1: expected a value but found ","'],
    ['[1,,]', 'line 1: expected a value but found ","'],
    ['{} {}', 'line 1: expected the end of the text but found "{"'],
    ['{"a": "b\nc"}', 'line 1: expected a value but found "\\""'],
    ['{"a": "\\q"}', 'line 1: expected a value but found "\\"\\\\q\\""'],
    ['{"a": 1, /* open', 'line 1: expected a key in quotes but found "/"'],
    ['{3: 1}', 'line 1: expected a key in quotes but found "3"'],
    ['{"a": 1,\n"a": 2}', 'line 2: the key "a" is there twice'],
    ["{'a': 1}", 'line 1: expected a key in quotes but found "\'"'],
  ])('that reads %j is refused with its line', (text, message) => {
    expect(() => parseJsonc(text)).toThrow(new SyntaxError(message));
  });
});

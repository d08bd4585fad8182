import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineCommand, helpText, parseCommand } from '../../src/cli/arguments.ts';
import { runCommandLine } from '../../src/cli/dispatch.ts';
import { writeGradientFaces, writeGradientModel } from '../fixtures/gradient-faces.ts';
import { dve, lastLine } from '../fixtures/run-dve.ts';

let root: string;
let model: string;
let faces: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-cli-'));
  model = join(root, 'model');
  faces = join(root, 'faces');
  await writeGradientModel(model);
  await writeGradientFaces(faces, 6);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('dve', () => {
  test('eval match ends with one JSON line and exit code 0', async () => {
    const { code, stdout, stderr } = await dve(
      ...['eval', 'match', '--model', model, '--images', faces, '--pairs', '5', '--json'],
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const result = lastLine(stdout) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['same_px', 'different_px', 'pairs']);
    expect(result.pairs).toBe(5);
    expect(result.same_px).toBeLessThan(0.3);
  });

  test('eval landmarks ends with one JSON line in percent', async () => {
    const { code, stdout } = await dve(
      ...['eval', 'landmarks', '--model', model, '--data', faces, '--references', faces],
      ...['--shots', '2', '--draws', '2', '--points', '5', '--device', 'wasm', '--json'],
    );
    expect(code).toBe(0);
    const result = lastLine(stdout) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['nme_iod', 'median_iod', 'pck10', 'failure10', 'images']);
    expect(result).toMatchObject({ pck10: 100, failure10: 0, images: 4 });
    expect(result.nme_iod).toBeGreaterThan(0.01);
    expect(result.nme_iod).toBeLessThan(2);
  });

  test('eval landmarks cuts the square that the model is made for, unless --crop-margin says another', async () => {
    const tight = join(root, 'tight');
    await cp(model, tight, { recursive: true });
    const manifest = await readFile(join(model, 'manifest.json'), 'utf8');
    expect(manifest).toMatch(/"cropMargin": ?1\.6/);
    await writeFile(
      join(tight, 'manifest.json'),
      manifest.replace(/"cropMargin": ?1\.6/, '"cropMargin": 1.3'),
    );
    const measure = async (folder: string, ...more: string[]) => {
      const { stdout } = await dve(
        ...['eval', 'landmarks', '--model', folder, '--data', faces, '--references', faces],
        ...['--shots', '2', '--draws', '1', '--points', '5', '--json', ...more],
      );
      return lastLine(stdout);
    };
    const [own, wide, widened] = [
      await measure(tight),
      await measure(model),
      await measure(tight, '--crop-margin', '1.6'),
    ];
    expect(widened).toEqual(wide);
    expect(own).not.toEqual(wide);
  });

  test('a picture that cannot be decoded is named on stderr and does not end the run', async () => {
    const damaged = join(root, 'damaged');
    await writeGradientFaces(damaged, 4);
    await writeFile(join(damaged, 'face-1.png'), '');
    const { code, stdout, stderr } = await dve(
      ...['eval', 'landmarks', '--model', model, '--data', damaged, '--references', faces],
      ...['--shots', '1', '--points', '5', '--json'],
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^skipped: .*face-1\.png cannot be decoded.*\n1 picture skipped\n$/);
    expect(lastLine(stdout)).toMatchObject({ images: 3 });
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['fly']],
    ['an unknown option', ['eval', 'match', '--model', 'm', '--images', 'i', '--colour', 'red']],
    ['a missing option', ['eval', 'match', '--model', 'm']],
    ['an extra argument', ['eval', 'match', 'here']],
    ['no number', ['eval', 'match', '--model', 'm', '--images', 'i', '--pairs', 'many']],
    [
      'references beside a landmark set',
      ['eval', 'landmarks', '--model', 'm', '--data', 'd', '--landmarks', 'l', '--shots', '1'],
    ],
  ])('%s is exit code 2 with one line on stderr', async (_, argv) => {
    const { code, stdout, stderr } = await dve(...argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^dve: .+\n$/);
    expect(stderr).toMatch(/--help/);
  });

  test('a model that is not there is exit code 1 with one line on stderr and no stack', async () => {
    const { code, stdout, stderr } = await dve('eval', 'match', '--model', root, '--images', faces);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^dve: .*is not a model directory.*\n$/);
  });

  test('--help of every level is exit code 0 on stdout', async () => {
    const [whole, group, command] = await Promise.all([
      dve('--help'),
      dve('eval', '--help'),
      dve('eval', 'match', '--help'),
    ]);
    for (const { code, stderr } of [whole, group, command]) expect([code, stderr]).toEqual([0, '']);
    expect(whole.stdout).toMatch(/eval +\S/);
    expect(group.stdout).toMatch(/match +\S[^]*landmarks +\S/);
    expect(command.stdout).toMatch(/--pairs N +.*\(default 500\)/);
  });
});

describe('a command line', () => {
  const command = defineCommand({
    name: 'dve paint',
    about: 'Paints.',
    positionals: [{ name: 'WALL', describe: 'What to paint.' }],
    options: {
      coats: { type: 'integer', placeholder: 'N', default: 2, minimum: 1, describe: 'Coats.' },
      gloss: { type: 'number', placeholder: 'X', describe: 'Shine.' },
      colour: { type: 'choice', choices: ['red', 'blue'], default: 'red', describe: 'Colour.' },
      dry: { type: 'flag', describe: 'Do nothing.' },
    },
  });

  test('gives typed values and defaults', () => {
    expect(parseCommand(command, ['north', '--gloss', '0.5'])).toEqual({
      values: { coats: 2, gloss: 0.5, colour: 'red', dry: false },
      positionals: ['north'],
    });
    expect(parseCommand(command, ['north', '--coats=3', '--colour', 'blue', '--dry'])).toMatchObject({
      values: { coats: 3, gloss: undefined, colour: 'blue', dry: true },
    });
  });

  test('asks for help whatever else it says', () => {
    expect(parseCommand(command, ['--help'])).toBe('help');
    expect(helpText(command)).toMatch(/Usage: dve paint WALL \[options\]/);
  });

  test.each([
    [[], 'Missing argument WALL'],
    [['north', 'south'], 'Unexpected argument "south"'],
    [['north', '--coats', '1.5'], '--coats wants a whole number, not "1.5"'],
    [['north', '--coats', '0'], '--coats must be at least 1, not 0'],
    [['north', '--colour', 'green'], '--colour is one of red, blue, not "green"'],
    [['north', '--dry=yes'], "'--dry'"],
    [['north', '--gloss'], '--gloss'],
  ])('%j is refused', (argv, message) => {
    expect(() => parseCommand(command, argv)).toThrow(message);
  });

  test('a failure nobody planned is exit code 1', async () => {
    const code = await runCommandLine(
      'dve',
      { burst: () => Promise.resolve({ summary: '', run: () => Promise.reject(new TypeError('oops')) }) },
      ['burst'],
    );
    expect(code).toBe(1);
  });
});

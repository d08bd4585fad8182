import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGradientFaces, writeGradientModel } from '../fixtures/gradient-faces.ts';
import { lastLine } from '../fixtures/run-dve.ts';
import { packClone, type PackedClone } from './packed.ts';

let packed: PackedClone;
/** A project with nothing but the package, and one with what the command line needs. */
let bare: string;
let equipped: string;
beforeAll(async () => {
  packed = packClone();
  bare = packed.install();
  equipped = packed.install(['onnxruntime-node', 'sharp']);
  await writeGradientModel(join(equipped, 'model'));
  await writeGradientFaces(join(equipped, 'faces'), 4);
}, 600_000);
afterAll(() => {
  packed.remove();
});

const dve = (project: string, ...argv: string[]) => {
  const { status, stdout, stderr } = spawnSync('npx', ['--offline', 'dve', ...argv], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
  });
  return { code: status, stdout, stderr };
};

/** A new command has to be added here: a test compares this list with what `--help` says. */
const evaluations =
  'match landmarks regression flow tracks calibration points discovery clicks correspond drift'.split(' ');
const commands = [
  ...['train', 'landmarks', 'label', 'correspond', 'convert', 'discover', 'track', 'eval'].map((name) => [
    name,
  ]),
  ...evaluations.map((name) => ['eval', name]),
];

describe('the tarball of a clean clone', () => {
  test('holds the code', () => {
    const names = execFileSync('tar', ['-tzf', packed.tarball], { encoding: 'utf8' });
    for (const file of [
      'index.js',
      'index.d.ts',
      'cli.js',
      'tracker.worker.js',
      'batch-worker.js',
      'pair-worker.js',
    ])
      expect(names).toContain(`package/dist/${file}\n`);
    expect(names).toContain('package/models/face/model.onnx\n');
  });

  test('installs no other package, and has no script that runs on install', () => {
    expect(readdirSync(join(bare, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'dve-sdk',
    ]);
    const manifest = JSON.parse(readFileSync(join(bare, 'node_modules/dve-sdk/package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(manifest.scripts).filter((name) => name.includes('install'))).toEqual([]);
    expect(existsSync(join(bare, 'node_modules/dve-sdk/node_modules'))).toBe(false);
  });

  test.each([
    ['dve-sdk', 'track'],
    ['dve-sdk/train', 'createTraining'],
    ['dve-sdk/mediapipe', 'createFaceFinder'],
  ])('can be imported: %s', (specifier, name) => {
    const code = `console.log(Object.keys(await import('${specifier}')).join(' '))`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: bare,
      encoding: 'utf8',
    });
    expect(output.trim().split(' ')).toContain(name);
  });

  test('lists every command, and no other', () => {
    const listed = (...argv: string[]): string[] =>
      [...dve(bare, ...argv, '--help').stdout.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name).sort();
    const inGroup = (...group: string[]): string[] =>
      commands
        .filter(
          (command) => command.length === group.length + 1 && group.every((name, i) => command[i] === name),
        )
        .map((command) => command[group.length])
        .sort();
    expect(listed()).toEqual(inGroup());
    expect(listed('eval')).toEqual(inGroup('eval'));
  });

  test.each(commands.map((command) => [command.join(' '), command]))('dve %s --help', (_, command) => {
    const { code, stdout, stderr } = dve(bare, ...command, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: dve ${command.join(' ')}`);
  });

  test('says in one line what a command needs and where to get it', async () => {
    await writeGradientModel(join(bare, 'model'));
    await writeGradientFaces(join(bare, 'faces'), 4);
    const match = dve(bare, 'eval', 'match', '--model', 'model', '--images', 'faces', '--pairs', '2');
    expect(match.code).toBe(1);
    expect(match.stderr).toMatch(/^dve: .*npm install onnxruntime-node.*\n$/);
    const track = dve(
      bare,
      'track',
      'faces',
      '--model',
      'node_modules/dve-sdk/models/face',
      '--out',
      'out.json',
    );
    expect(track.code).toBe(1);
    expect(track.stderr).toMatch(/^dve: .*npm install sharp.*\n$/);
    const train = dve(bare, 'train', '--images', 'faces', '--out', 'trained');
    expect(train.code).toBe(1);
    expect(train.stderr).toMatch(/^dve: .*npm install (sharp|onnxruntime-node).*\n$/);
  });

  test('measures, with its two peers', () => {
    const { code, stdout, stderr } = dve(
      ...([equipped, 'eval', 'match', '--model', 'model', '--images', 'faces'] as const),
      ...['--pairs', '2', '--json'],
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(lastLine(stdout)).toMatchObject({ pairs: 2 });
  });
});

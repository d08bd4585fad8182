import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { UsageError } from '../../src/cli/arguments.ts';
import { run } from '../../src/cli/eval-flow.ts';
import { InputError } from '../../src/errors.ts';
import { writeFlowFile } from '../fixtures/flow-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-eval-flow-'));
const at = (name: string): string => join(folder, name);
const [width, height] = [80, 64];

beforeAll(async () => {
  const paint = async (name: string, shift: number): Promise<void> => {
    const rgb = Buffer.alloc(width * height * 3);
    for (let i = 0; i < width * height; i++) {
      const [x, y] = [(i % width) - shift, Math.floor(i / width)];
      rgb.fill(128 + 60 * Math.sin(x / 3 + y / 7) + 50 * Math.cos(y / 4 - x / 9), 3 * i, 3 * i + 3);
    }
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(at(name));
  };
  await paint('a.png', 0);
  await paint('b.png', 2);
  const x = new Float32Array(width * height).fill(2);
  const flow = { width, height, x, y: new Float32Array(x.length) };
  // The right half is unknown.
  const known = Uint8Array.from(x, (_, i) => (i % width < width / 2 ? 1 : 0));
  await writeFile(at('truth.flo'), writeFlowFile(flow, known));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The last line that the command prints. */
const lastLine = async (...argv: string[]): Promise<string> => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await run(argv);
    return String(log.mock.calls.at(-1)?.[0]);
  } finally {
    log.mockRestore();
  }
};

describe('dve eval flow', () => {
  test('prints error and coverage of a pair over the pixels whose flow is known', async () => {
    const line = await lastLine('--pair', at('a.png'), at('b.png'), '--truth', at('truth.flo'), '--json');
    const { epe, coverage, epe_masked: masked, ...rest } = JSON.parse(line) as Record<string, number>;
    expect(epe).toBeLessThan(0.1);
    expect(masked).toBeLessThan(0.1);
    expect(coverage).toBe(1);
    expect(rest).toEqual({});
  });

  test('prints the figures of a known warp, the same for the same seed', async () => {
    const warp = ['--warp', '-4', '1.05', '--picture', at('a.png'), '--side', '48', '--json'];
    const line = await lastLine(...warp);
    const { epe_masked: masked, coverage } = JSON.parse(line) as Record<string, number>;
    expect(masked).toBeLessThan(0.4);
    expect(coverage).toBeGreaterThan(0.7);
    expect(await lastLine(...warp)).toBe(line);
    expect(await lastLine(...warp, '--seed', '2')).not.toBe(line);
  });

  test.each([
    [['--pair', 'a.png', 'b.png'], '--truth'],
    [['--warp', '3', '1'], '--picture'],
    [['--warp', 'three', '1', '--picture', 'a.png'], 'not "three"'],
    [['--warp', '3', '0', '--picture', 'a.png'], 'above 0'],
    [['3', '1'], '--pair or --warp'],
    [['--pair', '--warp', '3', '1'], '--pair or --warp'],
    [['--pair', 'a.png'], 'SECOND'],
  ])('%j is a wrong command line', async (argv, message) => {
    await expect(run(argv)).rejects.toThrow(UsageError);
    await expect(run(argv)).rejects.toThrow(message);
  });

  test('files that cannot be read, and a truth of other pictures, are named', async () => {
    const pair = ['--pair', at('a.png'), at('b.png'), '--truth'];
    await expect(run([...pair, at('none.flo')])).rejects.toThrow('none.flo cannot be read');
    await expect(run([...pair, at('a.png')])).rejects.toThrow('is not a Middlebury flow file');
    const x = new Float32Array(4);
    await writeFile(at('small.flo'), writeFlowFile({ width: 2, height: 2, x, y: x }));
    await expect(run([...pair, at('small.flo')])).rejects.toThrow('80×64 pixels but the true flow has 2×2');
    const warp = ['--warp', '3', '1', '--picture', at('a.png'), '--side', '100'];
    await expect(run(warp)).rejects.toThrow(InputError);
  });
});

/**
 * The ablations of the model card: trainings of equal length that differ in one setting, measured alike.
 * npx tsx tools/ablations/main.ts --images DIR --data DIR --out DIR [--meshes FILE] [--steps 500] [--threads 2]
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);

/** What every variant starts from: the recipe of `models/face` on flat warps: exchange for half of the pairs, exponent 0.5, 64-D. */
const recipe = { category: 'face', network: { embeddingSize: 64 }, optimizer: { learningRate: 0.003 } };

const base = 'exchange mixed (half of the pairs), exponent 0.5, 64-D';
const turned = 'with turned views (--meshes)';
const variants: Record<string, object> = {
  [base]: {},
  'exchange off': { loss: { exchange: 0 } },
  'exchange on (all pairs)': { loss: { exchange: 1 } },
  'exponent 1': { loss: { exponent: 1 } },
  '32-D': { network: { embeddingSize: 32 } },
  'smaller network (widths 16, 32, 64, 96, 96)': {
    network: { embeddingSize: 64, widths: [16, 32, 64, 96, 96] },
  },
};

const { values } = parseArgs({
  options: {
    images: { type: 'string' },
    data: { type: 'string' },
    out: { type: 'string' },
    meshes: { type: 'string' },
    steps: { type: 'string', default: '500' },
    threads: { type: 'string', default: '2' },
  },
});
const { images, data, out, meshes, steps, threads } = values;
if (meshes !== undefined) variants[turned] = {};
if (images === undefined || data === undefined || out === undefined) {
  throw new Error('Usage: npx tsx tools/ablations/main.ts --images DIR --data DIR --out DIR [--steps 500]');
}

const dve = async (...argv: string[]): Promise<Record<string, number>> => {
  const { stdout } = await run('npx', ['tsx', 'src/cli/main.ts', ...argv, '--json']);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
};

await mkdir(out, { recursive: true });
console.log(`${steps} steps each, % IOD (match: pixels at 70)`);
console.log('| variant | 1 shot, 5 points | 20 shots, 5 | 20 shots, 51 | same px | different px |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [index, [name, change]] of Object.entries(variants).entries()) {
  const model = join(out, `variant-${index}`);
  const config = join(out, `variant-${index}.json`);
  await writeFile(config, JSON.stringify({ ...recipe, ...change }));
  await dve(
    'train',
    ...(name === turned && meshes !== undefined ? ['--meshes', meshes] : []),
    '--images',
    images,
    '--out',
    model,
    '--config',
    config,
    '--steps',
    steps,
    '--threads',
    threads,
  );
  const landmarks = async (shots: number, points: number): Promise<string> => {
    const source = [
      '--data',
      data,
      '--references',
      data,
      '--shots',
      String(shots),
      '--points',
      String(points),
    ];
    return (await dve('eval', 'landmarks', '--model', model, ...source)).nme_iod.toFixed(2);
  };
  const match = await dve('eval', 'match', '--model', model, '--images', data);
  const cells = [name, await landmarks(1, 5), await landmarks(20, 5), await landmarks(20, 51)];
  console.log(`| ${[...cells, match.same_px.toFixed(2), match.different_px.toFixed(2)].join(' | ')} |`);
}

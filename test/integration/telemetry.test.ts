import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGradientFaces, writeGradientModel } from '../fixtures/gradient-faces.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const watcher = join(project, 'test/fixtures/watched-network.sh');
const namespaces = ['--net', '--mount', '--map-root-user'];

/** Namespaces need Linux and a kernel that lets this user make them. */
const allowed =
  process.platform === 'linux' &&
  spawnSync('unshare', [
    ...namespaces,
    'sh',
    '-c',
    'ip link set lo up && mount --bind /dev/null /etc/resolv.conf',
  ]).status === 0;
if (!allowed) console.log('skipped: no network namespaces here, so nobody can tell what asks for names');

let root: string;
let model: string;
let faces: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-telemetry-'));
  model = join(root, 'model');
  faces = join(root, 'faces');
  await writeGradientModel(model);
  await writeGradientFaces(faces, 4);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

type Trace = {
  code: number | null;
  names: string[];
  /** In the home folder. */ files: string[];
  output: string;
};

let homes = 0;

/** Runs Node in a fresh home folder, without any network but a resolver that notes what it is asked for. */
const watch = async (args: readonly string[], env: Record<string, string> = {}): Promise<Trace> => {
  const home = join(root, `home-${homes++}`);
  const result = `${home}.json`;
  await mkdir(home);
  // Nothing of this process's environment: in CI the library stays quiet by itself.
  const clean = { PATH: process.env.PATH ?? '', HOME: home, ...env };
  const output = await new Promise<string>((resolve) => {
    execFile(
      'unshare',
      [...namespaces, 'sh', watcher, process.execPath, result, process.execPath, ...args],
      { cwd: project, env: clean },
      (_, stdout, stderr) => {
        resolve(stdout + stderr);
      },
    );
  });
  const { code, names } = JSON.parse(await readFile(result, 'utf8')) as Pick<Trace, 'code' | 'names'>;
  return { code, names, files: await readdir(home), output };
};

const dve = ['--import', 'tsx', 'src/cli/main.ts'];

describe.skipIf(!allowed)('nothing is sent to anybody', () => {
  test('the library left to itself would: it writes files and asks for a name', async () => {
    const script = `
import { InferenceSession } from 'onnxruntime-node';
await InferenceSession.create(${JSON.stringify(join(model, 'model.onnx'))});
setInterval(() => undefined, 1000);`;
    const { names, files } = await watch(['--input-type=module', '-e', script], { UNTIL_NAME: '1' });
    expect(files).not.toEqual([]);
    expect(names).toEqual([expect.stringMatching(/microsoft/)]);
  }, 300_000);

  test('a session of ours that lives longer than that writes no file and asks for no name', async () => {
    const script = join(root, 'session.mts');
    await writeFile(
      script,
      `import { openNodeModel } from ${JSON.stringify(join(project, 'src/model/model-node.ts'))};
const session = await openNodeModel(${JSON.stringify(model)}, { device: 'cpu' });
await new Promise((resolve) => setTimeout(resolve, 20_000));
await session.close();`,
    );
    const trace = await watch(['--import', 'tsx', script]);
    expect(trace).toEqual({ code: 0, names: [], files: [], output: '' });
  }, 120_000);

  test('commands write no file and ask for no name', async () => {
    const evaluate = await watch([
      ...dve,
      ...['eval', 'match', '--model', model, '--images', faces, '--pairs', '2', '--device', 'cpu'],
    ]);
    expect(evaluate).toMatchObject({ code: 0, names: [], files: [] });
    const track = await watch([
      ...dve,
      ...['track', faces, '--model', 'models/face', '--out', join(root, 'out.json'), '--device', 'cpu'],
    ]);
    expect(track).toMatchObject({ code: 0, names: [], files: [] });
  }, 120_000);
});

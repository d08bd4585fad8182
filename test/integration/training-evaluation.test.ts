import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTrainingEvaluation } from '../../src/cli/training-evaluation.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { exportWeights } from '../../src/train/model-files.ts';
import { parameterLayout } from '../../src/train/network/training-network.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { freshState, weightsOf } from '../../src/train/trainer.ts';
import { writeGradientFaces } from '../fixtures/gradient-faces.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-training-evaluation-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a training is measured on its own runtime, on pictures that were decoded once', async () => {
  const folder = join(root, 'faces');
  await writeGradientFaces(folder, 24);
  const config = parseConfig({ batch: { inputSize: 96, pairs: 2 } });
  const layout = parameterLayout(config.network, config.batch.inputSize);
  const network = exportWeights(config, layout, weightsOf(config, freshState(config, layout)));
  const runtime = await loadNodeRuntime({ threads: 1 });
  let sessions = 0;
  const InferenceSession = new Proxy(runtime.InferenceSession, {
    get: (factory, name): unknown => {
      if (name === 'create') sessions += 1;
      return Reflect.get(factory, name);
    },
  });

  const evaluate = await createTrainingEvaluation(folder, config, { ...runtime, InferenceSession });
  await rm(folder, { recursive: true });
  const first = await evaluate(network);
  expect(sessions).toBe(1);
  expect(Object.keys(first)).toEqual(['one_shot_5', 'twenty_shots_5', 'twenty_shots_51']);
  expect(Object.values(first).every((nme) => nme > 0 && nme < 100)).toBe(true);
  expect(await evaluate(network)).toEqual(first);
});

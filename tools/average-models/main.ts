/**
 * Averages the weights of trainings that went on from one start. The outcome is a start in turn: `dve train --init` it
 * for a few steps with a tiny learning rate, which also writes its networks.
 *
 *   npx tsx tools/average-models/main.ts --from DIR,DIR [--shares 0.5,0.5] --out DIR
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand, UsageError } from '../../src/cli/arguments.ts';
import { printNote } from '../../src/cli/output.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/train-node/checkpoint.ts';
import { runTool } from '../run-tool.ts';
import { averageCheckpoints, type Training } from './average.ts';

const command = defineCommand({
  name: 'average-models',
  about: 'Writes the mean of the weights of several trainings as a checkpoint.',
  options: {
    from: {
      type: 'string',
      placeholder: 'DIR,DIR',
      required: true,
      describe: 'Folders that dve train has written, two or more, with commas between them.',
    },
    shares: {
      type: 'string',
      placeholder: 'N,N',
      describe: 'How much each counts, in the same order; all alike by default.',
    },
    out: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder for the checkpoint.' },
  },
});

await runTool(command, async ({ values }) => {
  const { from, out } = values;
  const folders = from.split(',');
  const shares = values.shares?.split(',').map(Number) ?? folders.map(() => 1);
  if (shares.length !== folders.length) {
    throw new UsageError(
      `--from names ${folders.length} trainings and --shares gives ${shares.length} numbers. Give one for each.`,
    );
  }
  const trainings: Training[] = [];
  for (const [i, name] of folders.entries()) {
    const checkpoint = await readCheckpoint(join(name, 'checkpoint.bin'));
    trainings.push({ name, checkpoint, share: shares[i] });
  }
  const mean = averageCheckpoints(trainings);
  await mkdir(out, { recursive: true });
  await writeCheckpoint(join(out, 'checkpoint.bin'), mean);
  printNote(`the mean of ${trainings.length} trainings: ${join(out, 'checkpoint.bin')}`);
});

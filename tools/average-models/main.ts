/**
 * Averages the weights of trainings that went on from one start. The outcome is a start in turn: `dve train --init` it
 * for a few steps with a tiny learning rate, which also writes its networks.
 *
 *   npx tsx tools/average-models/main.ts --from DIR,DIR --out DIR
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand, parseCommand } from '../../src/cli/arguments.ts';
import { describeFailure, exitCode, printHelp, printNote } from '../../src/cli/output.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from '../../src/train/checkpoint.ts';
import { averageCheckpoints } from './average.ts';

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
    out: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder for the checkpoint.' },
  },
});

const run = async (argv: string[]): Promise<void> => {
  const parsed = parseCommand(command, argv);
  if (parsed === 'help') {
    printHelp(command);
    return;
  }
  const { from, out } = parsed.values;
  const trainings: [string, Checkpoint][] = [];
  for (const folder of from.split(',')) {
    trainings.push([folder, await readCheckpoint(join(folder, 'checkpoint.bin'))]);
  }
  const mean = averageCheckpoints(trainings);
  await mkdir(out, { recursive: true });
  await writeCheckpoint(join(out, 'checkpoint.bin'), mean);
  printNote(`the mean of ${trainings.length} trainings: ${join(out, 'checkpoint.bin')}`);
};

try {
  await run(process.argv.slice(2));
} catch (error) {
  printNote(describeFailure(error).replace(/^dve: /, 'average-models: '));
  process.exitCode = exitCode(error);
}

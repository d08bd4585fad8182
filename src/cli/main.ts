#!/usr/bin/env node
import { runCommandLine, type CommandTable } from './dispatch.ts';
import { removeUnfinished } from '../files-node/atomic-file.ts';
import { printFailure } from './output.ts';

/** Every command: a module that exports `summary` and `run(argv)`. */
const commands: CommandTable = {
  train: () => import('./train.ts'),
  eval: () => import('./eval.ts'),
  label: () => import('./label.ts'),
  landmarks: () => import('./landmarks.ts'),
  discover: () => import('./discover.ts'),
  correspond: () => import('./correspond.ts'),
  convert: () => import('./convert.ts'),
  track: () => import('./track.ts'),
};

// A reader that goes away ("dve … | head") is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// What was being written under a temporary name goes, however the process ends; only a kill leaves it to the next one.
process.on('exit', removeUnfinished);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const end = (): void => {
    // A command that listens, too, finishes what it has; the second signal is not its any more.
    if (process.listenerCount(signal) > 1) return;
    removeUnfinished();
    process.off(signal, end);
    process.kill(process.pid, signal);
  };
  process.on(signal, end);
}
process.on('uncaughtException', (error) => {
  printFailure(error, process.argv);
  process.exit(1);
});

// Not process.exit: what is still being written to a pipe has to get there. No await: in the bundle the commands stand
// below this line, and have to be evaluated before the first of them is loaded.
void runCommandLine('dve', commands, process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

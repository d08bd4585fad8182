import type { CommandSpec, OptionSpec, ParsedCommand } from '../src/cli/arguments.ts';
import { createRun } from '../src/cli/command-run.ts';
import { describeFailure, exitCode, printNote } from '../src/cli/output.ts';

/** Runs a tool with the arguments of the process: help, one line on stderr and exit codes as the `dve` command has them. */
export const runTool = async <Options extends Record<string, OptionSpec>>(
  spec: CommandSpec<Options>,
  work: (parsed: ParsedCommand<Options>) => Promise<void>,
): Promise<void> => {
  try {
    await createRun(spec, work)(process.argv.slice(2));
  } catch (error) {
    printNote(describeFailure(error).replace(/^dve: /, `${spec.name}: `));
    process.exitCode = exitCode(error);
  }
};

import { parseCommand, type CommandSpec, type OptionSpec, type ParsedCommand } from './arguments.ts';
import { printHelp } from './output.ts';

/**
 * What a command's module exports as `run`.
 * @param work told what was given; not called where `--help` was
 * @throws UsageError as `parseCommand` does
 */
export const createRun =
  <Options extends Record<string, OptionSpec>>(
    spec: CommandSpec<Options>,
    work: (parsed: ParsedCommand<Options>) => Promise<void>,
  ) =>
  async (argv: readonly string[]): Promise<void> => {
    const parsed = parseCommand(spec, argv);
    if (parsed === 'help') printHelp(spec);
    else await work(parsed);
  };

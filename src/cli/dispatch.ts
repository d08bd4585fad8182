import { UsageError } from './arguments.ts';
import { exitCode, printFailure } from './output.ts';

/** What a command's module exports. */
export type Command = {
  /** One line for the list of commands. */ summary: string;
  /** Runs with the arguments after the command's name. @throws whatever makes it fail */
  run: (argv: string[]) => Promise<void>;
};

/** Commands by name, each loaded when it is needed. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>;

const listCommands = async (name: string, table: CommandTable): Promise<string> => {
  const rows: string[] = [];
  const width = Math.max(...Object.keys(table).map((command) => command.length));
  for (const [command, load] of Object.entries(table)) {
    rows.push(`  ${command.padEnd(width)}  ${(await load()).summary}`);
  }
  return `Usage: ${name} COMMAND [options]\n\n${rows.join('\n')}\n\n"${name} COMMAND --help" tells more of each.`;
};

/**
 * Runs the command that `argv` names, or prints the list of commands.
 * @param name what is typed before the command, for example `dve eval`
 * @throws UsageError when no command, or one that does not exist, is named
 */
export const dispatch = async (name: string, table: CommandTable, argv: string[]): Promise<void> => {
  const [command, ...rest] = argv;
  const known = `${Object.keys(table).join(', ')}. See "${name} --help".`;
  if (argv.length === 0) throw new UsageError(`${name} wants a command: ${known}`);
  if (command === '--help' || command === '-h' || command === 'help') {
    console.log(await listCommands(name, table));
    return;
  }
  if (!Object.hasOwn(table, command))
    throw new UsageError(`${name} has no command "${command}", only ${known}`);
  const { run } = await table[command]();
  await run(rest);
};

/** Runs a whole command line. @returns the exit code: 0 ok, 2 bad usage, 1 anything else */
export const runCommandLine = async (
  name: string,
  table: CommandTable,
  argv: string[],
): Promise<0 | 1 | 2> => {
  try {
    await dispatch(name, table, argv);
    return 0;
  } catch (error) {
    printFailure(error, argv);
    return exitCode(error);
  }
};

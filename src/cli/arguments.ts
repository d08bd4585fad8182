import { parseArgs } from 'node:util';
import { DveError } from '../errors.ts';

/** A command line that was typed wrongly: exit code 2. */
export class UsageError extends DveError {
  override name = 'UsageError';
}

type Common = {
  /** One line for `--help`. */ describe: string;
  /** Without it the command refuses to run. */ required?: boolean;
};

/** One option of a command. */
export type OptionSpec =
  | (Common & { type: 'string'; placeholder: string; default?: string })
  | (Common & { type: 'number' | 'integer'; placeholder: string; default?: number; minimum?: number })
  | (Common & { type: 'choice'; choices: readonly string[]; default?: string })
  | { type: 'flag'; describe: string };

/** A command line: its options and its positional arguments. */
export type CommandSpec<Options extends Record<string, OptionSpec>> = {
  /** What is typed, for example `dve eval match`. */ name: string;
  /** One or more lines below the usage line. */ about: string;
  options: Options;
  /** Positional arguments, in order; all are required. */ positionals?: readonly {
    name: string;
    describe: string;
  }[];
};

type Raw<Spec extends OptionSpec> = Spec extends { type: 'flag' }
  ? boolean
  : Spec extends { type: 'number' | 'integer' }
    ? number
    : Spec extends { type: 'choice'; choices: readonly (infer Choice)[] }
      ? Choice
      : string;

type Given<Spec extends OptionSpec> = Spec extends
  { required: true } | { default: string | number } | { type: 'flag' }
  ? Raw<Spec>
  : Raw<Spec> | undefined;

/** Values by option name. */
export type OptionValues<Options extends Record<string, OptionSpec>> = {
  [Name in keyof Options]: Given<Options[Name]>;
};

export type ParsedCommand<Options extends Record<string, OptionSpec>> = {
  values: OptionValues<Options>;
  positionals: string[];
};

/** Keeps the literal types of a command's options, so that their values are typed. */
export const defineCommand = <const Options extends Record<string, OptionSpec>>(
  spec: CommandSpec<Options>,
): CommandSpec<Options> => spec;

const optionLabel = (name: string, spec: OptionSpec): string => {
  switch (spec.type) {
    case 'flag':
      return `--${name}`;
    case 'choice':
      return `--${name} ${spec.choices.join('|')}`;
    default:
      return `--${name} ${spec.placeholder}`;
  }
};

const optionNote = (spec: OptionSpec): string => {
  if (spec.type === 'flag') return '';
  if (spec.required === true) return ' (required)';
  return spec.default === undefined ? '' : ` (default ${spec.default})`;
};

/** Text of `--help`. */
export const helpText = <Options extends Record<string, OptionSpec>>(spec: CommandSpec<Options>): string => {
  const positionals = spec.positionals ?? [];
  const rows: (readonly [string, string])[] = [
    ...positionals.map(({ name, describe }) => [name, describe] as const),
    ...Object.entries<OptionSpec>(spec.options).map(
      ([name, option]) => [optionLabel(name, option), option.describe + optionNote(option)] as const,
    ),
    ['--help', 'Print this text.'] as const,
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const usage = ['Usage:', spec.name, ...positionals.map(({ name }) => name), '[options]'].join(' ');
  return `${usage}\n\n${spec.about}\n\n${rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`).join('\n')}\n`;
};

const convert = (name: string, spec: OptionSpec, text: string, advice: string): string | number => {
  switch (spec.type) {
    case 'number':
    case 'integer': {
      const value = Number(text);
      const kind = spec.type === 'integer' ? 'a whole number' : 'a number';
      if (
        text.trim() === '' ||
        !Number.isFinite(value) ||
        (spec.type === 'integer' && !Number.isInteger(value))
      ) {
        throw new UsageError(`--${name} wants ${kind}, not "${text}". ${advice}`);
      }
      if (spec.minimum !== undefined && value < spec.minimum) {
        throw new UsageError(`--${name} must be at least ${spec.minimum}, not ${value}. ${advice}`);
      }
      return value;
    }
    case 'choice':
      if (!spec.choices.includes(text)) {
        throw new UsageError(`--${name} is one of ${spec.choices.join(', ')}, not "${text}". ${advice}`);
      }
      return text;
    default:
      if (text === '')
        throw new UsageError(
          `--${name} wants ${'placeholder' in spec ? spec.placeholder : 'a value'}, not an empty text. ${advice}`,
        );
      return text;
  }
};

/** The message of node:util without its advice on how to escape positional arguments. */
const firstSentence = (message: string): string => message.split(/\. |\n/)[0].replace(/\.$/, '');

/**
 * Reads a command line.
 * @returns values and positional arguments, or `help` where `--help` is among them
 * @throws UsageError for an unknown option, a value of the wrong kind, or a missing argument
 */
export const parseCommand = <Options extends Record<string, OptionSpec>>(
  spec: CommandSpec<Options>,
  argv: readonly string[],
): ParsedCommand<Options> | 'help' => {
  const advice = `See "${spec.name} --help".`;
  const wanted = spec.positionals ?? [];
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      strict: true,
      options: {
        ...Object.fromEntries(
          Object.entries<OptionSpec>(spec.options).map(([name, option]) => [
            name,
            { type: option.type === 'flag' ? ('boolean' as const) : ('string' as const) },
          ]),
        ),
        help: { type: 'boolean' as const, short: 'h' },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${firstSentence(error.message)}. ${advice}`, { cause: error });
  }
  if (parsed.values.help === true) return 'help';
  if (parsed.positionals.length > wanted.length) {
    throw new UsageError(`Unexpected argument "${parsed.positionals[wanted.length]}". ${advice}`);
  }
  if (parsed.positionals.length < wanted.length) {
    throw new UsageError(`Missing argument ${wanted[parsed.positionals.length].name}. ${advice}`);
  }
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const [name, option] of Object.entries<OptionSpec>(spec.options)) {
    const given = parsed.values[name];
    if (option.type === 'flag') values[name] = given === true;
    else if (typeof given === 'string') values[name] = convert(name, option, given, advice);
    else if (option.required === true) throw new UsageError(`Missing --${name}. ${advice}`);
    else values[name] = option.default;
  }
  // Each value was read by its own spec above; the type says the same of all of them at once.
  return { values: values as OptionValues<Options>, positionals: parsed.positionals };
};

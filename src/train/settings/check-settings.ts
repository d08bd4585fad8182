/** Settings files: rules for every key, one checker for all of them, and the text that shows them with comments. */
import { InputError } from '../../errors.ts';

/** A number within inclusive bounds. */
export type NumberRule = { kind: 'number'; about: string; least: number; greatest: number; whole: boolean };
/** Two numbers [least, greatest] in ascending order, both within inclusive bounds. */
export type RangeRule = Omit<NumberRule, 'kind'> & { kind: 'range' };
/** Two numbers or more, each within inclusive bounds. */
export type ListRule = Omit<NumberRule, 'kind'> & { kind: 'list' };
/** A text that is not empty, one of `choices` where there are any. */
export type TextRule = { kind: 'text'; about: string; choices?: readonly string[] };
export type GroupRule<Settings> = { kind: 'group'; about: string; rules: Rules<Settings> };

type RuleFor<Value> = Value extends number
  ? NumberRule
  : Value extends string
    ? TextRule
    : Value extends readonly [number, number]
      ? RangeRule
      : Value extends readonly number[]
        ? ListRule
        : GroupRule<Value>;

/** A rule for every key, in the order in which the settings are shown. */
export type Rules<Settings> = { readonly [Key in keyof Settings]-?: RuleFor<Settings[Key]> };

type Rule = NumberRule | RangeRule | ListRule | TextRule | { kind: 'group'; about: string; rules: RuleTable };
type RuleTable = Readonly<Record<string, Rule>>;

export const number = (least: number, greatest: number, about: string): NumberRule => ({
  kind: 'number',
  about,
  least,
  greatest,
  whole: false,
});
export const whole = (least: number, greatest: number, about: string): NumberRule => ({
  ...number(least, greatest, about),
  whole: true,
});
export const range = (least: number, greatest: number, about: string): RangeRule => ({
  ...number(least, greatest, about),
  kind: 'range',
});
export const wholeList = (least: number, greatest: number, about: string): ListRule => ({
  ...whole(least, greatest, about),
  kind: 'list',
});
export const text = (about: string, choices?: readonly string[]): TextRule => ({
  kind: 'text',
  about,
  ...(choices && { choices }),
});
export const group = <Settings>(about: string, rules: Rules<Settings>): GroupRule<Settings> => ({
  kind: 'group',
  about,
  rules,
});

/** The value as JSON, cut off where that is long. */
const shown = (value: unknown): string => {
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
};

const refuse = (path: string, value: unknown, wanted: string): never => {
  throw new InputError(`${path} is ${shown(value)} but has to be ${wanted}. Correct it or leave it out.`);
};

const bounds = ({ least, greatest }: Pick<NumberRule, 'least' | 'greatest'>): string =>
  `from ${least} to ${greatest}`;

const fits = (rule: Pick<NumberRule, 'least' | 'greatest' | 'whole'>, value: unknown): value is number =>
  typeof value === 'number' &&
  value >= rule.least &&
  value <= rule.greatest &&
  (!rule.whole || Number.isInteger(value));

const kindOfNumber = (isWhole: boolean): string => (isWhole ? 'a whole number' : 'a number');

const checkNumber = (path: string, rule: Omit<NumberRule, 'kind'>, value: unknown): number =>
  fits(rule, value) ? value : refuse(path, value, `${kindOfNumber(rule.whole)} ${bounds(rule)}`);

const checkRange = (path: string, rule: RangeRule, value: unknown): number[] => {
  if (!Array.isArray(value) || value.length !== 2) {
    return refuse(path, value, 'two numbers [least, greatest]');
  }
  const [least, greatest] = value.map((entry) => checkNumber(path, rule, entry));
  if (least > greatest) {
    throw new InputError(`${path} runs from ${least} down to ${greatest}. Put the smaller number first.`);
  }
  return [least, greatest];
};

const checkList = (path: string, rule: ListRule, value: unknown): number[] =>
  Array.isArray(value) && value.length >= 2
    ? value.map((entry) => checkNumber(path, rule, entry))
    : refuse(path, value, 'a list of two numbers or more');

const checkText = (path: string, { choices }: TextRule, value: unknown): string =>
  typeof value === 'string' && value !== '' && (choices?.includes(value) ?? true)
    ? value
    : refuse(path, value, choices ? `one of ${choices.join(', ')}` : 'a text');

const checkGroup = (path: string, rules: RuleTable, value: unknown, defaults: object): object => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(path, value, 'an object');
  }
  const known = Object.keys(rules);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new InputError(
      `${path} has the unknown key "${unknown}". Known keys: ${known.join(', ')}. Correct it or leave it out.`,
    );
  }
  const given = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    Object.entries<unknown>({ ...defaults }).map(([key, fallback]) => {
      const entry = given.get(key);
      return [key, entry === undefined ? fallback : check(`${path}.${key}`, rules[key], entry, fallback)];
    }),
  );
};

const check = (path: string, rule: Rule, value: unknown, fallback: unknown): unknown => {
  switch (rule.kind) {
    case 'number':
      return checkNumber(path, rule, value);
    case 'range':
      return checkRange(path, rule, value);
    case 'list':
      return checkList(path, rule, value);
    case 'text':
      return checkText(path, rule, value);
    case 'group':
      return checkGroup(path, rule.rules, value, Object(fallback) as object);
  }
};

/**
 * Completes settings with the defaults; keys come out in the order of the defaults.
 * @param value plain JSON object, every key optional at any depth
 * @param name how messages call the object
 * @throws InputError for an unknown key, a wrong type, or a number out of bounds
 */
export const checkSettings = <Settings extends object>(
  value: unknown,
  defaults: Settings,
  rules: Rules<Settings>,
  name: string,
): Settings => checkGroup(name, rules, value, defaults) as Settings;

const allowed = (rule: Rule): string => {
  switch (rule.kind) {
    case 'number':
      return `${rule.whole ? 'Whole number, ' : ''}${rule.least} to ${rule.greatest}.`;
    case 'range':
      return `[least, greatest], ${rule.least} to ${rule.greatest}.`;
    case 'list':
      return `${rule.whole ? 'Whole numbers' : 'Numbers'}, ${rule.least} to ${rule.greatest}.`;
    case 'text':
      return rule.choices ? `One of ${rule.choices.join(', ')}.` : '';
    case 'group':
      return '';
  }
};

const showGroup = (rules: RuleTable, settings: object, indent: string): string => {
  const entries = Object.entries<unknown>({ ...settings });
  const lines = entries.flatMap(([key, value], index) => {
    const rule = rules[key];
    const comment = `${indent}// ${[rule.about, allowed(rule)].filter(Boolean).join(' ')}`;
    const entry =
      rule.kind === 'group'
        ? showGroup(rule.rules, Object(value) as object, `${indent}  `)
        : Array.isArray(value)
          ? `[${value.join(', ')}]`
          : JSON.stringify(value);
    return [comment, `${indent}"${key}": ${entry}${index < entries.length - 1 ? ',' : ''}`];
  });
  return `{\n${lines.join('\n')}\n${indent.slice(2)}}`;
};

/** Settings as JSON with a comment above each key: what it is and what it may be. `parseJsonc` reads it. */
export const showSettings = <Settings extends object>(settings: Settings, rules: Rules<Settings>): string =>
  showGroup(rules, settings, '  ');

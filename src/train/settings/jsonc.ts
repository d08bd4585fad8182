/** JSON with comments: what `dve train --print-config` prints and `--config` reads. */

/** Marks, literals and comments of JSON; whatever else there is comes out one character at a time. */
const token = /(?<skip>\s+|\/\/[^\n]*|\/\*[^]*?\*\/)|(?<mark>[{}[\]:,])|"(?:[^"\\\n]|\\.)*"|[\w.+-]+|[^]/gu;

type Token = { text: string; /** Counted from 1. */ line: number };

/** Everything but comments and white space, and an empty token at the end. */
const readTokens = (text: string): Token[] => {
  const tokens: Token[] = [];
  let line = 1;
  for (const match of text.matchAll(token)) {
    if (match.groups?.skip === undefined) tokens.push({ text: match[0], line });
    line += match[0].split('\n').length - 1;
  }
  return [...tokens, { text: '', line }];
};

const describe = (text: string): string => (text === '' ? 'the end of the text' : JSON.stringify(text));

/**
 * Reads JSON that may have comments and a comma after the last entry.
 * @throws SyntaxError in one line that begins with the line's number: `line 3: …`
 */
export const parseJsonc = (text: string): unknown => {
  const tokens = readTokens(text);
  let at = 0;
  const refuse = (wanted: string, { text: found, line }: Token): never => {
    throw new SyntaxError(`line ${line}: expected ${wanted} but found ${describe(found)}`);
  };
  const isNext = (mark: string): boolean => tokens[at].text === mark;
  /** Steps over a mark. */
  const pass = (mark: string): void => {
    if (!isNext(mark)) refuse(`"${mark}"`, tokens[at]);
    at++;
  };
  const literal = (wanted: string): unknown => {
    const next = tokens[at];
    at++;
    try {
      return JSON.parse(next.text);
    } catch {
      return refuse(wanted, next);
    }
  };

  /** Reads entries up to the closing mark. */
  const entries = (open: string, close: string, entry: () => void): void => {
    pass(open);
    while (!isNext(close)) {
      entry();
      if (isNext(close)) break;
      if (!isNext(',')) refuse(`"," or "${close}"`, tokens[at]);
      at++;
    }
    at++;
  };

  const value = (): unknown => {
    if (isNext('{')) {
      const found = new Map<string, unknown>();
      entries('{', '}', () => {
        const next = tokens[at];
        const key = literal('a key in quotes');
        if (typeof key !== 'string') return refuse('a key in quotes', next);
        if (found.has(key)) throw new SyntaxError(`line ${next.line}: the key "${key}" is there twice`);
        pass(':');
        found.set(key, value());
      });
      return Object.fromEntries(found);
    }
    if (isNext('[')) {
      const found: unknown[] = [];
      entries('[', ']', () => found.push(value()));
      return found;
    }
    return literal('a value');
  };

  const whole = value();
  if (!isNext('')) refuse('the end of the text', tokens[at]);
  return whole;
};

/** Code blocks of the guides: what is compiled and run there is what readers see. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './consumer.ts';

/** A fenced block of a Markdown file. */
export type Snippet = {
  /** The guide, from the project's root. */ guide: string;
  /** Line of the guide on which the code begins, from 1. */ line: number;
  language: string;
  /** What follows the language: the name of the file that the block is. */ file: string;
  code: string;
};

/** README and everything in docs, from the project's root. */
export const guides = (): string[] => [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

/** Blocks of a guide, in its order. */
export const snippetsOf = (guide: string): Snippet[] => {
  const text = readFileSync(join(root, guide), 'utf8');
  return [...text.matchAll(/^```(\w*) *(\S*)\n([^]*?)^```$/gm)].map((match) => ({
    guide,
    line: text.slice(0, match.index).split('\n').length + 1,
    ...{ language: match[1], file: match[2], code: match[3] },
  }));
};

/** The block that is a file. @throws Error where the guide has none of this name */
export const snippetFile = (guide: string, file: string): string => {
  const found = snippetsOf(guide).find((snippet) => snippet.file === file);
  if (found === undefined) throw new Error(`${guide} has no block named ${file}`);
  return found.code;
};

/** Headers that a guide's `http` blocks tell to send, name → value; of the same name the last one. */
export const snippetHeaders = (guide: string): Record<string, string>[] =>
  snippetsOf(guide)
    .filter(({ language }) => language === 'http')
    .map(({ code }) =>
      Object.fromEntries(
        code
          .trimEnd()
          .split('\n')
          .map((line) => {
            const colon = line.indexOf(': ');
            return [line.slice(0, colon), line.slice(colon + 2)];
          }),
      ),
    );

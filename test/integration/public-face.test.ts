import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  declarationsOf,
  entries,
  reportOf,
  reportPath,
  undocumented,
  type EntryName,
} from '../../tools/api-report/report.ts';

const names = Object.keys(entries) as EntryName[];
const declarations = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await declarationsOf(entries[name])] as const)),
);

describe.each(names)('what %s exports', (name) => {
  test('is what its report says; "npm run api" writes the report anew', async () => {
    const report = await readFile(reportPath(name), 'utf8');
    expect(report).toBe(reportOf(name, declarations[name]));
  });

  test('has a docstring, and so has every member of it', () => {
    expect(undocumented(declarations[name])).toEqual({ symbols: [], members: [] });
  });
});

describe('the report of a face', () => {
  const face = `
/** Known. */
type Known = {
  /** Said. */ said: string;
  unsaid: number;
  status: 'open';
};
type Bare = 1;
type Inner = { hidden: string };
/** An error. */
declare class Failure extends Error {
  name: string;
  private secret: Inner;
  open(): void;
}
export { Failure }; export type { Bare, Known };`;

  test('misses docstrings of exported names and members, and of nothing else', () => {
    expect(undocumented(face)).toEqual({ symbols: ['Bare'], members: ['Known.unsaid', 'Failure.open'] });
  });

  test('changes with a type and not with a comment or the order of declarations', () => {
    const report = reportOf('dve-sdk', face);
    expect(reportOf('dve-sdk', face.replace('Said.', 'Told.'))).toBe(report);
    expect(
      reportOf('dve-sdk', face.replace('type Bare = 1;', '').replace('export', 'type Bare = 1; export')),
    ).toBe(report);
    expect(reportOf('dve-sdk', face.replace('said: string', 'said: number'))).not.toBe(report);
  });
});

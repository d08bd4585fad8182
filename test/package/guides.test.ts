import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { compileScript, parse } from 'vue/compiler-sfc';
import { root } from './consumer.ts';
import { guides, snippetsOf, type Snippet } from './snippets.ts';

/** What snippets take for granted: the things that a page has anyway. */
const taken = `
declare global {
  const video: HTMLVideoElement;
  const canvas: HTMLCanvasElement;
  const frame: ImageBitmap;
  const other: ImageBitmap;
  const file: File;
  const files: File[];
  const link: HTMLAnchorElement;
  const points: { x: number; y: number }[];
  const show: (text: string) => void;
  const draw: (what: unknown) => void;
  const trustedTypes: { createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown };
  class MediaStreamTrackProcessor {
    constructor(options: { track: MediaStreamTrack });
    readonly readable: ReadableStream<VideoFrame>;
  }
}
export {};
`;
/** Electron cannot be installed everywhere, types included: what the recipe uses of it, by its documentation. */
const electron = `
declare module 'electron' {
  const app: { whenReady(): Promise<void> };
  class BrowserWindow {
    constructor(options: { width: number; height: number });
    loadURL(url: string): Promise<void>;
  }
  const net: { fetch(url: string): Promise<Response> };
  type Privileges = { standard: boolean; secure: boolean; supportFetchAPI: boolean; stream: boolean };
  const protocol: {
    registerSchemesAsPrivileged(schemes: { scheme: string; privileges: Privileges }[]): void;
    handle(scheme: string, answer: (request: Request) => Promise<Response>): void;
  };
  const session: {
    defaultSession: {
      setPermissionRequestHandler(
        handler: (contents: unknown, permission: string, answer: (isGiven: boolean) => void) => void,
      ): void;
    };
  };
}
`;

const entries = ['index', 'pictures', 'node', 'mediapipe', 'train', 'puppet', 'three'];
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'].concat(
    'lib.esnext.disposable.d.ts',
  ),
  jsx: ts.JsxEmit.ReactJSX,
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  allowJs: true,
  checkJs: true,
  moduleDetection: ts.ModuleDetectionKind.Force,
  baseUrl: root,
  // What is packed, not its sources: readers have these types.
  paths: Object.fromEntries(
    entries.map((name) => [name === 'index' ? 'dve-sdk' : `dve-sdk/${name}`, [`dist/${name}.d.ts`]]),
  ),
};
/** Readers of JavaScript state no types, so that their absence is no mistake. */
const scriptOptions: ts.CompilerOptions = { ...options, strict: false };

type Source = { /** Path of a file that is not there. */ path: string; code: string; snippet: Snippet };

/** Modules of a page, in its order. */
const modulesOf = (html: string): string[] =>
  [...html.matchAll(/<script type="module">\n?([^]*?)<\/script>/g)].map((match) => match[1]);

/** A component's script, with what its template uses. */
const compiledVue = (code: string): string => {
  const { descriptor, errors } = parse(code);
  if (errors.length > 0) throw errors[0];
  return compileScript(descriptor, { id: 'guide', inlineTemplate: true }).content;
};

/** What of a snippet is compiled, as a file beside the others of its guide, whose blocks import each other by name. */
const sourcesOf = (snippet: Snippet): Source[] => {
  const { guide, line, language, code, file } = snippet;
  const folder = join(root, 'guides', guide);
  const at = (text: string, ending: string): Source => ({
    path: join(folder, file === '' ? `line-${line}.${ending}` : file),
    code: text.replaceAll(/'\S*\/dve-sdk\/dist\/index\.js'/g, "'dve-sdk'"),
    snippet,
  });
  if (['ts', 'tsx', 'js'].includes(language)) return [at(code, language)];
  if (language === 'vue')
    return [at(compiledVue(code), 'ts')].map((one) => ({ ...one, path: `${one.path}.ts` }));
  if (language !== 'html') return [];
  return modulesOf(code).map((text, index) => at(text, `${index}.js`));
};

/** Types of browsers and packages, read once for all programs. */
const parsed = new Map<string, ts.SourceFile>();

/** Compiles files that exist in memory only. @returns the mistakes, each with its place in the guide */
const mistakesIn = (sources: readonly Source[], compilerOptions: ts.CompilerOptions): string[] => {
  const ambient = new Map([
    [join(root, 'guides', 'taken.d.ts'), taken],
    [join(root, 'guides', 'electron.d.ts'), electron],
  ]);
  const texts = new Map([...ambient, ...sources.map(({ path, code }) => [path, code] as const)]);
  const host = ts.createCompilerHost(compilerOptions);
  const isOnDisk = host.fileExists.bind(host);
  const readDisk = host.readFile.bind(host);
  host.fileExists = (path) => texts.has(path) || isOnDisk(path);
  host.readFile = (path) => texts.get(path) ?? readDisk(path);
  host.getSourceFile = (path, version) => {
    const known = parsed.get(path);
    if (known !== undefined) return known;
    const text = texts.get(path) ?? readDisk(path);
    if (text === undefined) return undefined;
    const file = ts.createSourceFile(path, text, version);
    if (!texts.has(path)) parsed.set(path, file);
    return file;
  };
  host.directoryExists = () => true;
  const program = ts.createProgram([...texts.keys()], compilerOptions, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    const source = sources.find(({ path }) => path === file?.fileName);
    if (file === undefined || source === undefined) return text;
    const { guide, line } = source.snippet;
    return `${guide}:${line + file.getLineAndCharacterOfPosition(start).line}: ${text}`;
  });
};

const compile = (snippets: readonly Snippet[]): string[] => {
  const sources = snippets.flatMap(sourcesOf);
  const isScript = ({ path }: Source): boolean => /\.m?js$/.test(path);
  return [
    ...mistakesIn(
      sources.filter((source) => !isScript(source)),
      options,
    ),
    ...mistakesIn(sources.filter(isScript), scriptOptions),
  ];
};

describe('the guides', () => {
  const snippets = guides().flatMap(snippetsOf);

  test('have snippets that compile against the types of the package', () => {
    expect(snippets.flatMap(sourcesOf).length).toBeGreaterThan(25);
    expect(compile(snippets)).toEqual([]);
  });

  test('would not pass with a mistake in any of their languages', () => {
    const wrong = {
      ts: "import { track } from 'dve-sdk';\ntrack(video, { smoothness: 1 });\n",
      js: "import { trak } from 'dve-sdk';\ntrak(video);\n",
      html: '<script type="module">\n  import { track } from "dve-sdk";\n  track(7);\n</script>\n',
      tsx: "import { useEffect } from 'react';\nexport const A = () => <p ref={useEffect} />;\n",
      vue: '<script setup lang="ts">\nconst a = 1;\nconst b: string = a;\n</script>\n<template>{{ b }}</template>\n',
    };
    const mistakes = compile(
      Object.entries(wrong).map(([language, code]) => ({
        ...{ guide: `docs/wrong-${language}.md`, line: 1, language, file: '', code },
      })),
    );
    for (const language of Object.keys(wrong)) {
      expect(mistakes.join('\n')).toMatch(new RegExp(`^docs/wrong-${language}\\.md:\\d+: `, 'm'));
    }
  });

  test('have JSON that is JSON', () => {
    for (const { language, code } of snippets) if (language === 'json') JSON.parse(code);
  });

  test.each(guides())('%s links to what is there', (guide) => {
    const text = readFileSync(join(root, guide), 'utf8');
    const missing = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)]
      .map((match) => join(root, dirname(guide), match[1]))
      .filter((path) => !existsSync(path))
      .map((path) => relative(root, path));
    expect(missing).toEqual([]);
  });

  test('are all in the index', () => {
    const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8');
    const missing = guides().filter((guide) => guide.startsWith('docs/') && !guide.endsWith('README.md'));
    expect(missing.filter((guide) => !index.includes(`(${guide.slice('docs/'.length)})`))).toEqual([]);
  });
});

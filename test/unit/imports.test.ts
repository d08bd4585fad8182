import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const src = join(dirname(fileURLToPath(import.meta.url)), '../../src');

type Import = { from: string; to: string; typeOnly: boolean };

const sourceFiles = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });

const isTypeOnly = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
};

/** Every import, export-from, dynamic import and `new URL('./x.ts', import.meta.url)` of one file. */
const importsOf = (file: string): { specifier: string; typeOnly: boolean }[] => {
  const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: { specifier: string; typeOnly: boolean }[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node) });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (ts.isStringLiteral(argument)) found.push({ specifier: argument.text, typeOnly: false });
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) found.push({ specifier: literal.text, typeOnly: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
};

const files = sourceFiles(src);
const name = (path: string): string => relative(src, path).replaceAll('\\', '/');

const edges: Import[] = files.flatMap((file) =>
  importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.') && specifier.endsWith('.ts'))
    .map(({ specifier, typeOnly }) => ({
      from: name(file),
      to: name(join(dirname(file), specifier)),
      typeOnly,
    })),
);

/** Room of a file: its folder, or for the files at the top its own name. */
const roomOf = (file: string): string =>
  file.includes('/') ? file.split('/')[0] : file.replace(/\.ts$/, '');

/** Floors of ARCHITECTURE.md, "Rooms": imports point down. */
const floors: Record<string, number> = {
  geometry: 0,
  errors: 0,
  options: 0,
  'files-node': 0,
  augment: 1,
  flow: 1,
  landmarks: 1,
  media: 1,
  model: 1,
  onnx: 1,
  draw: 2,
  'landmark-maker': 2,
  pipeline: 2,
  puppet: 2,
  three: 2,
  sources: 2,
  train: 3,
  evaluation: 4,
  'evaluation-node': 4,
  'media-node': 4,
  mediapipe: 4,
  marks: 4,
  tracker: 4,
  'tracking-model': 4,
  'worker-model': 4,
  track: 4,
  'train-node': 4,
  'train-web': 4,
  worker: 4,
  index: 5,
  pictures: 5,
  node: 5,
  correspond: 2,
  cli: 5,
};

/** Where Node's own modules and packages may be used. */
const isNodeFile = (file: string): boolean =>
  file === 'node.ts' ||
  roomOf(file) === 'cli' ||
  roomOf(file).endsWith('-node') ||
  /^model\/[a-z-]+-node\.ts$/.test(file);

/** Rooms that see only the two lowest floors (and themselves). */
const shallow = new Set(['sources', 'draw', 'puppet']);

const isUpward = ({ from, to }: Import): boolean => {
  const [above, below] = [roomOf(from), roomOf(to)];
  if (above === below) return false;
  return shallow.has(above) ? floors[below] > 1 : floors[below] > floors[above];
};

/** A way from a file back to itself, or undefined. */
const findCircle = (graph: ReadonlyMap<string, readonly string[]>): string[] | undefined => {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = walk(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
};

const graphOf = (imports: readonly Import[]): Map<string, string[]> => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
  return graph;
};

/** Everything that runs when `entry` runs. */
const reachable = (entry: string): Set<string> => {
  const graph = graphOf(edges.filter(({ typeOnly }) => !typeOnly));
  const seen = new Set<string>();
  const walk = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of graph.get(file) ?? []) walk(next);
  };
  walk(entry);
  return seen;
};

/** What of Node and of its packages runs when these files do. */
const nodeImports = (inside: readonly string[]): string[] =>
  inside
    .filter((file) => existsSync(join(src, file)))
    .flatMap((file) => importsOf(join(src, file)))
    .filter(({ specifier, typeOnly }) => !typeOnly && /^(node:|sharp$|onnxruntime-node$)/.test(specifier))
    .map(({ specifier }) => specifier);

describe('imports of src', () => {
  test('every room has a floor', () => {
    const rooms = new Set(files.map((file) => roomOf(name(file))));
    expect([...rooms].filter((room) => !(room in floors))).toEqual([]);
  });

  test('no import points to a higher floor', () => {
    expect(edges.filter(isUpward).map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  test('no import goes round in a circle', () => {
    expect(findCircle(graphOf(edges))).toBeUndefined();
  });

  test('every relative import names a file that exists', () => {
    expect(edges.filter(({ to }) => !existsSync(join(src, to))).map(({ to }) => to)).toEqual([]);
  });

  test('the check itself sees an upward edge and a circle', () => {
    expect(isUpward({ from: 'geometry/roi.ts', to: 'train/trainer.ts', typeOnly: false })).toBe(true);
    expect(isNodeFile('train/trainer.ts')).toBe(false);
    expect(isNodeFile('model/model-node.ts')).toBe(true);
    expect(isUpward({ from: 'sources/camera.ts', to: 'pipeline/crop.ts', typeOnly: false })).toBe(true);
    const circle = findCircle(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
      ]),
    );
    expect(circle).toEqual(['a', 'b', 'c', 'a']);
  });

  test('Node is behind a wall: only its own rooms import it', () => {
    const outside = files.map(name).filter((file) => !isNodeFile(file));
    expect(outside.filter((file) => nodeImports([file]).length > 0)).toEqual([]);
    expect(nodeImports(files.map(name).filter(isNodeFile)).length).toBeGreaterThan(0);
  });

  test('no file outside of the wall imports one inside', () => {
    const through = edges.filter(({ from, to }) => !isNodeFile(from) && isNodeFile(to));
    expect(through.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  test('onnxruntime-node, which phones home unless told not to, is loaded in one place, and by no worker thread', () => {
    const top = join(src, '..');
    const everything = ['src', 'test', 'tools', 'examples'].flatMap((folder) =>
      sourceFiles(join(top, folder)),
    );
    const loaders = everything.filter((file) =>
      importsOf(file).some(({ specifier, typeOnly }) => !typeOnly && specifier === 'onnxruntime-node'),
    );
    expect(loaders.map(name)).toEqual(['model/runtime-node.ts']);
    const workers = files.map(name).filter((file) => /^train-node\/.*worker\.ts$/.test(file));
    expect(workers.length).toBeGreaterThan(0);
    for (const worker of workers) expect([...reachable(worker)]).not.toContain('model/runtime-node.ts');
  });

  test('no room holds more than 30 % of src', () => {
    const linesOf = (file: string): number => readFileSync(file, 'utf8').split('\n').length;
    const total = files.reduce((sum, file) => sum + linesOf(file), 0);
    const rooms = new Map<string, number>();
    for (const file of files) {
      const room = roomOf(name(file));
      rooms.set(room, (rooms.get(room) ?? 0) + linesOf(file));
    }
    expect([...rooms].filter(([, lines]) => lines > 0.3 * total)).toEqual([]);
  });

  const browserEntries = [
    'index.ts',
    'pictures.ts',
    'worker/tracker.worker.ts',
    'worker/picture-work.ts',
    'worker/several-objects.ts',
    'worker/motion-work.ts',
    'worker/gpu-work.ts',
    'worker/frame-work.ts',
    'mediapipe/index.ts',
    'puppet/index.ts',
    'three/index.ts',
    'mediapipe/detector.worker.ts',
  ];

  test.each(browserEntries)(
    'the browser bundle of %s holds neither train nor cli nor Node modules',
    (entry) => {
      const inside = [...reachable(entry)];
      expect(inside.length).toBeGreaterThan(1);
      expect(inside.filter((file) => ['train', 'cli'].includes(roomOf(file)))).toEqual([]);
      expect(nodeImports(inside)).toEqual([]);
    },
  );

  const trainingEntries = [
    'train-web/index.ts',
    'train-web/train.worker.ts',
    'train-web/train-data.worker.ts',
  ];

  test.each(trainingEntries)('the browser bundle of %s trains without cli and Node modules', (entry) => {
    const inside = [...reachable(entry)];
    expect(inside.map(roomOf)).toContain('train');
    expect(inside.filter((file) => roomOf(file) === 'cli')).toEqual([]);
    expect(nodeImports(inside)).toEqual([]);
  });
});

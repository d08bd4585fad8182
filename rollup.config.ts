import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import type { Plugin, RollupOptions } from 'rollup';
import dts from 'rollup-plugin-dts';
import esbuild from 'rollup-plugin-esbuild';
import { minify as terser } from 'terser';
import { wgslText } from './wgsl-text.ts';

const ortFolder = 'node_modules/onnxruntime-web/dist';
// Loaded as they are, beside the worker, only when needed: bundlers see them as assets and need no settings.
const ortFiles = [
  'ort.wasm.bundle.min.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort.jspi.bundle.min.mjs',
  'ort-wasm-simd-threaded.jspi.wasm',
];

/**
 * A file that is imported by a URL known only when running: these comments tell bundlers and their development servers
 * to leave the call alone. Minifying drops them.
 */
const bundlerHints: Plugin = {
  name: 'bundler-hints',
  renderChunk: (code) => ({
    code: code.replaceAll(/\bimport\(([\w$]+)\)/g, 'import(/* @vite-ignore */ /* webpackIgnore: true */ $1)'),
    map: null,
  }),
};

/** What pages fetch. terser makes it 4 % smaller (gzip) than esbuild does. */
const minified: Plugin = {
  name: 'minified',
  renderChunk: async (source) => {
    const { code = source, map } = await terser(source, {
      module: true,
      ecma: 2022,
      // Getters here do nothing but get.
      compress: { passes: 4, pure_getters: true, unsafe_methods: true, unsafe_arrows: true },
      sourceMap: true,
    });
    return { code, map: map as string };
  },
};

const minifiedWithoutMap: Plugin = {
  name: 'minified',
  renderChunk: async (source) => (await terser(source, { module: true, ecma: 2020 })).code ?? source,
};

/** Readers of files that say in `faults.js` what is wrong with one: see src/worker/explained.ts. */
const explainedModules =
  /src\/(landmarks\/(landmark-set|refiner-file|smoother-check)|model\/(damaged-weights|manifest|network-contract))\.ts$/;
/** What they call, or create, with words. */
const refusals = new Set(['fail', 'refuse', 'ModelError', 'DeviceError', 'InputError']);

type Node = { type: string; start: number; end: number; value?: unknown; callee?: { name?: string } };

const childrenOf = (node: object): Node[] =>
  Object.values(node)
    .flat()
    .filter((child): child is Node => typeof child === 'object' && child !== null && 'type' in child);

const isText = ({ type, value }: Node): boolean =>
  type === 'TemplateLiteral' || (type === 'Literal' && typeof value === 'string');

/** All texts in a piece of code, the outermost ones. */
const textsIn = (node: Node): Node[] => (isText(node) ? [node] : childrenOf(node).flatMap(textsIn));

const textsOfRefusals = (node: Node): Node[] =>
  refusals.has(node.callee?.name ?? '') ? textsIn(node) : childrenOf(node).flatMap(textsOfRefusals);

/** Leaves out the words with which those readers refuse; every place in the code stays where it was. */
const withoutTexts: Plugin = {
  name: 'without-texts',
  transform(code, id) {
    if (!explainedModules.test(id)) return null;
    let short = code;
    for (const { start, end } of textsOfRefusals(this.parse(code))) {
      const blank = code.slice(start, end).replaceAll(/[^\n]/g, ' ');
      short = `${short.slice(0, start)}""${blank.slice(2)}${short.slice(end)}`;
    }
    return { code: short, map: null };
  },
};

/** Two letters that stay the same in every build: what common.js calls an export, for the files that import it. */
const shortName = (name: string): string => {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) % (26 * 36);
  return String.fromCharCode(97 + Math.floor(hash / 36)) + (hash % 36).toString(36);
};

/** Shortens the names by which files of the package know what common.js has: nobody else imports that. */
const shortCommonNames: Plugin = {
  name: 'short-common-names',
  renderChunk(code, { fileName, exports }) {
    const listed = (list: string, own: boolean): string =>
      list
        .split(',')
        .map((entry) => {
          const [name, alias = name] = entry.trim().split(' as ');
          return own ? `${name} as ${shortName(alias)}` : `${shortName(name)} as ${alias}`;
        })
        .join(',');
    if (fileName === 'common.js') {
      const short = new Set(exports.map(shortName));
      if (short.size < exports.length) this.error('Two exports of common.js have one short name.');
      return {
        code: code.replace(/\bexport\{([^}]*)\}/, (_, list: string) => `export{${listed(list, true)}}`),
        map: null,
      };
    }
    const found = /\b(import|export)\{([^}]*)\}(?=from"\.\/common\.js")/g;
    return {
      code: code.replace(found, (_, kind: string, list: string) => `${kind}{${listed(list, false)}}`),
      map: null,
    };
  },
};

/** ONNX Runtime's scripts name source maps that are not part of the package; servers complain about those. */
const withoutSourceMap = (code: string): string => code.replace(/^\/\/# sourceMappingURL=.*$/m, '');

const copyOrt: Plugin = {
  name: 'copy-onnxruntime-web',
  writeBundle() {
    for (const file of ortFiles) {
      const source = join(ortFolder, file);
      const target = join('dist', file);
      if (file.endsWith('.wasm')) copyFileSync(source, target);
      else writeFileSync(target, withoutSourceMap(readFileSync(source, 'utf8')));
    }
  },
};

const external = [/^node:/, /^@?[a-z]/];
// Workers load nothing by a bare name, and installing this package installs no other: what is small is part of it.
const bundled = [/^onnx-buf$/, /^@bufbuild\/protobuf/];
const isExternal = (id: string): boolean =>
  external.some((pattern) => pattern.test(id)) && !bundled.some((pattern) => pattern.test(id));

type Build = { input: string; minify: boolean; output: string };

const plugins = (minify: boolean): Plugin[] => [
  wgslText(),
  nodeResolve(),
  esbuild({ target: 'es2022' }),
  ...(minify ? [minified, shortCommonNames] : []),
  bundlerHints,
];

/** One file that stands alone, but for the optional peers that Node finds where they are installed. */
const build = (
  { input, output, minify }: Build,
  more: Plugin[] = [],
  late: Plugin[] = [],
): RollupOptions => ({
  input,
  external: isExternal,
  output: { file: `dist/${output}`, format: 'es', sourcemap: true, inlineDynamicImports: true },
  plugins: [...more, ...plugins(minify), ...late],
});

/** What more than one entry of a page uses; not its worker, which would name itself as a worker of its own. */
const sharedModules = /src\/(worker-model|worker\/(client|assets)|sources\/(picture|latest-frame))\.ts$/;
/** A camera is a MediaStream, so that both are one file. */
const cameraModules = /src\/sources\/(camera|media-stream)\.ts$/;
/** What pages and the tracker's worker both use: src/worker/common.ts and what it lists. */
const commonModules = new RegExp(
  [
    'src/(errors|options|geometry/(coordinates|roi)|landmarks/(gist|smoother-options))\\.ts$',
    'src/(model/(call-queue|fetch-bytes)|pipeline/result|worker/(common|rpc))\\.ts$',
  ].join('|'),
);

/** Takes it from the file that the page has fetched already. */
const takeCommon: Plugin = {
  name: 'take-common',
  resolveId: (source, importer = '') => {
    const isCommon = commonModules.test(join(dirname(importer), source));
    return isCommon ? { id: './common.js', external: true } : null;
  },
};

/** What looks at what bends is fetched where a set has parts. */
const takeParts: Plugin = {
  name: 'take-parts',
  resolveId: (source, importer = '') =>
    importer.endsWith('pipeline/look.ts') && source === './look-at-parts.ts'
      ? resolve('src/worker/parts-on-demand.ts')
      : null,
};

/**
 * The entries of a page. What they have in common is one file, so that an error of one is an error of the other; what
 * is imported dynamically is a file of its own.
 */
const pageEntries: RollupOptions = {
  input: {
    common: 'src/worker/common.ts',
    index: 'src/index.ts',
    pictures: 'src/pictures.ts',
    mediapipe: 'src/mediapipe/index.ts',
    train: 'src/train-web/index.ts',
    puppet: 'src/puppet/index.ts',
    three: 'src/three/index.ts',
  },
  external: isExternal,
  output: {
    dir: 'dist',
    format: 'es',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    manualChunks: (id) => {
      if (sharedModules.test(id)) return 'shared';
      if (cameraModules.test(id)) return 'camera';
      return commonModules.test(id) ? 'common' : undefined;
    },
  },
  plugins: plugins(true),
};

/** The labelling page reads and writes files of points, and needs nothing else of the package. */
const onlyPoints: Plugin = {
  name: 'only-points',
  resolveId: (source) => (source === 'dve-sdk/pictures' ? resolve('src/landmarks/points-file.ts') : null),
};

/** The page's other files, all in one folder. */
const copyLabelPage: Plugin = {
  name: 'copy-label-page',
  writeBundle() {
    mkdirSync('dist/label', { recursive: true });
    const page = readFileSync('examples/label/index.html', 'utf8');
    // Two files are called style.css.
    const own = page.replace('./style.css', './label.css').replaceAll('../shared/', './');
    writeFileSync('dist/label/index.html', own.replace('./main.ts', './page.js'));
    for (const file of ['style.css', 'surface.css', 'icon.svg'])
      copyFileSync(join('examples/shared', file), join('dist/label', file));
    copyFileSync('examples/label/style.css', 'dist/label/label.css');
  },
};
/** What `dve label` serves. */
const labelPage: RollupOptions = {
  input: 'examples/label/served.ts',
  output: { file: 'dist/label/page.js', format: 'es' },
  plugins: [onlyPoints, copyLabelPage, nodeResolve(), esbuild({ target: 'es2022' }), minifiedWithoutMap],
};

const types = (input: string, output: string): RollupOptions => ({
  input,
  external: isExternal,
  output: { file: `dist/${output}`, format: 'es' },
  plugins: [dts()],
});

/** Worker threads of the trainer: each is a file of its own, found by its name. */
const nodeWorkers = (folder: string): Build[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('worker.ts'))
    .map((file) => ({
      input: join(folder, file),
      output: `${basename(file, '.ts')}.js`,
      minify: false,
    }));

const workerBuild: Build = {
  input: 'src/worker/tracker.worker.ts',
  output: 'tracker.worker.js',
  minify: true,
};
/** Parts of the tracker's worker that it loads by their URLs, which bundlers take for assets: each stands alone. */
const partBuilds: Build[] = [
  'picture-work',
  'several-objects',
  'motion-work',
  'ask-gpu',
  'gpu-work',
  'frame-work',
  'faults',
].map((name) => ({
  input: `src/worker/${name}.ts`,
  output: `${name}.js`,
  minify: true,
}));
const detectorBuild: Build = {
  input: 'src/mediapipe/detector.worker.ts',
  output: 'detector.worker.js',
  minify: true,
};
const trainBuilds: Build[] = ['train.worker', 'train-data.worker'].map((name) => ({
  input: `src/train-web/${name}.ts`,
  output: `${name}.js`,
  minify: true,
}));
const nodeBuilds: Build[] = [
  { input: 'src/cli/main.ts', output: 'cli.js', minify: false },
  { input: 'src/node.ts', output: 'node.js', minify: false },
  ...nodeWorkers('src/train-node'),
];

const pages = [
  build(workerBuild, [takeCommon, takeParts, copyOrt], [withoutTexts]),
  ...partBuilds.map((entry) => build(entry)),
  build(detectorBuild),
  ...trainBuilds.map((entry) => build(entry)),
  pageEntries,
];
const everythingElse = [
  labelPage,
  ...nodeBuilds.map((entry) => build(entry)),
  types('src/index.ts', 'index.d.ts'),
  types('src/pictures.ts', 'pictures.d.ts'),
  types('src/node.ts', 'node.d.ts'),
  types('src/mediapipe/index.ts', 'mediapipe.d.ts'),
  types('src/train-web/index.ts', 'train.d.ts'),
  types('src/puppet/index.ts', 'puppet.d.ts'),
  types('src/three/index.ts', 'three.d.ts'),
];

// The demo needs the page's part only, which takes a fraction of the time.
export default process.env.DVE_BUILD === 'page' ? pages : [...pages, ...everythingElse];

/** `npm start`: serves the examples on this machine only. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

const newestChange = (folder: string): number =>
  Math.max(
    0,
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs;
    }),
  );

const built = join(root, 'dist', 'index.js');
const isStale = !existsSync(built) || statSync(built).mtimeMs < newestChange(join(root, 'src'));
if (isStale) {
  console.log('Building the package …');
  execFileSync('npm', ['run', '--silent', 'build', '--', '--silent'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, DVE_BUILD: 'page' },
  });
}

/** The bare address leads to the start page. */
const toDemo: Plugin = {
  name: 'to-demo',
  configureServer: ({ middlewares }) => {
    middlewares.use((request, response, next) => {
      if (request.url !== '/') {
        next();
        return;
      }
      response.writeHead(302, { Location: '/examples/' });
      response.end();
    });
  },
};

const port = Number(process.env.PORT ?? 5173);
const server = await createServer({
  root,
  configFile: false,
  plugins: [toDemo],
  logLevel: 'warn',
  // Of each port its own: two that run at once would write the same files.
  cacheDir: join(root, '.cache', `vite-examples-${port}`),
  resolve: {
    // The examples use the package as it is published, not its source.
    alias: {
      'dve-sdk/pictures': join(root, 'dist', 'pictures.js'),
      'dve-sdk/train': join(root, 'dist', 'train.js'),
      'dve-sdk/three': join(root, 'dist', 'three.js'),
      'dve-sdk/puppet': join(root, 'dist', 'puppet.js'),
      'dve-sdk/mediapipe': join(root, 'dist', 'mediapipe.js'),
      'dve-sdk': join(root, 'dist', 'index.js'),
    },
  },
  server: {
    host: 'localhost',
    port,
    headers: {
      // An isolated page may use threads.
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
  },
});
await server.listen();
const [url] = server.resolvedUrls?.local ?? [];
console.log(`All examples: ${url}examples/`);
console.log(`Webcam demo: ${url}examples/webcam/`);
console.log(`Points you choose: ${url}examples/points/`);
console.log(`Label points: ${url}examples/label/`);
console.log(`Training: ${url}examples/train/`);
console.log('Stop it with Ctrl+C.');

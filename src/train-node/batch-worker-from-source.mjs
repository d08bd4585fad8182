// Starts batch-worker.ts when the package runs from source: Node gives a worker thread no TypeScript loader of
// its own, whoever loaded its parent (tsx, vitest). The bundle starts batch-worker.js itself and leaves this out.
import { register } from 'tsx/esm/api';

register();
await import('./batch-worker.ts');

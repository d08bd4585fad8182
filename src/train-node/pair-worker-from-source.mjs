// Starts pair-worker.ts when the package runs from source; see batch-worker-from-source.mjs.
import { register } from 'tsx/esm/api';

register();
await import('./pair-worker.ts');

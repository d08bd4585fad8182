/** What the worker does on wasm only: a file of its own, which it loads when the network is to run there. */
export { createPlaneCropper } from '../pipeline/frame-planes.ts';

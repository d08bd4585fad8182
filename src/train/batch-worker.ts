import { parentPort, workerData } from 'node:worker_threads';
import { createBatchMaker } from './batch.ts';
import type { BatchMakerOptions } from './batch.ts';

/** Sent to the worker: the step to make. Sent back: the batch and its step. */
const port = parentPort;
if (port) {
  const make = createBatchMaker(workerData as BatchMakerOptions);
  port.on('message', (step: number) => {
    const batch = make(step);
    const buffers = [batch.images, batch.targets, batch.valid].map((array) => array.buffer as ArrayBuffer);
    port.postMessage({ step, batch }, buffers);
  });
}

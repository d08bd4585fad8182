import { parentPort, workerData } from 'node:worker_threads';
import { createBatchMaker } from '../train/batch/batch.ts';
import type { Batch } from '../train/batch/batch.ts';
import type { BatchMakerOptions } from '../train/batch/sources.ts';

/** What the worker posts; it is told the number of the step to make, one at a time. */
export type BatchWorkerMessage = { kind: 'ready' } | { kind: 'batch'; step: number; batch: Batch };

if (parentPort === null) throw new Error('batch-worker runs in a worker thread only.');
const port = parentPort;
const make = createBatchMaker(workerData as BatchMakerOptions);
port.on('message', (step: number) => {
  const batch = make(step);
  const message: BatchWorkerMessage = { kind: 'batch', step, batch };
  const arrays = [batch.images, batch.targets, batch.valid, ...(batch.annotated ? [batch.annotated] : [])];
  port.postMessage(
    message,
    arrays.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
const ready: BatchWorkerMessage = { kind: 'ready' };
port.postMessage(ready);

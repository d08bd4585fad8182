import { DeviceError, InputError, firstLine } from '../errors.ts';
import type { Runtime } from './model.ts';

/** Where Node runs networks: `cpu` is onnxruntime-node (native), `wasm` is onnxruntime-web. Either may be missing. */
export type NodeDevice = 'cpu' | 'wasm';

/** ONNX Runtime in Node. */
export type NodeRuntime = Runtime & { device: NodeDevice };

export type RuntimeOptions = {
  /** Default: `cpu` where onnxruntime-node is installed and loads, else `wasm`. */ device?: NodeDevice;
  /** Threads of one run; default: what ONNX Runtime chooses. For `wasm` the first call in a process decides. */
  threads?: number;
};

/** More than any machine gains from; asked for far more, ONNX Runtime fails as if the network were broken. */
const maxThreads = 256;

const loadNative = async (threads: number | undefined): Promise<NodeRuntime> => {
  // Else the library writes a device id and a database of events to the home folder, and sends them to its vendor. It
  // reads this once, when it is loaded. A worker thread's own environment would not reach it: none of ours loads it.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  return {
    device: 'cpu',
    InferenceSession,
    Tensor,
    sessionOptions: {
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads, interOpNumThreads: 1 }),
    },
  };
};

const loadWasm = async (threads: number | undefined): Promise<NodeRuntime> => {
  const { InferenceSession, Tensor, env } = await import('onnxruntime-web').catch((error: unknown) => {
    throw new DeviceError(
      `device "wasm" needs onnxruntime-web, which did not load (${firstLine(error)}). Install it with "npm install onnxruntime-web", or use "cpu".`,
      { cause: error },
    );
  });
  if (threads !== undefined) env.wasm.numThreads = threads;
  return {
    device: 'wasm',
    InferenceSession,
    Tensor,
    sessionOptions: { executionProviders: ['wasm'], logSeverityLevel: 3 },
  };
};

/**
 * Loads ONNX Runtime. Without `device` it falls back from onnxruntime-node to onnxruntime-web; `device` of the
 * result tells which.
 * @throws InputError for a number of threads that makes no sense; DeviceError when the asked-for runtime, or any at
 *   all, cannot be loaded
 */
export const loadNodeRuntime = async ({ device, threads }: RuntimeOptions = {}): Promise<NodeRuntime> => {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= maxThreads)) {
    throw new InputError(
      `threads is ${threads}. Pass a whole number from 1 to ${maxThreads}, or leave it out.`,
    );
  }
  if (device === 'wasm') return loadWasm(threads);
  try {
    return await loadNative(threads);
  } catch (error) {
    if (device === 'cpu') {
      throw new DeviceError(
        `device "cpu" needs onnxruntime-node, which did not load (${firstLine(error)}). Install it with "npm install onnxruntime-node", or use "wasm".`,
        { cause: error },
      );
    }
    return loadWasm(threads).catch(() => {
      throw new DeviceError(
        `This needs ONNX Runtime, which did not load (${firstLine(error)}). Install it with "npm install onnxruntime-node" (fast), or "npm install onnxruntime-web".`,
        { cause: error },
      );
    });
  }
};

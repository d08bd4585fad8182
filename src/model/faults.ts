/** What tells why a network cannot be loaded: loaded itself only then, where pages count bytes. */
import { DeviceError, firstLine } from '../errors.ts';
import { fetchBytes } from './fetch-bytes.ts';
import { distRemedy } from './import-file.ts';

export { checkValues } from './damaged-weights.ts';
export { checkNetwork } from './network-contract.ts';

/** Starts a WebAssembly file. */
const wasmMagic = [0x00, 0x61, 0x73, 0x6d];

/**
 * Looks at the file that ONNX Runtime computes with: when it cannot be used every network fails.
 * @returns what is wrong with it; undefined for a good one
 */
export const faultOfWasm = async (url: string): Promise<DeviceError | undefined> => {
  const fault = (problem: string, cause?: unknown): DeviceError =>
    new DeviceError(
      `${url} ${problem}. Serve the files of dve-sdk's dist folder together, whole and of one version, or say where they are by assetBase.`,
      { cause },
    );
  let bytes: ArrayBuffer;
  try {
    bytes = await fetchBytes(url, "ONNX Runtime's WebAssembly", distRemedy);
  } catch (error) {
    return fault(`could not be fetched (${firstLine((error as Error).cause)})`, error);
  }
  const start = new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength));
  if (!wasmMagic.every((byte, index) => start[index] === byte)) {
    return fault('is no WebAssembly: the server answered with something else, a page perhaps');
  }
  try {
    await WebAssembly.compile(bytes);
    return undefined;
  } catch (error) {
    if (!/Content Security Policy|unsafe-eval/i.test(firstLine(error))) {
      return fault(`is damaged (${firstLine(error)})`, error);
    }
    return new DeviceError(
      `the Content-Security-Policy forbids WebAssembly (${firstLine(error)}). Add 'wasm-unsafe-eval' to its script-src, for the page and for dve-sdk's files.`,
      { cause: error },
    );
  }
};

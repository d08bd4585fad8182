import { firstLine, ModelError } from '../errors.ts';

/** Seconds without a byte after which a download is given up. */
const stallLimit = 30;

/**
 * @param what how the error calls the file
 * @throws ModelError when it cannot be fetched, breaks off or stands still
 */
export const fetchBytes = async (url: string, what: string, remedy: string): Promise<ArrayBuffer> => {
  const stalled = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waitAgain = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stalled.abort(new Error(`nothing came for ${stallLimit} s`));
    }, 1000 * stallLimit);
  };
  try {
    waitAgain();
    const response = await fetch(url, { signal: stalled.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      parts.push(part.value);
      waitAgain();
    }
    return await new Blob(parts).arrayBuffer();
  } catch (error) {
    throw new ModelError(`${what} could not be fetched from ${url} (${firstLine(error)}). ${remedy}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
};

/** @throws ModelError when it cannot be fetched */
export const fetchText = async (url: string, what: string): Promise<string> =>
  new TextDecoder().decode(await fetchBytes(url, what, 'Check its URL.'));

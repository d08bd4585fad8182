import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeviceError, ModelError } from '../../src/errors.ts';
import { faultOfWasm } from '../../src/model/faults.ts';
import { fetchText } from '../../src/model/fetch-bytes.ts';

/** A server that answers as it is told, and a page that may give up waiting. */
const stubFetch = (
  body: () => ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>,
  status = 200,
): void => {
  vi.stubGlobal('fetch', (_: string, { signal }: { signal: AbortSignal }) => {
    const content = body();
    if (content instanceof Uint8Array) return Promise.resolve(new Response(content, { status }));
    const given = content.getReader();
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        signal.addEventListener('abort', () => {
          controller.error(signal.reason);
        });
      },
      pull: async (controller) => {
        const { done, value } = await given.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
    return Promise.resolve(new Response(stream, { status }));
  });
};

/** Gives a part each time it is asked for one, and then does what `last` says. */
const parts =
  (count: number, last: (controller: ReadableStreamDefaultController) => void, wait = 0) =>
  () => {
    let given = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (given++ < count) controller.enqueue(new TextEncoder().encode('part '));
        else last(controller);
        if (given > count) await new Promise(() => undefined);
      },
    });
  };

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a download', () => {
  test('that is cut off in the middle is a ModelError that names the file', async () => {
    stubFetch(
      parts(2, (controller) => {
        controller.error(new TypeError('terminated'));
      }),
    );
    const text = fetchText('https://host/set.json', 'the landmark set');
    await expect(text).rejects.toThrow(ModelError);
    await expect(text).rejects.toThrow('https://host/set.json (terminated)');
  });

  test('that stands still is given up, however much has come', async () => {
    vi.useFakeTimers();
    stubFetch(parts(2, () => undefined));
    const text = expect(fetchText('https://host/set.json', 'the landmark set')).rejects.toThrow(
      'nothing came for 30 s',
    );
    await vi.advanceTimersByTimeAsync(30_000);
    await text;
  });

  test('that is slow but goes on is waited for', async () => {
    vi.useFakeTimers();
    stubFetch(
      parts(
        4,
        (controller) => {
          controller.close();
        },
        20_000,
      ),
    );
    const text = fetchText('https://host/set.json', 'the landmark set');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await text).toBe('part part part part ');
  });
});

describe('the file that ONNX Runtime computes with', () => {
  const url = 'https://host/ort.wasm';
  const whole = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

  test.each([
    ['is missing', whole, 404, 'HTTP 404'],
    ['is a page', new TextEncoder().encode('<!doctype html>'), 200, 'is no WebAssembly'],
    ['is empty', new Uint8Array(0), 200, 'is no WebAssembly'],
    ['is cut off', Uint8Array.of(...whole, 1, 200), 200, 'is damaged'],
  ])('is blamed by its name where it %s', async (_, content, status, words) => {
    stubFetch(() => content, status);
    const fault = await faultOfWasm(url);
    expect(fault).toBeInstanceOf(DeviceError);
    expect(fault?.message).toContain(url);
    expect(fault?.message).toContain(words);
  });

  test('is not blamed where it is good', async () => {
    stubFetch(() => whole);
    expect(await faultOfWasm(url)).toBeUndefined();
  });
});

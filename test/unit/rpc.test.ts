import { afterEach, describe, expect, test, vi } from 'vitest';
import { connect, expose, proxy, release, transfer, type Remote } from '../../src/worker/rpc.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

const channel = (): MessageChannel => {
  const created = new MessageChannel();
  ports.push(created.port1, created.port2);
  return created;
};

type Listener = { heard(text: string): Promise<number> };

const service = {
  sum: (a: number, b: number) => a + b,
  fail: (error: unknown) => {
    throw error;
  },
  name: (name: string) => {
    throw Object.assign(new Error('too small'), { name });
  },
  bytes: (length: number) => {
    const made = new Uint8Array(length);
    return transfer(made, [made.buffer]);
  },
  size: (bytes: Uint8Array) => bytes.length,
  tell: (listener: Remote<Listener>, text: string) => listener.heard(text),
  call: (callback: Remote<(text: string) => string>) => callback('from there'),
  function: () => () => 1,
  letGo: async (listener: Remote<Listener>) => {
    release(listener, new Error('let go'));
    await listener.heard('too late');
  },
};

const opened = () => {
  const { port1, port2 } = channel();
  expose(service, port1);
  return connect<typeof service>(port2);
};

describe('a call to another thread', () => {
  test('gives what the method gives, each call its own', async () => {
    const { remote } = opened();
    expect(await Promise.all([remote.sum(1, 2), remote.sum(3, 4)])).toEqual([3, 7]);
  });

  test('rejects with what the method throws: an error with its name, or anything else', async () => {
    const { remote } = opened();
    await expect(remote.name('InputError')).rejects.toMatchObject({
      name: 'InputError',
      message: 'too small',
    });
    await expect(remote.fail('a text')).rejects.toBe('a text');
    await expect(remote.fail(undefined)).rejects.toBe('undefined');
  });

  test('rejects for an answer or an argument that cannot be cloned, and goes on', async () => {
    const { remote } = opened();
    await expect(remote.function()).rejects.toThrow(/clone/i);
    await expect(remote.fail(() => 1)).rejects.toThrow(/clone/i);
    expect(await remote.sum(1, 1)).toBe(2);
  });

  test('moves what is to be moved, there and back', async () => {
    const { remote } = opened();
    const given = new Uint8Array(8);
    expect(await remote.size(transfer(given, [given.buffer]))).toBe(8);
    expect(given.length).toBe(0);
    expect(await remote.bytes(5)).toHaveLength(5);
  });

  test('is called back: objects and functions stay where they are', async () => {
    const { remote } = opened();
    const heard = vi.fn((text: string) => Promise.resolve(text.length));
    expect(await remote.tell(proxy({ heard }) as never, 'hello')).toBe(5);
    expect(heard).toHaveBeenCalledWith('hello');
    expect(await remote.call(proxy((text: string) => text.toUpperCase()) as never)).toBe('FROM THERE');
  });

  test('of what was let go is rejected', async () => {
    const { remote } = opened();
    const listener = proxy({ heard: () => Promise.resolve(1) });
    await expect(remote.letGo(listener as never)).rejects.toThrow('let go');
  });

  test('is rejected when the connection ends, before or after it', async () => {
    const { remote, end } = connect<typeof service>(channel().port2);
    const pending = remote.sum(1, 2);
    end(new Error('the end'));
    end(new Error('another end'));
    await expect(pending).rejects.toThrow('the end');
    await expect(remote.sum(1, 2)).rejects.toThrow('the end');
  });

  test('takes no notice of what others say on the channel', async () => {
    const { port1, port2 } = channel();
    expose(service, port1);
    const { remote } = connect<typeof service>(port2);
    port2.postMessage('hello');
    port2.postMessage(undefined);
    port1.postMessage({ type: 'other' });
    port1.postMessage(null);
    expect(await remote.sum(2, 2)).toBe(4);
  });
});

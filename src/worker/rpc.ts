/**
 * Calls from one thread to another: one exposes an object with methods, the other calls them and gets promises. What
 * crosses is cloned, unless `transfer` says what is moved, or `proxy` that it stays and is called back.
 */

/** A worker as its page sees it, the scope of a worker, or a MessagePort. */
export type Channel = Pick<MessagePort, 'postMessage' | 'addEventListener' | 'removeEventListener'> &
  Partial<Pick<MessagePort, 'start' | 'close'>>;

type Method = (...given: never[]) => unknown;
type Call<Called extends Method> = (...given: Parameters<Called>) => Promise<Awaited<ReturnType<Called>>>;

/** What another thread exposed, as it is called from here: everything gives a promise. */
export type Remote<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends Method ? Call<Api[Name]> : never;
} & (Api extends Method ? Call<Api> : unknown);

/** @param proxies which of what is given are ports that lead back to something that stayed with the caller */
type CallMessage = {
  call: number;
  /** Of the exposed object; undefined where it is a function. */ method: string | undefined;
  given: unknown[];
  proxies: number[];
};

/** @param fault of an error, which loses its name when it is cloned @param thrown what else was thrown, as text */
type ReplyMessage = { reply: number; value?: unknown; thrown?: string; fault?: object };

const ends = new WeakMap<object, (reason: Error) => void>();
const moved = new WeakMap<object, Transferable[]>();
const staying = new WeakSet<object>();

/** @param value given to a call, or its answer @param parts of it that are moved, not copied */
export const transfer = <Value extends object>(value: Value, parts: Transferable[]): Value => {
  moved.set(value, parts);
  return value;
};

/** Lets an object with methods, or a function, stay here when it is given to a call: the other thread calls back. */
export const proxy = <Value extends object>(value: Value): Value => {
  staying.add(value);
  return value;
};

// Asked for with whatever is given: for no object they have nothing.
const partsOf = (value: unknown): Transferable[] => moved.get(value as object) ?? [];

/** Lets the other end of a channel call the methods of a service, or the service itself if it is a function. */
export const expose = (service: object, channel: Channel = globalThis as unknown as Channel): void => {
  const answer = async ({ call: reply, method, given, proxies }: CallMessage): Promise<void> => {
    try {
      for (const index of proxies) given[index] = connect(given[index] as MessagePort).remote;
      const methods = service as Record<string, (...given: unknown[]) => unknown>;
      const value = await (method === undefined
        ? (service as (...given: unknown[]) => unknown)(...given)
        : methods[method](...given));
      channel.postMessage({ reply, value } satisfies ReplyMessage, partsOf(value));
    } catch (thrown) {
      const told =
        thrown instanceof Error
          ? { fault: { name: thrown.name, message: thrown.message, stack: thrown.stack } }
          : { thrown: String(thrown) };
      channel.postMessage({ reply, ...told } satisfies ReplyMessage);
    }
  };
  channel.addEventListener('message', ({ data }) => {
    // Others may say something on the channel of a worker: development servers do.
    if ((data as Partial<CallMessage> | undefined)?.call) void answer(data as CallMessage);
  });
  channel.start?.();
};

/** The caller's end of a channel. */
export type Connection<Api> = {
  readonly remote: Remote<Api>;
  /** Rejects every pending and every later call, stops listening, and closes a port. */
  readonly end: (reason: Error) => void;
};

/** Calls what is exposed at the other end of a channel; nobody else here may call on the same one. */
export const connect = <Api>(channel: Channel): Connection<Api> => {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (reason: unknown) => void }>();
  let calls = 0;
  let ended: Error | undefined;

  const listen = ({ data }: MessageEvent<Partial<ReplyMessage> | undefined>): void => {
    const { reply = 0, value, thrown, fault } = data ?? {};
    const call = pending.get(reply);
    pending.delete(reply);
    if (data && 'value' in data) call?.resolve(value);
    else call?.reject(fault === undefined ? thrown : Object.assign(new Error(), fault));
  };
  channel.addEventListener('message', listen);
  channel.start?.();

  const send = (method: string | undefined, given: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) throw ended;
      const parts = given.flatMap(partsOf);
      const proxies: number[] = [];
      const sent = given.map((value, index) => {
        if (!staying.has(value as object)) return value;
        const { port1, port2 } = new MessageChannel();
        expose(value as object, port1);
        proxies.push(index);
        parts.push(port2);
        return port2;
      });
      channel.postMessage({ call: ++calls, method, given: sent, proxies } satisfies CallMessage, parts);
      pending.set(calls, { resolve, reject });
    });

  const remote = new Proxy(() => undefined, {
    // Else whoever awaits it would take it for a promise.
    get: (_, name) => (name === 'then' ? undefined : (...given: unknown[]) => send(String(name), given)),
    apply: (_, __, given: unknown[]) => send(undefined, given),
  });
  const end = (reason: Error): void => {
    ended ??= reason;
    channel.removeEventListener('message', listen);
    for (const { reject } of pending.values()) reject(reason);
    pending.clear();
    channel.close?.();
  };
  ends.set(remote, end);
  return { remote: remote as unknown as Remote<Api>, end };
};

/** Lets go of what was given by `proxy`: ends its connection. @param reason what pending and later calls reject with */
export const release = (remote: object, reason: Error): void => {
  ends.get(remote)?.(reason);
};

import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** A browser behind a WebDriver: what of the W3C protocol the tests of engines need, no more. */
export type DrivenBrowser = {
  open(url: string): Promise<void>;
  /** Evaluates an expression in the page, and waits where it is a promise. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

const untilReady = async (url: string, driver: ChildProcess): Promise<void> => {
  while (driver.exitCode === null) {
    const answer = await fetch(`${url}/status`).catch(() => undefined);
    if (answer?.ok === true) return;
    await setTimeout(100);
  }
  throw new Error('the driver ended before it was ready');
};

/**
 * Starts a driver and a browser.
 * @param command given the port, the driver's command line
 */
export const startDriver = async (
  command: (port: number) => readonly [string, ...string[]],
  capabilities: Record<string, unknown>,
): Promise<DrivenBrowser> => {
  const port = await freePort();
  const [file, ...args] = command(port);
  // A group of its own: the browser, and the screen it draws on, end with it.
  const driver = spawn(file, args, { stdio: 'ignore', detached: true });
  const url = `http://127.0.0.1:${port}`;
  const end = (): void => {
    if (driver.pid !== undefined && driver.exitCode === null) process.kill(-driver.pid);
  };
  const send = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = (await answer.json()) as { value: unknown };
    if (!answer.ok) throw new Error(JSON.stringify(value).slice(0, 500));
    return value;
  };
  try {
    await untilReady(url, driver);
    const session = await send('POST', '/session', { capabilities: { alwaysMatch: capabilities } });
    const at = `/session/${(session as { sessionId: string }).sessionId}`;
    await send('POST', `${at}/timeouts`, { script: 170_000, pageLoad: 60_000 });
    return {
      open: async (page) => {
        await send('POST', `${at}/url`, { url: page });
      },
      evaluate: (expression) =>
        send('POST', `${at}/execute/async`, {
          script: `const done = arguments[0]; Promise.resolve().then(() => (${expression})).then(done, (error) => done('failed: ' + error));`,
          args: [],
        }),
      close: async () => {
        await send('DELETE', at).catch(() => undefined);
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
};

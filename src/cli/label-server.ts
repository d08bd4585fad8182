/** The server of the labelling page: on this machine only, and for its own page only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DveError, InputError } from '../errors.ts';

/** Answers of one request: a path under the page's address, and what was sent. */
export type LabelRoutes = Readonly<
  Record<string, (rest: readonly string[], body: string) => Promise<string | Buffer>>
>;

export type LabelServer = { /** Where the page is. */ url: string; close(): Promise<void> };

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const mostBytes = 32 * 1024 * 1024;

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size > mostBytes) throw new InputError('what was sent is too large.');
  }
  return Buffer.concat(parts).toString('utf8');
};

/** A page of another site must neither read nor write here, nor reach this server by a name of its own. */
const isForeign = ({ headers }: IncomingMessage, port: number): boolean => {
  const own = [`localhost:${port}`, `127.0.0.1:${port}`];
  if (!own.includes(headers.host ?? '')) return true;
  const { origin } = headers;
  return origin !== undefined && !own.some((host) => origin === `http://${host}`);
};

const send = (response: ServerResponse, status: number, content: string | Buffer, type: string): void => {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    // The page asks no other host, whatever stands in a file that is opened in it.
    'Content-Security-Policy':
      "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'",
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(content);
};

/** @param folder of the page's files */
const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  { folder, routes }: { folder: string; routes: LabelRoutes },
): Promise<void> => {
  const [, first = '', ...rest] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/');
  if (Object.hasOwn(routes, first)) {
    const content = await routes[first](rest, request.method === 'POST' ? await readBody(request) : '');
    const type = typeof content === 'string' ? 'text/plain; charset=utf-8' : 'image/jpeg';
    send(response, 200, content, type);
    return;
  }
  const name = first === '' ? 'index.html' : first;
  // Names of files without a folder: nothing else is read.
  const known = /^[a-z-]+\.(html|js|css|svg)$/.test(name) && rest.length === 0;
  const content = known ? await readFile(join(folder, name)).catch(() => undefined) : undefined;
  if (content === undefined) send(response, 404, `there is no ${name} here.`, 'text/plain; charset=utf-8');
  else send(response, 200, content, types[extname(name)]);
};

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new InputError(`port ${port} is taken. Give another one as --port, or 0 for any.`)
          : error,
      );
    });
    server.listen(port, 'localhost', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });

/**
 * @param port 0 for any that is free
 * @throws InputError for a port that is taken
 */
export const startLabelServer = async (
  folder: string,
  routes: LabelRoutes,
  port: number,
): Promise<LabelServer> => {
  let own = port;
  const server = createServer((request, response) => {
    if (isForeign(request, own)) {
      send(response, 403, 'only the page of dve label may ask here.', 'text/plain; charset=utf-8');
      return;
    }
    answer(request, response, { folder, routes }).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      send(response, error instanceof DveError ? 400 : 500, message, 'text/plain; charset=utf-8');
    });
  });
  own = await listen(server, port);
  return {
    url: `http://localhost:${own}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};

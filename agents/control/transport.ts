/** HTTP to a control interface: over a Unix socket, or through a command in a container. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { http } from '../io/node-http.ts';
import type { ControlEndpoint, ErrorLine } from './routes.ts';

/** The control interface could not be reached, or answered with an error; one line. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** HTTP status, or 0 where nothing answered. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks for a value. Rejects with a ControlError. */
export async function call(
  endpoint: ControlEndpoint,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await send(endpoint, method, path, body);
  return JSON.parse(await readAll(response));
}

/** Reads a stream of JSON lines until it ends or `signal` aborts. An `error` line rejects. */
export async function lines<T extends object>(
  endpoint: ControlEndpoint,
  method: string,
  path: string,
  body: object | undefined,
  onLine: (line: T) => void | Promise<void>,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  let rest = '';
  const decoder = new TextDecoder();
  const onBytes = async (bytes: Uint8Array): Promise<void> => {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      if (signal.aborted) return;
      const line = JSON.parse(part) as T | ErrorLine;
      if ('error' in line && Object.keys(line).length === 1) throw new ControlError(500, String(line.error));
      const busy = onLine(line as T);
      if (busy !== undefined) await busy;
    }
  };
  await stream(endpoint, method, path, body, onBytes, signal, onReady);
}

/** Reads a stream until it ends or `signal` aborts. What the callbacks throw ends it and is thrown on. */
export async function stream(
  endpoint: ControlEndpoint,
  method: string,
  path: string,
  body: object | undefined,
  onBytes: (bytes: Uint8Array) => void | Promise<void>,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  if (signal.aborted) return;
  let response: IncomingMessage;
  try {
    response = await send(endpoint, method, path, body, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  try {
    onReady?.();
    for await (const chunk of untilAborted(response, signal)) await onBytes(chunk);
  } finally {
    response.destroy();
  }
}

/** What comes, until it ends or our own abort cuts it; anything else is the node going away in the middle. */
async function* untilAborted(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    if (!signal.aborted) throw goneAway(error);
  }
}

/** Sends a request; resolves with the answer's beginning. Rejects with a ControlError unless that is 200. */
function send(
  endpoint: ControlEndpoint,
  method: string,
  path: string,
  body: object | undefined,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = http.request({
    method,
    path,
    headers: { host: 'podwire', 'content-type': 'application/json' },
    createConnection: () => open(endpoint),
    ...(signal === undefined ? {} : { signal }),
  });
  request.on('error', (error) =>
    reject(new ControlError(0, `cannot reach ${describe(endpoint)}: ${error.message}`)),
  );
  request.on('response', (response) => {
    if (response.statusCode === 200) return resolve(response);
    readAll(response).then((text) => {
      reject(new ControlError(response.statusCode ?? 0, errorText(text)));
    }, reject);
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

function open(endpoint: ControlEndpoint): Duplex {
  if (endpoint.kind === 'unix') return createConnection(endpoint.path);
  const child = spawn('docker', ['exec', '-i', endpoint.container, 'podwire', 'control-proxy'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return joined(child);
}

/**
 * Standard input and output of a child as one stream. The child ends as soon as the answer is complete, which closes its
 * input: that is no error, and what it wrote before still counts (`Duplex.from` would drop it as a premature close).
 */
function joined(child: ChildProcessByStdio<Writable, Readable, null>): Duplex {
  const { stdin, stdout } = child;
  const duplex = new Duplex({
    read: () => stdout.resume(),
    write: (chunk, encoding, done) => void stdin.write(chunk, encoding, () => done()),
    final: (done) => void stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  stdin.on('error', () => {
    // The other end went first; what it had to say is on its standard output.
  });
  stdout.on('data', (chunk: Uint8Array) => {
    if (!duplex.push(chunk)) stdout.pause();
  });
  stdout.on('end', () => duplex.push(null));
  child.on('error', (error) => duplex.destroy(error));
  return duplex;
}

function describe(endpoint: ControlEndpoint): string {
  return endpoint.kind === 'unix' ? endpoint.path : `container ${endpoint.container}`;
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
  } catch (error) {
    throw goneAway(error);
  }
  return text;
}

function goneAway(error: unknown): ControlError {
  return new ControlError(0, `node went away: ${(error as Error).message}`);
}

function errorText(body: string): string {
  try {
    return String((JSON.parse(body) as ErrorLine).error);
  } catch {
    return body.trim() || 'no answer';
  }
}

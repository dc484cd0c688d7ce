import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AgentDirectory, Inspection, LabControl, NodeAction } from './routes.ts';
import { INSPECTIONS, NODE_ACTIONS } from './routes.ts';
import type { AgentControl, CaptureFilter, PingRequest, TraceFilter } from './types.ts';

export interface ControlServer {
  close(): Promise<void>;
}

/** An answer other than 200, with one line for people. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Serves the control interface of any number of agents, and of their lab where there is one, as JSON over HTTP on a
 * Unix socket (docs/control-api.md). A stale socket file is replaced.
 */
export async function serveControl(
  socketPath: string,
  agents: AgentDirectory,
  lab?: LabControl,
): Promise<ControlServer> {
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    answer(request, response, agents, lab).catch((error: unknown) => fail(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`cannot serve control at ${socketPath}: ${error.message}`)),
    );
    server.listen(socketPath, resolve);
  });
  return { close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  agents: AgentDirectory,
  lab: LabControl | undefined,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://podwire');
  const [version, area, name, verb, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
  if (version !== 'v1' || rest.length > 0) throw new HttpError(404, `no such path: ${url.pathname}`);
  if (area === 'lab') return answerLab(request, response, lab, name, verb);
  if (area !== 'nodes') throw new HttpError(404, `no such path: ${url.pathname}`);
  if (name === undefined) return sendJson(response, [...agents.keys()]);
  const agent = agents.get(name);
  if (agent === undefined) {
    throw new HttpError(404, `no running node ${name}; running: ${[...agents.keys()].join(', ') || 'none'}`);
  }
  const inspection = INSPECTIONS.find((each) => each === verb);
  if (inspection !== undefined) return answerInspection(request, response, agent, inspection, url);
  return answerAction(request, response, agent, verb ?? '');
}

async function answerLab(
  request: IncomingMessage,
  response: ServerResponse,
  lab: LabControl | undefined,
  name: string | undefined,
  verb: string | undefined,
): Promise<void> {
  if (lab === undefined) throw new HttpError(404, 'this socket serves nodes only, no lab');
  if (name === undefined) return sendJson(response, await lab.info());
  requireMethod(request, 'POST');
  if (name === 'down' && verb === undefined) {
    await lab.down();
    return sendJson(response, {});
  }
  const action = NODE_ACTIONS.find((each) => each === verb);
  if (action === undefined) throw new HttpError(404, `no such lab action: ${verb ?? name}`);
  await lab.node(name, action satisfies NodeAction);
  return sendJson(response, {});
}

async function answerInspection(
  request: IncomingMessage,
  response: ServerResponse,
  agent: AgentControl,
  inspection: Inspection,
  url: URL,
): Promise<void> {
  requireMethod(request, 'GET');
  if (inspection === 'status' && url.searchParams.has('watch')) {
    const stream = startLines(response);
    return finish(response, agent.watchStatus(stream.line, stream.signal));
  }
  return sendJson(response, await agent[inspection]());
}

async function answerAction(
  request: IncomingMessage,
  response: ServerResponse,
  agent: AgentControl,
  verb: string,
): Promise<void> {
  requireMethod(request, 'POST');
  const body = await readJson(request);
  switch (verb) {
    case 'ping': {
      const stream = startLines(response);
      return finish(response, agent.ping(body as PingRequest, stream.line, stream.signal));
    }
    case 'trace': {
      // Headers go out when the filter is armed, which is what the client waits for.
      const stream = prepareLines(response);
      return finish(response, agent.trace(body as TraceFilter, stream.line, stream.signal, stream.start));
    }
    case 'capture': {
      const stream = prepareLines(response, 'application/octet-stream');
      // The capture waits, and then counts drops, while the reader does not keep up.
      const write = (bytes: Uint8Array): void | Promise<void> => {
        stream.start();
        if (!response.write(bytes)) return drained(response);
      };
      return finish(response, agent.capture(body as CaptureFilter, write, stream.signal, stream.start));
    }
    case 'exec': {
      const { pod, command, input } = body as { pod: string; command: string[]; input?: string };
      const stdin = input === undefined ? undefined : Buffer.from(input, 'base64');
      const stream = startLines(response);
      const output = (name: 'stdout' | 'stderr', bytes: Uint8Array): void =>
        stream.line({ stream: name, data: Buffer.from(bytes).toString('base64') });
      const done = agent
        .exec(pod, command, output, stream.signal, stdin)
        .then((exit) => stream.line({ exit }));
      return finish(response, done);
    }
    case 'stop':
      await agent.stop();
      return sendJson(response, {});
    default:
      throw new HttpError(404, `no such action: ${verb}`);
  }
}

interface LineStream {
  readonly signal: AbortSignal;
  readonly start: () => void;
  readonly line: (value: object) => void;
}

/** A streamed answer whose headers wait for `start()` (or the first line); aborted when the client goes away. */
function prepareLines(response: ServerResponse, type = 'application/x-ndjson'): LineStream {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  const start = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': type });
    response.flushHeaders();
  };
  const line = (value: object): void => {
    start();
    response.write(`${JSON.stringify(value)}\n`);
  };
  return { signal: controller.signal, start, line };
}

/** Resolves when more can be written, or nothing ever again. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function startLines(response: ServerResponse): LineStream {
  const stream = prepareLines(response);
  stream.start();
  return stream;
}

async function finish(response: ServerResponse, work: Promise<void>): Promise<void> {
  await work;
  if (!response.headersSent) response.writeHead(200);
  response.end();
}

/** Errors before the headers are a status and a JSON body; later ones are the stream's last line. */
function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (response.headersSent) {
    response.end(`${JSON.stringify({ error: message })}\n`);
    return;
  }
  response.writeHead(error instanceof HttpError ? error.status : 500, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: message }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? each.toString() : each,
  );
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${text}\n`);
}

function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method)
    throw new HttpError(405, `${request.url} takes ${method}, not ${request.method}`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 1 << 20) throw new HttpError(413, 'request body above 1 MiB');
  }
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'request body is no JSON');
  }
}

import { lstat, rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { portError, portErrorFrom } from '../io/errors.ts';
import { http } from '../io/node-http.ts';
import { AnswerStream } from './answer-stream.ts';
import type { SpeakerControl } from './bgp.ts';
import { answerBgp } from './bgp-server.ts';
import { finish, HttpError, readJson, refuse, requireMethod, sendJson } from './http.ts';
import { readCapture, readExec, readPing, readTrace } from './requests.ts';
import type { ControlDirectory, ExecLine, Inspection, LabControl } from './routes.ts';
import { INSPECTIONS, NODE_ACTIONS } from './routes.ts';
import type { AgentControl } from './types.ts';

export interface ControlServer {
  /** Ends every connection, streams too; resolves when the socket is gone. */
  close(): Promise<void>;
}

/**
 * Serves the control interface of any number of agents, and of their lab where there is one, as JSON over HTTP on a
 * Unix socket (docs/control-api.md). A socket file that nobody serves any more is replaced. Rejects with a PortError
 * where the socket cannot be made: another process serves it, its path is another kind of file, the folder is missing.
 */
export async function serveControl(
  socketPath: string,
  agents: ControlDirectory,
  lab?: LabControl,
): Promise<ControlServer> {
  const what = `serve control at ${socketPath}`;
  await removeStale(socketPath, what);
  const server = http.createServer((request, response) => {
    // A client that goes away is no error of ours: 'close' says so to whom it concerns.
    response.on('error', () => undefined);
    answer(request, response, agents, lab).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portErrorFrom(what, error)));
    server.listen(socketPath, resolve);
  });
  return { close: () => closeServer(server) };
}

/** A process that died leaves its socket file behind, at which nobody answers. */
async function removeStale(path: string, what: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw portError(what, 'EEXIST', 'there is a file that is no socket');
  if (await isServed(path)) throw portError(what, 'EADDRINUSE', 'another process answers there');
  await rm(path, { force: true });
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    const done = (served: boolean): void => {
      probe.destroy();
      resolve(served);
    };
    probe.on('connect', () => done(true)).on('error', () => done(false));
  });
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
  agents: ControlDirectory,
  lab: LabControl | undefined,
): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const [version, area, name, verb, detail, ...rest] = segments(path);
  const known = detail === undefined || (area === 'nodes' && verb === 'bgp');
  if (version !== 'v1' || !known || rest.length > 0) throw new HttpError(404, `no such path: ${path}`);
  if (area === 'lab') return answerLab(request, response, lab, name, verb);
  if (area !== 'nodes') throw new HttpError(404, `no such path: ${path}`);
  if (name === undefined) {
    requireMethod(request, 'GET');
    return sendJson(response, nodeNames(agents));
  }
  const agent = agents.get(name);
  if (agent === undefined) {
    throw new HttpError(404, `no running node ${name}; running: ${nodeNames(agents).join(', ') || 'none'}`);
  }
  if (detail !== undefined) return answerBgp(request, response, agent.speaker, detail);
  if (!isAgent(agent)) {
    if (verb !== 'stop') throw new HttpError(404, `${name} is a BGP speaker by itself: it has no ${verb}`);
    requireMethod(request, 'POST');
    return answerStop(agent, undefined, response);
  }
  const inspection = INSPECTIONS.find((each) => each === verb);
  if (inspection === undefined) return answerAction(request, response, agent, verb ?? '');
  const watch = inspection === 'status' && new URLSearchParams(query).has('watch');
  return answerInspection(request, response, agent, inspection, watch);
}

function isAgent(node: AgentControl | SpeakerControl): node is AgentControl {
  return 'status' in node;
}

/** The nodes that run, host2 before host10; they come into the directory in the order in which they are up. */
function nodeNames(agents: ControlDirectory): string[] {
  return [...agents.keys()].sort(new Intl.Collator('en', { numeric: true }).compare);
}

/** Parts of a path, decoded: `/v1/nodes/host1/bgp` has four. */
function segments(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw new HttpError(400, `path with a wrong percent code: ${path}`);
  }
}

async function answerLab(
  request: IncomingMessage,
  response: ServerResponse,
  lab: LabControl | undefined,
  name: string | undefined,
  verb: string | undefined,
): Promise<void> {
  if (lab === undefined) throw new HttpError(404, 'this socket serves nodes only, no lab');
  if (name === undefined) {
    requireMethod(request, 'GET');
    return sendJson(response, await lab.info());
  }
  requireMethod(request, 'POST');
  if (name === 'down' && verb === undefined) {
    await lab.down();
    return sendJson(response, {});
  }
  const action = NODE_ACTIONS.find((each) => each === verb);
  if (action === undefined) throw new HttpError(404, `no such lab action: ${verb ?? name}`);
  await lab.node(name, action);
  return sendJson(response, {});
}

async function answerInspection(
  request: IncomingMessage,
  response: ServerResponse,
  agent: AgentControl,
  inspection: Inspection,
  watch: boolean,
): Promise<void> {
  requireMethod(request, 'GET');
  if (!watch) return sendJson(response, await agent[inspection]());
  const stream = new AnswerStream(response, 'application/x-ndjson');
  return finish(response, stream, agent.watchStatus(stream.latest, stream.signal));
}

async function answerAction(
  request: IncomingMessage,
  response: ServerResponse,
  agent: AgentControl,
  verb: string,
): Promise<void> {
  const act = ACTIONS.get(verb);
  if (act === undefined) throw new HttpError(404, `no such action: ${verb}`);
  requireMethod(request, 'POST');
  return act(agent, await readJson(request), response);
}

type Action = (agent: AgentControl, body: unknown, response: ServerResponse) => Promise<void>;

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['ping', answerPing],
  ['trace', answerTrace],
  ['capture', answerCapture],
  ['exec', answerExec],
  ['stop', answerStop],
]);

async function answerPing(agent: AgentControl, body: unknown, response: ServerResponse): Promise<void> {
  const request = readPing(body);
  const stream = new AnswerStream(response, 'application/x-ndjson');
  return finish(response, stream, agent.ping(request, stream.line, stream.signal));
}

async function answerTrace(agent: AgentControl, body: unknown, response: ServerResponse): Promise<void> {
  const filter = readTrace(body);
  const stream = new AnswerStream(response, 'application/x-ndjson');
  // Headers go out when the filter is armed, which is what the client waits for.
  return finish(response, stream, agent.trace(filter, stream.line, stream.signal, stream.start));
}

async function answerCapture(agent: AgentControl, body: unknown, response: ServerResponse): Promise<void> {
  const filter = readCapture(body);
  const stream = new AnswerStream(response, 'application/octet-stream');
  // The capture waits, and then counts drops, while the reader does not keep up.
  return finish(response, stream, agent.capture(filter, stream.bytes, stream.signal, stream.start));
}

async function answerExec(agent: AgentControl, body: unknown, response: ServerResponse): Promise<void> {
  const { pod, command, input } = readExec(body);
  const stdin = input === undefined ? undefined : Buffer.from(input, 'base64');
  const stream = new AnswerStream(response, 'application/x-ndjson');
  const line = (each: ExecLine): void => stream.line(each);
  const output = (name: 'stdout' | 'stderr', bytes: Uint8Array): void =>
    line({ stream: name, data: Buffer.from(bytes).toString('base64') });
  const done = agent.exec(pod, command, output, stream.signal, stdin).then((exit) => line({ exit }));
  return finish(response, stream, done);
}

async function answerStop(
  agent: Pick<AgentControl, 'stop'>,
  _body: unknown,
  response: ServerResponse,
): Promise<void> {
  await agent.stop();
  sendJson(response, {});
}

/** The control interface of a BGP speaker: `/v1/nodes/NODE/bgp/...` (docs/control-api.md). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AnswerStream } from './answer-stream.ts';
import type { BgpControl } from './bgp.ts';
import {
  readAnnounce,
  readClear,
  readDump,
  readEnable,
  readPaths,
  readPrefix,
  readRaw,
  readRefresh,
  readShutdown,
} from './bgp-requests.ts';
import { finish, HttpError, readJson, requireMethod, sendJson } from './http.ts';
import { LineBatch } from './line-batch.ts';

type Action = (bgp: BgpControl, body: unknown) => Promise<unknown>;

const INSPECTIONS: ReadonlyMap<string, (bgp: BgpControl) => Promise<unknown>> = new Map<
  string,
  (bgp: BgpControl) => Promise<unknown>
>([
  ['summary', (bgp) => bgp.summary()],
  ['neighbors', (bgp) => bgp.neighbors()],
]);

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['explain', (bgp, body) => bgp.explain(readPrefix(body))],
  ['announce', (bgp, body) => bgp.announce(readAnnounce(body))],
  ['withdraw', (bgp, body) => bgp.withdraw(readPrefix(body))],
  ['raw', (bgp, body) => bgp.sendRaw(readRaw(body))],
  ['clear', (bgp, body) => bgp.clear(readClear(body))],
  ['refresh', (bgp, body) => bgp.refresh(readRefresh(body))],
  ['shutdown', (bgp, body) => bgp.shutdown(readShutdown(body))],
  ['enable', (bgp, body) => bgp.enable(readEnable(body))],
]);

/** Answers a request about a speaker. @throws HttpError, RequestError or RangeError for the answer's status. */
export async function answerBgp(
  request: IncomingMessage,
  response: ServerResponse,
  bgp: BgpControl,
  what: string,
): Promise<void> {
  const inspection = INSPECTIONS.get(what);
  if (inspection !== undefined) {
    requireMethod(request, 'GET');
    return sendJson(response, await inspection(bgp));
  }
  if (what === 'paths') {
    requireMethod(request, 'POST');
    return answerPaths(request, response, bgp);
  }
  if (what === 'dump') {
    requireMethod(request, 'POST');
    return answerDump(request, response, bgp);
  }
  const action = ACTIONS.get(what);
  if (action === undefined) throw new HttpError(404, `no such BGP action: ${what}`);
  requireMethod(request, 'POST');
  sendJson(response, (await action(bgp, await readJson(request))) ?? {});
}

/** MRT as it comes, as fast as the reader takes it. */
async function answerDump(
  request: IncomingMessage,
  response: ServerResponse,
  bgp: BgpControl,
): Promise<void> {
  const wanted = readDump(await readJson(request));
  const stream = new AnswerStream(response, 'application/octet-stream');
  return finish(response, stream, bgp.dump(wanted, stream.bytes, stream.signal, stream.start));
}

/** A path per line, as fast as the reader takes them. */
async function answerPaths(
  request: IncomingMessage,
  response: ServerResponse,
  bgp: BgpControl,
): Promise<void> {
  const query = readPaths(await readJson(request));
  const stream = new AnswerStream(response, 'application/x-ndjson');
  const lines = new LineBatch(stream.bytes);
  const work = async (): Promise<void> => {
    await bgp.paths(query, (path) => lines.add(JSON.stringify(path)), stream.signal);
    await lines.flush();
  };
  return finish(response, stream, work());
}

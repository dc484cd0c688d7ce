import type { ClientRequest, IncomingMessage } from 'node:http';
import { type WatchCreateMessage, type WatchResponseMessage, watch } from '../../protocol/etcd/api/watch.ts';
import { UNAVAILABLE } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { toJson } from '../../protocol/protobuf/json.ts';
import { answerOf, fromAnswer, type Gateway, readText } from './http-gateway.ts';
import type { WatchStreamEvents } from './resuming-watch.ts';

/** Opens a watch over the JSON gateway, on a connection of its own: a line of JSON for each response. */
export function openHttpWatch(
  gateway: Gateway,
  createRequest: WatchCreateMessage,
  events: WatchStreamEvents,
): { cancel(): void } {
  const { http, request: type } = watch.watch;
  const posted = gateway.post(http[0]!, toJson(type, { createRequest }));
  posted.on('error', (error) => events.onLost(error));
  posted.on('response', (response) => {
    if (response.statusCode === 200) readLines(posted, response, events);
    else refused(response, events);
  });
  return { cancel: () => posted.destroy() };
}

function readLines(posted: ClientRequest, response: IncomingMessage, events: WatchStreamEvents): void {
  let text = '';
  response.socket.setKeepAlive(true, 15_000);
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      if (line.trim() === '') continue;
      try {
        events.onMessage(messageOf(line));
      } catch (error) {
        events.onLost(error as Error);
        posted.destroy();
        return;
      }
    }
  });
  response.on('error', (error) => events.onLost(error));
  response.on('close', () => events.onLost(new Error('the stream ended')));
}

/** @throws EtcdError that the line is, or 14 where it is no gateway's. */
function messageOf(line: string): WatchResponseMessage {
  const { result } = answerOf(line.includes('"result"') ? 200 : 0, line);
  return fromAnswer(watch.watch.response, result);
}

/** An answer that is no stream: an error of the request itself is final, anything else may pass. */
function refused(response: IncomingMessage, events: WatchStreamEvents): void {
  readText(response).then(
    (text) => {
      try {
        answerOf(response.statusCode ?? 0, text);
      } catch (error) {
        if (error instanceof EtcdError && error.code !== UNAVAILABLE) events.onRefused(error);
        else events.onLost(error as Error);
      }
    },
    (error: Error) => events.onLost(error),
  );
}

import type { EtcdError } from '../../protocol/etcd/types.ts';
import type { JsonObject } from '../../protocol/protobuf/json.ts';
import type { HttpResponse } from './gateway-exchange.ts';

/** HTTP status and its text for each gRPC code, as grpc-gateway maps them. */
const HTTP_STATUS: Readonly<Record<number, readonly [status: number, text: string]>> = {
  1: [408, 'Request Timeout'],
  3: [400, 'Bad Request'],
  4: [504, 'Gateway Timeout'],
  5: [404, 'Not Found'],
  6: [409, 'Conflict'],
  7: [403, 'Forbidden'],
  8: [429, 'Too Many Requests'],
  9: [412, 'Precondition Failed'],
  10: [409, 'Conflict'],
  11: [400, 'Bad Request'],
  12: [501, 'Not Implemented'],
  14: [503, 'Service Unavailable'],
  16: [401, 'Unauthorized'],
};
const INTERNAL = [500, 'Internal Server Error'] as const;

export function sendText(response: HttpResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

export function sendJson(response: HttpResponse, status: number, body: JsonObject): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
    .end(bytes);
}

/** The gateway's error body. */
export function sendError(response: HttpResponse, { code, message }: EtcdError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const [status] = HTTP_STATUS[code] ?? INTERNAL;
  sendJson(response, status, { error: message, message, code });
}

/** The last line of a stream that failed, and the HTTP status where nothing was sent before. */
export function streamError({ code, message }: EtcdError): {
  readonly status: number;
  readonly line: string;
} {
  const [status, text] = HTTP_STATUS[code] ?? INTERNAL;
  const error = { grpc_code: code, http_code: status, message, http_status: text };
  return { status, line: `${JSON.stringify({ error })}\n` };
}

/** What the handlers of the control interface share: JSON bodies, JSON answers, errors as statuses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerStream } from './answer-stream.ts';
import { RequestError } from './requests.ts';

/** Largest body of a request, bytes of UTF-8. */
const LARGEST_BODY = 1 << 20;

/** An answer other than 200, with one line for people. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Answers with an error, where the answer has not begun. */
export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  response.writeHead(statusOf(error), { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ error: message })}\n`);
}

/** A request that names what is not there, or cannot be read, is the caller's mistake; the rest is ours. */
function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  return error instanceof RequestError || error instanceof RangeError ? 400 : 500;
}

/** Answers with a value, bigint as decimal strings. */
export function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? each.toString() : each,
  );
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${text}\n`);
}

/** @throws HttpError 405 */
export function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method)
    throw new HttpError(405, `${request.url} takes ${method}, not ${request.method}`);
}

/** The body of a request; `{}` where there is none. @throws HttpError 400 or 413 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > LARGEST_BODY) throw new HttpError(413, 'request body above 1 MiB');
  }
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'request body is no JSON');
  }
}

/** Errors before the headers are a status and a JSON body; later ones end the stream. */
export async function finish(
  response: ServerResponse,
  stream: AnswerStream,
  work: Promise<void>,
): Promise<void> {
  try {
    await work;
    stream.end();
  } catch (error) {
    if (!response.headersSent) throw error;
    stream.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

import { type BmpRouter, BmpStation, type StationEvent } from '../../agents/bmp/station.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import { dissectBmp } from '../../protocol/bmp/dissect.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { type CapturedTcp, captureTcp } from '../bmp/capture.ts';
import { eventObjects } from '../bmp/event-json.ts';
import type { EventObject } from '../bmp/event-object.ts';
import { eventText } from '../bmp/event-text.ts';
import { fieldLines } from './bgp-decode-text.ts';
import type { BmpListenOptions } from './bmp.ts';
import { type CliContext, type Paint, paintFor, say } from './context.ts';
import { CliError, UsageError } from './errors.ts';
import { packageVersion } from './package.ts';

/**
 * Takes BMP connections until the command is interrupted, or its count or the first router is through.
 * @returns how many messages were malformed.
 * @throws CliError where it cannot listen, or not write the capture.
 */
export async function listenBmp(context: CliContext, options: BmpListenOptions): Promise<number> {
  const signal = context.interrupted();
  const printer = new EventPrinter(context, options);
  const station = new BmpStation((router, event) => printer.event(router, event));
  const capture = openCapture(options);
  try {
    await station.listen(capture?.tcp ?? nodeTcp(), options.listen);
    const { address, port } = station.local!;
    const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    say(context, options, `podwire: BMP station listens on ${where}`);
    await Promise.race([printer.enough, aborted(signal)]);
  } finally {
    await station.close();
    await closeCapture(capture, options.write);
  }
  return printer.malformed;
}

function openCapture({ write, listen }: BmpListenOptions): CapturedTcp | undefined {
  if (write === undefined) return undefined;
  if (listen.address.includes(':')) throw new UsageError('--write goes with connections over IPv4 only');
  try {
    return captureTcp(nodeTcp(), systemClock(), write, `podwire ${packageVersion()}`);
  } catch (error) {
    throw new CliError(`cannot write ${write}: ${(error as Error).message}`);
  }
}

async function closeCapture(capture: CapturedTcp | undefined, file: string | undefined): Promise<void> {
  try {
    await capture?.close();
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${(error as Error).message}`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

/** Prints events as they come, and knows when it has seen enough. */
class EventPrinter {
  malformed = 0;
  readonly enough: Promise<void>;
  readonly #context: CliContext;
  readonly #options: BmpListenOptions;
  readonly #paint: Paint;
  readonly #line: (router: BmpRouter, object: EventObject) => string;
  #left: number;
  #done: () => void = () => undefined;

  constructor(context: CliContext, options: BmpListenOptions) {
    this.#context = context;
    this.#options = options;
    this.#left = options.count ?? Number.POSITIVE_INFINITY;
    this.enough = new Promise((resolve) => {
      this.#done = resolve;
    });
    const paint = paintFor(context, 'stdout', options);
    this.#paint = paint;
    this.#line =
      options.format === 'json'
        ? jsonLine
        : (router, object) =>
            `${paint('dim', new Date().toISOString().slice(11, 23))} ${routerText(router)} ${eventText(object, paint)}\n`;
  }

  event(router: BmpRouter, event: StationEvent): void {
    if (this.#left <= 0) return;
    const objects = this.#objects(router, event);
    this.malformed += objects.filter((object) => object.event === 'malformed').length;
    // Pipes and files take what is written before this returns, so a slow reader slows the router down.
    const lines = objects.map((object) => this.#line(router, object)).join('');
    this.#context.stdout.write(lines + this.#fields(router, event));
    if (event.kind === 'message') this.#left -= 1;
    if (this.#left <= 0 || (event.kind === 'closed' && this.#options.once === true)) this.#done();
  }

  /** Every field of a message, where that is wanted. */
  #fields({ peers }: BmpRouter, event: StationEvent): string {
    if (event.kind !== 'message' || !this.#options.fields || this.#options.format === 'json') return '';
    const { children = [], length } = dissectBmp(event.bytes, peers);
    const width = 2 * String(length - 1).length + 2;
    const lines = children.flatMap((child) => fieldLines(child, 0, width, this.#paint));
    return `${lines.join('\n')}\n\n`;
  }

  #objects(router: BmpRouter, event: StationEvent): EventObject[] {
    try {
      return eventObjects(router, event);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return [{ event: 'malformed', reason: error.message }];
    }
  }
}

function jsonLine({ remote, sysName }: BmpRouter, object: EventObject): string {
  const router = { ...remote, ...(sysName === undefined ? {} : { sysName }) };
  const { event, ...fields } = object;
  return `${JSON.stringify({ event, time: Date.now() / 1000, router, ...fields })}\n`;
}

function routerText({ remote, sysName }: BmpRouter): string {
  const { address, port } = remote;
  return sysName ?? (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
}

import {
  boolean,
  FieldError,
  integer,
  list,
  object,
  oneOf,
  type Reader,
  text,
  unexpected,
} from '../../protocol/calico/resources/field.ts';
import { tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { CaptureFilter, PingRequest, TraceFilter } from './types.ts';

/** Body of `exec`. */
export interface ExecRequest {
  readonly pod: string;
  readonly command: readonly string[];
  /** Standard input, base64. */
  readonly input?: string;
}

/** The request is not what its path takes; one line that names the field. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

const ipv4: Reader<string> = text('an IPv4 address', (value) => tryParseIpv4(value) !== undefined);

/** Milliseconds, fractions allowed; up to a day. */
function millis(minimum: number): Reader<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= minimum && value <= 86_400_000) return value;
    throw unexpected(path, `milliseconds from ${minimum} to 86400000`, value);
  };
}

const ping: Reader<PingRequest> = object<
  Omit<PingRequest, 'dontFragment'>,
  Required<Pick<PingRequest, 'dontFragment'>>
>(
  {
    pod: text(),
    destination: ipv4,
    count: integer(1, Number.MAX_SAFE_INTEGER),
    intervalMs: millis(0),
    timeoutMs: millis(1),
    size: integer(0, 65_507),
    ttl: integer(1, 255),
  },
  { dontFragment: boolean },
);

const trace: Reader<TraceFilter> = object<object, Required<TraceFilter>>(
  {},
  { a: ipv4, b: ipv4, protocol: oneOf('icmp', 'udp', 'tcp') },
);

const capture: Reader<CaptureFilter> = object<
  Pick<CaptureFilter, 'underlay'>,
  Required<Omit<CaptureFilter, 'underlay'>>
>({ underlay: boolean }, { pods: list(text()), links: list(text()) });

const exec: Reader<ExecRequest> = object<Omit<ExecRequest, 'input'>, Required<Pick<ExecRequest, 'input'>>>(
  { pod: text(), command: list(text()) },
  { input: text('base64', (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value)) },
);

/** Readers of the bodies of actions. @throws RequestError naming the field and what it must be. */
export const readPing: (body: unknown) => PingRequest = reader(ping);
export const readTrace: (body: unknown) => TraceFilter = reader(trace);
export const readCapture: (body: unknown) => CaptureFilter = reader(capture);
export const readExec: (body: unknown) => ExecRequest = reader(exec);

/** A reader that says in a RequestError what is wrong with a body. */
export function reader<T>(read: Reader<T>): (body: unknown) => T {
  return (body) => {
    try {
      return read(body, [], 'reject');
    } catch (error) {
      throw error instanceof FieldError ? new RequestError(error.message) : error;
    }
  };
}

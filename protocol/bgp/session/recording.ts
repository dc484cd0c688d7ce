/**
 * A recorded session: its configuration and its inputs with their times, from which the same outputs come again. As text
 * it is JSON lines, octets in hex:
 *
 *   {"recording":"bgp-session","version":1,"config":{…}}
 *   {"at":12.5,"input":{"kind":"received","connection":1,"bytes":"ffff…"}}
 */
import { fromHex, toHex } from '../../bytes/hex.ts';
import { FAMILIES } from '../family.ts';
import type { SessionConfig } from './config.ts';
import type { SessionInput, SessionOutput } from './event.ts';
import { Session } from './session.ts';

const FORMAT = 'bgp-session';
const VERSION = 1;

export interface RecordedInput {
  /** Time of the input, ms, on the clock that the session was given. */
  readonly at: number;
  readonly input: SessionInput;
}

export interface SessionRecording {
  readonly config: SessionConfig;
  readonly inputs: readonly RecordedInput[];
}

/** The first line of a recording, without its end. */
export function recordingHeader(config: SessionConfig): string {
  return JSON.stringify({ recording: FORMAT, version: VERSION, config });
}

/** The line of one input, without its end. */
export function recordingLine({ at, input }: RecordedInput): string {
  return JSON.stringify({ at, input }, hexOctets);
}

/** A whole recording as text. */
export function formatRecording({ config, inputs }: SessionRecording): string {
  return [recordingHeader(config), ...inputs.map(recordingLine), ''].join('\n');
}

/**
 * Reads a recording.
 * @throws RangeError naming the line that is none of a recording, and why.
 */
export function parseRecording(text: string): SessionRecording {
  const [header = '', ...lines] = text.split('\n');
  const head = parseLine(header, 1);
  if (head.recording !== FORMAT || head.version !== VERSION) {
    throw badLine(1, `must start with a recording of ${FORMAT}, version ${VERSION}`);
  }
  const config = head.config;
  if (!isConfig(config)) throw badLine(1, 'has no configuration of a session');
  const inputs: RecordedInput[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const { at, input } = parseLine(line, index + 2);
    if (typeof at !== 'number') throw badLine(index + 2, 'has no time');
    inputs.push({ at, input: parseInput(input, index + 2) });
  }
  return { config, inputs };
}

/**
 * Plays a recording to a new session.
 * @param visit gets the outputs of each input; what they hold of messages is valid during the call.
 */
export function replay(
  { config, inputs }: SessionRecording,
  visit: (outputs: readonly SessionOutput[], input: RecordedInput) => void,
): Session {
  const session = new Session(config);
  for (const recorded of inputs) visit(session.handle(recorded.input, recorded.at), recorded);
  return session;
}

/** An output as one line of JSON, octets in hex: equal outputs make equal lines. */
export function outputLine(output: SessionOutput): string {
  return JSON.stringify(output, hexOctets);
}

/** Replacer for JSON. It looks at the member itself, since a Buffer would already have been turned into an object. */
function hexOctets(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const member = this[key];
  return member instanceof Uint8Array ? toHex(member) : value;
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw badLine(number, 'is no JSON');
  }
  if (!isObject(value)) throw badLine(number, 'is no JSON object');
  return value;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === 'number';
const isString: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isFamily: Check = (value) => typeof value === 'string' && Object.hasOwn(FAMILIES, value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

const CEASE: Readonly<Record<string, Check>> = {
  subcode: isNumber,
  text: optional(isString),
  prefixLimit: optional((value) => isObject(value) && isFamily(value.family) && isNumber(value.limit)),
  hard: optional(isBoolean),
};

/** The fields of every kind of input. */
const INPUTS: Readonly<Record<SessionInput['kind'], Readonly<Record<string, Check>>>> = {
  start: {},
  stop: { ...CEASE, silent: optional(isBoolean) },
  reset: CEASE,
  connected: { connection: isNumber },
  accepted: { connection: isNumber },
  closed: { connection: isNumber, reason: optional(isString) },
  received: { connection: isNumber, bytes: isString },
  timer: {
    direction: oneOf('outgoing', 'incoming'),
    timer: oneOf(
      'ConnectRetryTimer',
      'HoldTimer',
      'KeepaliveTimer',
      'DelayOpenTimer',
      'IdleHoldTimer',
      'SendHoldTimer',
    ),
  },
  'updates-sent': { messages: isNumber },
  blocked: { connection: isNumber },
  unblocked: { connection: isNumber },
  'request-refresh': { family: isFamily, subtype: optional(oneOf(0, 1, 2)) },
  'disable-family': { family: isFamily },
  restarting: { restarting: isBoolean },
};

function parseInput(value: unknown, line: number): SessionInput {
  if (!isObject(value) || typeof value.kind !== 'string' || !Object.hasOwn(INPUTS, value.kind)) {
    throw badLine(line, 'has no input of a known kind');
  }
  const kind = value.kind as SessionInput['kind'];
  for (const [field, check] of Object.entries(INPUTS[kind])) {
    if (!check(value[field])) throw badLine(line, `has no sound ${field} for ${kind}`);
  }
  if (kind !== 'received') return value as unknown as SessionInput;
  const connection = value.connection as number;
  try {
    return { kind, connection, bytes: fromHex(value.bytes as string) };
  } catch {
    throw badLine(line, 'has bytes that are no hex');
  }
}

function isConfig(value: unknown): value is SessionConfig {
  if (!isObject(value) || !Array.isArray(value.families) || !value.families.every(isFamily)) return false;
  const numbers = ['localAs', 'localId', 'holdTime', 'connectRetryTime', 'firstRetryTime', 'delayOpenTime'];
  return isBoolean(value.passive) && numbers.every((name) => isNumber(value[name]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badLine(line: number, why: string): RangeError {
  return new RangeError(`recording, line ${line}: ${why}`);
}

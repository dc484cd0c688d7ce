// The longest messages that there are, full of one small thing: none takes long, as it would if time grew with the square
// of the octets.
import { describe, expect, test } from 'vitest';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import { dissectMessage } from '../../protocol/bgp/dissect/message.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { FAMILIES } from '../../protocol/bgp/family.ts';
import { NOTIFICATION, OPEN, UPDATE } from '../../protocol/bgp/message/header.ts';
import { decodeMessage } from '../../protocol/bgp/message/message.ts';
import { MessageStream } from '../../protocol/bgp/message/stream.ts';
import { announcedRoutes, withdrawnRoutes } from '../../protocol/bgp/message/update.ts';
import { joined } from './mutate.ts';
import { attributeOf, withHeader } from './mutate-message.ts';
import { processorTime } from './processor-time.ts';
import { ALL_FAMILIES, ROUTES } from './seeds.ts';

const CONTEXT: CodecContext = {
  fourOctetAs: true,
  extendedMessage: true,
  peerType: 'internal',
  families: ALL_FAMILIES,
};
const LONGEST = 65_000;
/**
 * What the best of some tries may take of the processor, ms. Several times as much as it does, and a fraction of what it did while marking
 * errors took time with the square of their number.
 */
const LIMITS = { decoded: 300, dissected: 2000 };
const TRIES = 10;
const NONE = new Uint8Array(0);

type Make = (octets: number) => Uint8Array;

function filled(unit: Uint8Array, octets: number): Uint8Array {
  return joined(...new Array<Uint8Array>(Math.floor(octets / unit.length)).fill(unit));
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function message(type: number, body: Uint8Array): Uint8Array {
  return withHeader(joined(new Uint8Array(18), Uint8Array.of(type), body));
}

function update(attributes: Uint8Array, nlri: Uint8Array = NONE, withdrawn: Uint8Array = NONE): Uint8Array {
  const fields = [uint16(withdrawn.length), withdrawn, uint16(attributes.length), attributes, nlri];
  return message(UPDATE, joined(...fields));
}

function open(unit: Uint8Array, octets: number): Uint8Array {
  const parameters = filled(unit, Math.min(octets, 4000));
  const head = Uint8Array.of(4, 0xfc, 1, 0, 90, 10, 0, 0, 2, 255, 255);
  return message(OPEN, joined(head, uint16(parameters.length), parameters));
}

/** Attribute types that say what their values are lists of. */
const LISTS: readonly (readonly [type: number, flags: number, unit: readonly number[]])[] = [
  [2, 0x50, [2, 1, 0, 0, 0, 1]],
  [2, 0x50, [1, 1, 0, 0, 0, 1]],
  [8, 0xd0, [0, 1, 0, 1]],
  [10, 0x90, [0, 1, 0, 1]],
  [16, 0xd0, [0, 2, 0, 1, 0, 0, 0, 1]],
  [23, 0xd0, [0, 8, 0, 0]],
  [26, 0x90, [2, 0, 3]],
  [29, 0x90, [4, 2, 0, 0]],
  [32, 0xd0, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]],
  [40, 0xd0, [1, 0, 0]],
  [128, 0xd0, [0x40, 6, 0]],
];

const cases: readonly (readonly [name: string, make: Make])[] = [
  ['one attribute again and again', (n) => update(filled(Uint8Array.of(0x40, 6, 0), n))],
  ['default routes', (n) => update(NONE, filled(Uint8Array.of(0), n))],
  ['multicast prefixes', (n) => update(NONE, filled(Uint8Array.of(4, 0xe0), n))],
  ['withdrawn default routes', (n) => update(NONE, NONE, filled(Uint8Array.of(0), n))],
  ...LISTS.map(([type, flags, unit]) => {
    const make: Make = (n) => update(attributeOf(flags, type, filled(Uint8Array.from(unit), n)));
    return [`attribute ${type} of ${unit}`, make] as const;
  }),
  ...ALL_FAMILIES.map((family): [string, Make] => {
    const { afi, safi } = FAMILIES[family];
    const { nlri } = ROUTES.find((route) => route.family === family)!;
    const head = joined(uint16(afi), Uint8Array.of(safi));
    return [family, (n) => update(attributeOf(0x90, 15, joined(head, filled(nlri, n))))];
  }),
  [
    'flow specifications without rules',
    (n) => update(attributeOf(0x90, 15, joined(Uint8Array.of(0, 1, 134), filled(Uint8Array.of(0), n)))),
  ],
  ['empty parameters', (n) => open(Uint8Array.of(2, 0, 0), n)],
  ['text', (n) => message(NOTIFICATION, joined(Uint8Array.of(6, 2, 255), filled(Uint8Array.of(0x1b), n)))],
  [
    'capabilities lacked',
    (n) => message(NOTIFICATION, joined(Uint8Array.of(2, 7), filled(Uint8Array.of(1, 0), n))),
  ],
];

/** Whether the work is done within `limit` ms of the processor, once in some tries: now and then memory is cleaned up. */
function isQuick(bytes: Uint8Array, work: (bytes: Uint8Array) => void, limit: number): boolean {
  for (let i = 0; i < TRIES; i++) {
    if (processorTime(() => work(bytes)) <= limit) return true;
  }
  return false;
}

function decode(bytes: Uint8Array): void {
  try {
    const decoded = decodeMessage(bytes, CONTEXT);
    if (decoded.kind !== 'update') return;
    announcedRoutes(decoded);
    withdrawnRoutes(decoded);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
  }
}

function dissect(bytes: Uint8Array): void {
  dissectMessage(bytes, CONTEXT);
}

/** In small pieces, as a slow peer would send it. */
function cut(bytes: Uint8Array): void {
  const stream = new MessageStream();
  const step = Math.ceil(bytes.length / 2000);
  for (let at = 0; at < bytes.length; at += step) {
    stream.push(
      bytes.subarray(at, at + step),
      () => CONTEXT,
      () => true,
    );
  }
}

describe.each([
  ['decoded', decode],
  ['dissected', dissect],
] as const)('%s', (name, work) => {
  test.each(cases)('%s', (_what, make) => {
    expect(isQuick(make(LONGEST), work, LIMITS[name])).toBe(true);
  });
});

test('a message in thousands of pieces is put together in time', () => {
  expect(isQuick(update(NONE, filled(Uint8Array.of(0), LONGEST)), cut, LIMITS.decoded)).toBe(true);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aigpOf } from '../../protocol/bgp/attribute/aigp.ts';
import type { AsPath } from '../../protocol/bgp/attribute/as-path.ts';
import { BASE_CONTEXT, type CodecContext } from '../../protocol/bgp/context.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { decodeHeader } from '../../protocol/bgp/message/header.ts';
import { decodeMessage } from '../../protocol/bgp/message/message.ts';
import { decodeOpen, encodeOpen } from '../../protocol/bgp/message/open.ts';
import { decodeUpdate, encodeUpdate } from '../../protocol/bgp/message/update.ts';
import { nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import { bgpHeaderFraming, bgpOpenFraming } from '../../protocol/framing/bgp.ts';
import { formatPrefix } from '../../protocol/ip/prefix.ts';
import {
  BIRD_OPEN,
  BIRD_UPDATE,
  FRR_OPEN,
  FRR_UPDATE,
  FRR_UPDATE_IPV6,
  KEEPALIVE,
} from '../unit/bgp/golden.ts';

const NEW: CodecContext = { ...BASE_CONTEXT, fourOctetAs: true, families: ['ipv4-unicast', 'ipv6-unicast'] };
const OLD: CodecContext = { ...NEW, fourOctetAs: false };

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const asn = fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffffffff }));
const family = { afi: uint16, safi: fc.nat(255) };
const families = fc.array(fc.record({ ...family, forwarding: fc.boolean() }), { maxLength: 5 });

const capability = fc.oneof(
  fc.record({ kind: fc.constant('multiprotocol' as const), ...family }),
  fc.record({ kind: fc.constantFrom('route-refresh', 'extended-message', 'enhanced-route-refresh') }),
  fc.record({ kind: fc.constant('four-octet-as' as const), asn: uint32 }),
  fc.record({
    kind: fc.constant('graceful-restart' as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    restartTime: fc.nat(4095),
    families,
  }),
  fc.record({
    kind: fc.constant('add-path' as const),
    families: fc.array(fc.record({ ...family, sendReceive: fc.nat(255) }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('long-lived-graceful-restart' as const),
    families: fc.array(fc.record({ ...family, forwarding: fc.boolean(), staleTime: fc.nat(0xffffff) }), {
      maxLength: 5,
    }),
  }),
  fc.record({
    kind: fc.constant('unknown' as const),
    code: fc.integer({ min: 131, max: 254 }),
    value: fc.uint8Array({ maxLength: 40 }),
  }),
);

const open = fc.record({
  kind: fc.constant('open' as const),
  version: fc.constant(4),
  myAs: uint16,
  holdTime: uint16,
  bgpId: uint32,
  capabilities: fc.array(capability, { maxLength: 30, size: 'max' }),
});

const path: fc.Arbitrary<AsPath> = fc.array(
  fc.record({
    kind: fc.constantFrom('sequence', 'set', 'confed-sequence', 'confed-set'),
    asns: fc.array(asn, { minLength: 1, maxLength: 255 }),
  }),
  { maxLength: 4 },
);

/** IPv4 NLRI of up to 50 prefixes. */
const nlri = fc.array(fc.tuple(uint32, fc.nat(32)), { maxLength: 50 }).map((list) => {
  const bytes: number[] = [];
  for (const [address, length] of list) {
    const masked = [24, 16, 8, 0].map((shift, i) => {
      const keep = Math.min(8, Math.max(0, length - 8 * i));
      return (address >>> shift) & (0xff << (8 - keep)) & 0xff;
    });
    bytes.push(...nlriOf(formatPrefix({ version: 4, bytes: Uint8Array.from(masked), length })).bytes);
  }
  return Uint8Array.from(bytes);
});

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** A row of TLVs with any contents, type and length of so many octets. */
function tlvs(type: number, length: number): fc.Arbitrary<Uint8Array> {
  const tlv = fc
    .tuple(
      fc.uint8Array({ minLength: type, maxLength: type }),
      fc.uint8Array({ maxLength: 300, size: 'max' }),
    )
    .map(([head, value]) => [...head, ...[value.length >> 8, value.length & 0xff].slice(-length), ...value]);
  return fc.array(tlv, { minLength: 1, maxLength: 3 }).map((list) => Uint8Array.from(list.flat()));
}

const attributes = fc
  .record({
    origin: fc.constantFrom(0, 1, 2),
    asPath: path,
    nextHop: fc
      .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255))
      .map((a) => Uint8Array.from(a)),
    med: optional(uint32),
    localPref: optional(uint32),
    atomicAggregate: optional(fc.constant(true as const)),
    aggregator: optional(fc.record({ asn, id: uint32 })),
    communities: optional(fc.array(uint32, { minLength: 1, maxLength: 100, size: 'max' })),
    originatorId: optional(uint32),
    clusterList: optional(fc.array(uint32, { minLength: 1 })),
    mpUnreach: optional(fc.record({ afi: fc.constant(9), safi: fc.constant(9), nlri: fc.uint8Array() })),
    extendedCommunities: optional(fc.array(fc.record({ high: uint32, low: uint32 }), { minLength: 1 })),
    pmsiTunnel: optional(
      fc.record({
        flags: fc.nat(255),
        tunnelType: fc.constantFrom(0, 1, 6, 200),
        label: fc.nat(0xffffff),
        identifier: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      }),
    ),
    ipv6ExtendedCommunities: optional(
      fc.array(
        fc.record({
          kind: uint16,
          address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
          localAdministrator: uint16,
        }),
        { minLength: 1 },
      ),
    ),
    tunnelEncapsulation: optional(tlvs(2, 2)),
    aigp: optional(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(aigpOf)),
    linkState: optional(tlvs(2, 2)),
    prefixSid: optional(tlvs(1, 2)),
    otc: optional(asn),
    largeCommunities: optional(
      fc.array(fc.record({ globalAdministrator: uint32, localData1: uint32, localData2: uint32 }), {
        minLength: 1,
      }),
    ),
    unknown: optional(
      fc
        .uniqueArray(
          fc.record({
            type: fc.integer({ min: 100, max: 127 }),
            flags: fc.constantFrom(0xc0, 0xe0),
            value: fc.uint8Array(),
          }),
          { minLength: 1, selector: ({ type }) => type },
        )
        .map((list) => list.sort((a, b) => a.type - b.type)),
    ),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));

describe('BGP codec', () => {
  test('an OPEN is read as it was written', () => {
    fc.assert(
      fc.property(open, (message) => {
        expect(decodeOpen(encodeOpen(message))).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  test('header and OPEN agree with their declarative description', () => {
    fc.assert(
      fc.property(open, (message) => {
        const bytes = encodeOpen(message);
        const header = bgpHeaderFraming.parse(bytes);
        expect(decodeHeader(bytes, 0, NEW)).toEqual({ type: header.type, length: header.length });
        expect([header.marker0, header.marker1, header.marker2, header.marker3]).toEqual(
          Array(4).fill(0xffffffff),
        );
        const { parametersLength, ...fixed } = bgpOpenFraming.parse(bytes, 19);
        const { version, myAs, holdTime, bgpId } = decodeOpen(bytes);
        expect(fixed).toEqual({ version, myAs, holdTime, bgpId });
        if (parametersLength !== 255) expect(parametersLength).toBe(bytes.length - 29);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['4-octet', NEW],
    ['2-octet', OLD],
  ])('an UPDATE is read as it was written, with %s AS numbers', (_name, context) => {
    fc.assert(
      fc.property(attributes, nlri, nlri, (set, announced, withdrawn) => {
        // RFC 6793 §4.2.2 gives confederation segments no place in AS4_PATH, so a 2-octet speaker loses them.
        fc.pre(context.fourOctetAs || !(set.asPath as AsPath).some(({ kind }) => kind.startsWith('confed')));
        const bytes = encodeUpdate({ withdrawn, attributes: set, nlri: announced }, context);
        const decoded = decodeUpdate(bytes, context);
        expect(decoded.faults).toEqual([]);
        expect(decoded.nlri).toEqual(announced);
        expect(decoded.withdrawn).toEqual(withdrawn);
        const { asPath, ...rest } = decoded.attributes;
        const { asPath: wanted, ...others } = set;
        expect(rest).toEqual(others);
        // Sequences that meet may be written as one.
        expect(asPath!.flatMap(({ asns }) => asns)).toEqual((wanted as AsPath).flatMap(({ asns }) => asns));
        if (context.fourOctetAs) expect(asPath).toEqual(wanted);
      }),
      { numRuns: 400 },
    );
  });

  test('any bytes give a message or a BgpError with an offset inside them', () => {
    const samples = [BIRD_OPEN, BIRD_UPDATE, FRR_OPEN, FRR_UPDATE, FRR_UPDATE_IPV6, KEEPALIVE];
    let seed = 0x2545f491;
    const next = (bound: number): number => {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      return (seed >>> 0) % bound;
    };
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 100_000; i++) {
      const bytes = mutate(samples[next(samples.length)]!, next);
      try {
        const message = decodeMessage(bytes, next(2) === 0 ? NEW : OLD);
        outcomes.read += 1;
        if (message.kind !== 'update') continue;
        for (const fault of message.faults) expect(fault.offset).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        if (!(error instanceof BgpError)) throw error;
        outcomes.refused += 1;
        if (error.offset > bytes.length || error.notification.code === 0) throw error;
      }
    }
    // The mutations reach both sides of the checks.
    expect(outcomes.read).toBeGreaterThan(10_000);
    expect(outcomes.refused).toBeGreaterThan(10_000);
  });
});

/** Some octets changed, added or cut, with a header that fits again, so that the body is looked at. */
function mutate(sample: Uint8Array, next: (bound: number) => number): Uint8Array {
  const body = [...sample.subarray(19)];
  for (let n = 1 + next(4); n > 0; n--) {
    const at = next(body.length + 1);
    const kind = next(4);
    if (kind === 0) body.splice(at, 1 + next(6));
    else if (kind === 1) body.splice(at, 0, next(256));
    else if (at < body.length) body[at] = kind === 2 ? next(256) : [0, 1, 0xff, 0x80, 2][next(5)]!;
  }
  const bytes = new Uint8Array(19 + body.length).fill(0xff);
  bytes.set([bytes.length >> 8, bytes.length & 0xff, sample[18]!], 16);
  bytes.set(body, 19);
  return bytes;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import { plainUpdate } from '../../protocol/bgp/message/plain-update.ts';
import type { RouteRun } from '../../protocol/bgp/message/route-run.ts';
import {
  announcedRoutes,
  decodeUpdate,
  encodeUpdate,
  withdrawnRoutes,
} from '../../protocol/bgp/message/update.ts';

const asn = fc.oneof(
  { weight: 200, arbitrary: fc.integer({ min: 1, max: 0xffffffff }) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const word = fc.integer({ min: 0, max: 0xffffffff });
const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
/** An address of a host, mostly. */
const host = fc
  .tuple(fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 223 }) }, fc.nat(255)), octets(3))
  .map(([first, rest]) => Uint8Array.of(first, ...rest));
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

/** Prefixes of addresses of `size` octets, path identifiers before them or not. */
function prefixes(size: number, addPath: boolean, minLength = 0): fc.Arbitrary<Uint8Array> {
  return fc
    .array(fc.tuple(octets(4), fc.nat(size * 8), size === 4 ? host : octets(size)), {
      minLength,
      maxLength: 6,
    })
    .map((routes) => {
      const writer = new ByteWriter();
      for (const [id, bits, address] of routes) {
        if (addPath) writer.append(id);
        writer.uint8(bits);
        writer.append(address.subarray(0, (bits + 7) >> 3));
      }
      return writer.finish();
    });
}

const attributes = fc.record(
  {
    origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
    asPath: fc
      .tuple(
        optional(fc.constant(65001)),
        fc.array(
          fc.record({
            kind: fc.constantFrom('sequence' as const, 'set' as const),
            asns: fc.array(asn, { minLength: 1, maxLength: 70 }),
          }),
          { maxLength: 3 },
        ),
      )
      .map(([first, rest]) =>
        first === undefined ? rest : [{ kind: 'sequence' as const, asns: [first] }, ...rest],
      ),
    nextHop: host,
    med: word,
    atomicAggregate: fc.constant(true as const),
    aggregator: fc.record({ asn, id: word }),
    communities: fc.array(word, { minLength: 1, maxLength: 70 }),
    largeCommunities: fc.array(fc.record({ globalAdministrator: word, localData1: word, localData2: word }), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { requiredKeys: ['origin', 'asPath', 'nextHop'] },
);
/** What not every peer may send, and what is not plain. */
const rare = fc.record(
  {
    localPref: word,
    originatorId: word,
    clusterList: fc.array(word, { minLength: 1, maxLength: 3 }),
    otc: word,
  },
  { requiredKeys: [] },
);

const scene = fc.boolean().chain((addPath) =>
  fc.record({
    addPath: fc.constant(addPath),
    peerType: fc.constantFrom('internal' as const, 'internal', 'external', 'external', 'confederation'),
    firstAs: optional(fc.constant(65001)),
    families: fc.oneof(
      { weight: 5, arbitrary: fc.constant(['ipv4-unicast' as const, 'ipv6-unicast' as const]) },
      fc.constantFrom(['ipv4-unicast' as const], ['ipv6-unicast' as const]),
    ),
    rare: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, rare),
    withdrawn: prefixes(4, addPath),
    nlri: prefixes(4, addPath),
    attributes,
    mpReach: optional(
      fc.record({
        afi: fc.constant(2),
        safi: fc.constantFrom(1, 1, 1, 2),
        nextHop: fc.constantFrom(16, 16, 16, 32, 4).chain(octets),
        nlri: prefixes(16, addPath, 1),
      }),
    ),
    mpUnreach: optional(
      fc.record({ afi: fc.constant(2), safi: fc.constant(1), nlri: prefixes(16, addPath) }),
    ),
    /** Octets changed after the header, by their place in the message. */
    changes: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
      maxLength: 1,
    }),
  }),
);

/** What a run of routes says, wherever its octets stand. */
function said({ family, addPath, bytes, nextHop }: RouteRun): object {
  return { family, addPath, bytes, nextHop };
}

describe('plainUpdate', () => {
  test('says of a message what decodeUpdate says of it, or nothing', () => {
    let plain = 0;
    let other = 0;
    fc.assert(
      fc.property(scene, ({ changes, addPath, withdrawn, nlri, mpReach, mpUnreach, ...rest }) => {
        const all = {
          ...rest.attributes,
          ...rest.rare,
          ...(mpReach === undefined ? {} : { mpReach }),
          ...(mpUnreach === undefined ? {} : { mpUnreach }),
        };
        const bytes = encodeUpdate({ withdrawn, attributes: all, nlri }, { fourOctetAs: true });
        for (const [place, octet] of changes) bytes[19 + Math.floor(place * (bytes.length - 19))] = octet;
        const context: CodecContext = {
          fourOctetAs: true,
          extendedMessage: true,
          peerType: rest.peerType,
          families: rest.families,
          addPath: addPath ? rest.families : [],
          ...(rest.firstAs === undefined ? {} : { firstAs: rest.firstAs }),
        };
        const told = plainUpdate(bytes, context);
        if (told === undefined) {
          other += 1;
          return;
        }
        plain += 1;
        const full = decodeUpdate(bytes, context);
        expect(full).toMatchObject({ faults: [], faultyRoutes: [], treatAsWithdraw: false });
        expect(announcedRoutes(told).map(said)).toEqual(announcedRoutes(full).map(said));
        expect(withdrawnRoutes(told).map(said)).toEqual(withdrawnRoutes(full).map(said));
        expect(told.attributes).toEqual(full.attributes);
        for (const key of ['kind', 'nlri', 'withdrawn', 'rawAttributes', 'families', 'addPath'] as const) {
          expect(told[key]).toEqual(full[key]);
        }
      }),
      { numRuns: 5000 },
    );
    // Both kinds were there, or this shows nothing.
    expect(plain).toBeGreaterThan(100);
    expect(other).toBeGreaterThan(100);
  });

  test('is what nearly all routers send', () => {
    const bytes = encodeUpdate(
      {
        withdrawn: new Uint8Array(0),
        attributes: {
          origin: 0,
          asPath: [{ kind: 'sequence', asns: [65001, 3356] }],
          nextHop: Uint8Array.of(192, 0, 2, 1),
          med: 10,
          communities: [0xfde80064],
        },
        nlri: Uint8Array.of(24, 10, 1, 2),
      },
      { fourOctetAs: true },
    );
    const context: CodecContext = {
      fourOctetAs: true,
      extendedMessage: false,
      peerType: 'external',
      firstAs: 65001,
      families: ['ipv4-unicast'],
    };
    expect(plainUpdate(bytes, context)?.plain).toBe(true);
  });
});

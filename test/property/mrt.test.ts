// MRT: what is written is read again, and whatever is read, only DecodeError says that it is none.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { jsonRecords } from '../../protocol/mrt/json.ts';
import { decodeRecord, type MrtMessage, writeRecord } from '../../protocol/mrt/message.ts';
import { OneLinePrinter } from '../../protocol/mrt/one-line.ts';
import { MrtReader, type MrtTime } from '../../protocol/mrt/record.ts';
import { AS4_UPDATE, PEERS, RIB, RIB6_ADDPATH, STATE, TABLE_DUMP } from '../unit/mrt/golden.ts';

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const address = fc.oneof(octets(4), octets(16));
const attributes = fc.uint8Array({ maxLength: 80 });

const peers: fc.Arbitrary<MrtMessage> = fc.record({
  kind: fc.constant('peer-index-table' as const),
  collector: uint32,
  view: fc.string({ maxLength: 20, unit: 'grapheme' }),
  peers: fc.array(fc.record({ id: uint32, address, asn: uint32 }), { maxLength: 5 }),
});

const rib: fc.Arbitrary<MrtMessage> = fc
  .record({ size: fc.constantFrom(4, 16), bits: fc.nat(32), addPath: fc.boolean(), multicast: fc.boolean() })
  .chain(({ size, bits, addPath, multicast }) => {
    const cast = multicast ? 'multicast' : 'unicast';
    return fc.record({
      kind: fc.constant('rib' as const),
      sequence: uint32,
      family: fc.constant(`ipv${size === 4 ? 4 : 6}-${cast}` as const),
      nlri: octets((bits + 7) >> 3).map((rest) => Uint8Array.of(bits, ...rest)),
      addPath: fc.constant(addPath),
      entries: fc.array(
        fc.record({
          peer: uint16,
          originated: uint32,
          pathId: addPath ? uint32 : fc.constant(0),
          attributes,
        }),
        { maxLength: 4 },
      ),
    });
  });

const session = (size: number) => ({
  interfaceIndex: uint16,
  peerAddress: octets(size),
  localAddress: octets(size),
});
const bgp4mp: fc.Arbitrary<MrtMessage> = fc
  .record({ size: fc.constantFrom(4, 16), as4: fc.boolean() })
  .chain(({ size, as4 }) => {
    const asn = as4 ? uint32 : uint16;
    const common = { ...session(size), peerAs: asn, localAs: asn, as4: fc.constant(as4) };
    return fc.oneof(
      fc.record({ kind: fc.constant('state-change' as const), ...common, before: uint16, after: uint16 }),
      fc.record({
        kind: fc.constant('bgp-message' as const),
        ...common,
        local: fc.boolean(),
        addPath: fc.boolean(),
        message: fc.uint8Array({ maxLength: 60 }),
      }),
    );
  });

const tableDump: fc.Arbitrary<MrtMessage> = fc.constantFrom(4, 16).chain((size) =>
  fc.record({
    kind: fc.constant('table-dump' as const),
    view: uint16,
    sequence: uint16,
    prefix: octets(size),
    length: fc.nat(size * 8),
    originated: uint32,
    peer: octets(size),
    asn: uint16,
    attributes,
  }),
);

const time: fc.Arbitrary<MrtTime> = fc.record({
  seconds: uint32,
  microseconds: fc.option(fc.nat(999_999), { nil: undefined }),
});

test('records are read as they were written, however the file comes in pieces', () => {
  const record = fc.tuple(fc.oneof(peers, rib, bgp4mp, tableDump), time);
  fc.assert(
    fc.property(fc.array(record, { maxLength: 6 }), fc.integer({ min: 1, max: 200 }), (records, size) => {
      const writer = new ByteWriter();
      for (const [message, when] of records) writeRecord(writer, message, when);
      const file = writer.finish();
      const reader = new MrtReader();
      const read: unknown[] = [];
      for (let at = 0; at < file.length; at += size) {
        for (const each of reader.records(file.slice(at, at + size))) {
          expect(each.offset).toBeLessThanOrEqual(file.length);
          read.push(structuredClone(decodeRecord(each)));
        }
      }
      reader.end();
      expect(read).toEqual(records.map(([message]) => message));
    }),
    { numRuns: 300 },
  );
});

/** Sound records of which some octets are others. */
const damaged = fc
  .tuple(
    fc.shuffledSubarray([PEERS, RIB, RIB6_ADDPATH, AS4_UPDATE, STATE, TABLE_DUMP]),
    fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }),
  )
  .map(([records, changes]) => {
    const file = Uint8Array.from(Buffer.concat([PEERS, ...records]));
    for (const [at, value] of changes) if (at < file.length) file[at] = value;
    return file;
  });

test('whatever is in a file, reading it ends, with a DecodeError at most', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (file) => {
      for (const printer of [new OneLinePrinter(), jsonRecords()]) {
        const reader = new MrtReader();
        try {
          for (const record of reader.records(file)) {
            try {
              expect(typeof printer.print(record)).toBe('string');
            } catch (error) {
              if (!(error instanceof DecodeError)) throw error;
              expect(error.offset).toBeLessThanOrEqual(file.length);
            }
          }
          reader.end();
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

import { describe, expect, test } from 'vitest';
import { aigpMetric, aigpOf } from '../../../protocol/bgp/attribute/aigp.ts';
import { decodeAttributes } from '../../../protocol/bgp/attribute/decode.ts';
import { attributesLength, shedAttributes, writeAttributes } from '../../../protocol/bgp/attribute/encode.ts';
import { nextHopText } from '../../../protocol/bgp/attribute/mp-next-hop.ts';
import { ATTRIBUTES, attributeName, type PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import { decodeUpdate, encodeUpdates } from '../../../protocol/bgp/message/update.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { SAMPLES } from './attribute-bytes.ts';
import { EXTERNAL, INTERNAL, OLD, update } from './update-bytes.ts';

function written(attributes: PathAttributes, context = INTERNAL): string {
  const writer = new ByteWriter();
  writeAttributes(writer, attributes, context);
  return toHex(writer.view());
}

describe('every attribute', () => {
  test('has an example, but for those that never leave the codec', () => {
    const names = SAMPLES.map(({ name }) => name);
    const missing = ATTRIBUTES.map(([, { name }]) => name).filter((name) => !names.includes(name));
    expect(missing).toEqual(['AS4_PATH', 'AS4_AGGREGATOR']);
    expect(attributeName(2)).toBe('AS_PATH');
    expect(attributeName(99)).toBe('attribute 99');
  });

  test.each(SAMPLES.map((sample) => [sample.name, sample] as const))(
    '%s both ways, and as text',
    (_, sample) => {
      const bytes = fromHex(sample.bytes);
      const { attributes, faults } = decodeAttributes(bytes, 0, bytes.length, INTERNAL);
      expect(faults).toEqual([]);
      expect(attributes).toEqual(sample.value);
      expect(written(sample.value)).toBe(toHex(bytes));
      const [name, codec] = ATTRIBUTES.find(([, { name: known }]) => known === sample.name)!;
      expect(codec.text(sample.value[name] as never)).toBe(sample.text);
    },
  );

  test('all of them in one UPDATE: those with routes first, the rest by type (RFC 7606 §5.1, RFC 4271 §5)', () => {
    const all: PathAttributes = Object.assign({}, ...[...SAMPLES].reverse().map(({ value }) => value));
    const unknown = [
      { type: 30, flags: 0xe0, value: Uint8Array.of(1) },
      { type: 99, flags: 0xc0, value: Uint8Array.of(2) },
    ];
    const bytes = fromHex(written({ ...all, unknown }));
    const { attributes, faults } = decodeAttributes(bytes, 0, bytes.length, INTERNAL);
    expect(faults).toEqual([]);
    expect(attributes).toEqual({ ...all, unknown });
    const types: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      types.push(bytes[at + 1]!);
      const extended = (bytes[at]! & 0x10) !== 0;
      at += extended ? 4 + bytes[at + 2]! * 256 + bytes[at + 3]! : 3 + bytes[at + 2]!;
    }
    expect(types.slice(0, 2)).toEqual([14, 15]);
    expect(types.slice(2)).toEqual(types.slice(2).sort((a, b) => a - b));
    expect(types).toContain(30);
  });

  test('an empty list is left out, since it would be malformed (RFC 7606 §4); an empty path is not', () => {
    expect(written({ asPath: [], communities: [], clusterList: [], largeCommunities: [] })).toBe('400200');
  });

  test('more than 255 octets get the extended length, and stay what they were', () => {
    const communities = Array.from({ length: 64 }, (_, i) => i);
    expect(written({ communities })).toMatch(/^d0080100/);
    expect(written({ communities: communities.slice(1) })).toMatch(/^c008fc/);
  });
});

test('RFC 7311 §3: the first AIGP TLV counts, and all of them are passed on', () => {
  const value = fromHex('02 0004 ff 01 000b 0000000000000005 01 000b 0000000000000009');
  const bytes = fromHex(`80 1a ${toHex(Uint8Array.of(value.length))} ${toHex(value)}`);
  const { attributes } = decodeAttributes(bytes, 0, bytes.length, INTERNAL);
  expect(aigpMetric(attributes.aigp!)).toBe(5n);
  expect(written(attributes)).toBe(toHex(bytes));
  expect(aigpMetric(aigpOf(2n ** 64n - 1n))).toBe(2n ** 64n - 1n);
  expect(aigpMetric(fromHex('020004ff'))).toBeUndefined();
});

describe('RFC 8654 §4: too long for a peer without extended messages', () => {
  const harmless: PathAttributes = {
    atomicAggregate: true,
    aggregator: { asn: 64512, id: 1 },
    prefixSid: fromHex('01 0007 00 0000 00000064'),
  };
  const kept: PathAttributes = { origin: 0, asPath: [], aigp: aigpOf(1n), communities: [1, 2, 3] };
  const whole = attributesLength({ ...kept, ...harmless }, INTERNAL);

  test('what fits stays as it is', () => {
    const attributes = { ...kept, ...harmless };
    expect(shedAttributes(attributes, whole, INTERNAL)).toBe(attributes);
  });

  test('the largest harmless attribute goes first, and no more than have to', () => {
    expect(Object.keys(shedAttributes({ ...kept, ...harmless }, whole - 1, INTERNAL)!).sort()).toEqual(
      [...Object.keys(kept), 'aggregator', 'atomicAggregate'].sort(),
    );
    expect(shedAttributes({ ...kept, ...harmless }, attributesLength(kept, INTERNAL), INTERNAL)).toEqual(
      kept,
    );
  });

  test('what matters never goes, so the route has to', () => {
    expect(
      shedAttributes({ ...kept, ...harmless }, attributesLength(kept, INTERNAL) - 1, INTERNAL),
    ).toBeUndefined();
  });
});

test('RFC 6793 §4.2.2: no confederation segments in AS4_PATH, and none of that only because of them', () => {
  const confed = { kind: 'confed-sequence', asns: [4200000001] } as const;
  expect(written({ asPath: [confed] }, OLD)).toBe('400204' + '03015ba0');
  const path = [confed, { kind: 'sequence', asns: [4200000002] }] as const;
  expect(written({ asPath: path }, OLD)).toBe('400208' + '03015ba0' + '02015ba0' + 'c01106' + '0201fa56ea02');
});

test('RFC 7606 §5.1: one field with routes in each UPDATE, withdrawals first', () => {
  const reach = {
    afi: 2,
    safi: 1,
    nextHop: fromHex('20010db8000000000000000000000001'),
    nlri: fromHex('00'),
  };
  const unreach = { afi: 2, safi: 1, nlri: fromHex('0820') };
  const attributes = {
    origin: 0,
    asPath: [],
    nextHop: Uint8Array.of(10, 0, 0, 1),
    mpReach: reach,
    mpUnreach: unreach,
  } as const;
  const parts = { withdrawn: fromHex('080a'), attributes, nlri: fromHex('080b') };
  const messages = encodeUpdates(parts, INTERNAL).map((bytes) => decodeUpdate(bytes, INTERNAL));
  expect(messages.map(({ withdrawn, nlri }) => [toHex(withdrawn), toHex(nlri)])).toEqual([
    ['080a', ''],
    ['', ''],
    ['', ''],
    ['', '080b'],
  ]);
  expect(messages.map((message) => Object.keys(message.attributes))).toEqual([
    [],
    ['mpUnreach'],
    ['mpReach', 'origin', 'asPath'],
    ['origin', 'asPath', 'nextHop'],
  ]);
});

test('next hops as text, route distinguishers left out', () => {
  const texts = ['c0000201', `${'00'.repeat(8)}c0000201`, `20010db8${'00'.repeat(11)}01`].map((hex) =>
    nextHopText(fromHex(hex)),
  );
  expect(texts).toEqual(['192.0.2.1', '192.0.2.1', '2001:db8::1']);
  const both = `20010db8${'00'.repeat(11)}01fe80${'00'.repeat(13)}02`;
  expect(nextHopText(fromHex(both))).toBe('2001:db8::1 fe80::2');
  expect(nextHopText(fromHex(''))).toBe('none');
  expect(nextHopText(fromHex('0a0b0c'))).toBe('0x0a0b0c');
});

test('unknown optional attributes: transitive ones are kept with their flags, others are not (RFC 4271 §5)', () => {
  const { attributes } = decodeUpdate(update('c0 63 01 aa e0 64 01 bb 80 65 01 cc a0 66 00', ''), EXTERNAL);
  expect(attributes.unknown).toEqual([
    { type: 0x63, flags: 0xc0, value: Uint8Array.of(0xaa) },
    { type: 0x64, flags: 0xe0, value: Uint8Array.of(0xbb) },
  ]);
});

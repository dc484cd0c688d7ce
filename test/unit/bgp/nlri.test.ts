import { describe, expect, test } from 'vitest';
import { dissectNlri } from '../../../protocol/bgp/dissect/nlri.ts';
import { FAMILIES, type Family, familyOf, familyText } from '../../../protocol/bgp/family.ts';
import { isFault } from '../../../protocol/bgp/nlri/codec.ts';
import { checkNlri, forEachPrefix, nlriText } from '../../../protocol/bgp/nlri/prefixes.ts';
import { parseRd, rdText } from '../../../protocol/bgp/nlri/route-distinguisher.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { forEachRoute } from '../../../protocol/bgp/nlri/walk.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { EVPN_SAMPLES, LONG_FLOWSPEC, NLRI_SAMPLES } from './nlri-bytes.ts';

const NONE = new Uint8Array(0);
const SAMPLES = [...NLRI_SAMPLES, ...EVPN_SAMPLES];

describe('families', () => {
  test('have their IANA numbers', () => {
    const numbers = Object.values(FAMILIES).map(({ family, afi, safi }) => `${family} ${afi}/${safi}`);
    expect(numbers).toEqual([
      'ipv4-unicast 1/1',
      'ipv6-unicast 2/1',
      'ipv4-multicast 1/2',
      'ipv6-multicast 2/2',
      'ipv4-labeled 1/4',
      'ipv6-labeled 2/4',
      'ipv4-vpn 1/128',
      'ipv6-vpn 2/128',
      'l2vpn-vpls 25/65',
      'l2vpn-evpn 25/70',
      'rt-constraint 1/132',
      'ipv4-flowspec 1/133',
      'ipv6-flowspec 2/133',
      'ipv4-vpn-flowspec 1/134',
      'ipv6-vpn-flowspec 2/134',
      'link-state 16388/71',
    ]);
    for (const { family, afi, safi } of Object.values(FAMILIES)) expect(familyOf(afi, safi)).toBe(family);
  });

  test('that have no name here are shown by their numbers', () => {
    expect(familyOf(1, 99)).toBeUndefined();
    // The SAFI of RFC 8950 has two octets.
    expect(familyOf(1, 257)).toBeUndefined();
    expect(familyText(25, 70)).toBe('l2vpn-evpn');
    expect(familyText(1, 99)).toBe('AFI 1 SAFI 99');
  });
});

describe.each(SAMPLES)('$family of $from: $text', ({ family, hex, text, identity }) => {
  const codec = NLRI_CODECS[family];
  const nlri = fromHex(hex);

  test('is measured, and not where an octet is missing', () => {
    expect(codec.measure(nlri, 0, nlri.length)).toBe(nlri.length);
    const between = Uint8Array.of(9, 9, ...nlri, 9, 9);
    expect(codec.measure(between, 2, between.length)).toBe(nlri.length);
    for (let limit = 0; limit < nlri.length; limit++) {
      expect(isFault(codec.measure(nlri, 0, limit)), `limit ${limit}`).toBe(true);
    }
  });

  test('is sound, and reads as its speaker shows it', () => {
    expect(codec.validate(nlri, { routerMac: false })).toBeUndefined();
    expect(codec.text(nlri)).toBe(text);
  });

  test('falls into key and data and comes together again', () => {
    const key = codec.key(nlri);
    expect(toHex(codec.join(key, codec.data(nlri)))).toBe(toHex(nlri));
    const withdrawn = codec.join(key, NONE);
    expect(codec.measure(withdrawn, 0, withdrawn.length)).toBe(withdrawn.length);
    expect(codec.validate(withdrawn)).toBeUndefined();
    expect(codec.text(withdrawn)).toBe(identity ?? text);
    expect(toHex(codec.key(withdrawn))).toBe(toHex(key));
  });

  test('has fields for all its octets, in order', () => {
    let at = 100;
    for (const { offset, length } of codec.fields(nlri, 100)) {
      expect(offset).toBe(at);
      at += length;
    }
    expect(at).toBe(100 + nlri.length);
  });

  test('is made from its text, where its family is typed by people', () => {
    if (codec.parse === undefined) return;
    expect(toHex(codec.parse(text))).toBe(toHex(nlri));
    expect(toHex(codec.key(codec.parse(identity ?? text)))).toBe(toHex(codec.key(nlri)));
  });
});

describe('prefixes', () => {
  test('that differ past their length are the same route', () => {
    const codec = NLRI_CODECS['ipv4-unicast'];
    expect(toHex(codec.key(fromHex('1a 0a4c02ff')))).toBe('1a0a4c02c0');
    expect(codec.text(fromHex('1a 0a4c02ff'))).toBe('10.76.2.192/26');
    expect(codec.text(fromHex('00'))).toBe('0.0.0.0/0');
  });

  test('with path identifiers', () => {
    const bytes = fromHex('00000001 18 0a0000 00000002 18 0a0000 fffffffe 00');
    expect(checkNlri('ipv4-unicast', bytes, true)).toBeUndefined();
    const seen: string[] = [];
    forEachPrefix(bytes, (offset, bits, pathId) => seen.push(`${offset} ${bits} ${pathId}`), true);
    expect(seen).toEqual(['5 24 1', '13 24 2', '21 0 4294967294']);
    expect(nlriText({ family: 'ipv4-unicast', bytes, addPath: true })).toEqual([
      '10.0.0.0/24',
      '10.0.0.0/24',
      '0.0.0.0/0',
    ]);
    const routes: string[] = [];
    forEachRoute('ipv4-unicast', bytes, true, (offset, end, pathId) =>
      routes.push(`${offset} ${end} ${pathId}`),
    );
    expect(routes).toEqual(['4 8 1', '12 16 2', '20 21 4294967294']);
  });

  test.each([
    ['ipv4-unicast', '18 0a0000 21 0a00000000', 4],
    ['ipv6-unicast', '81 20010db8', 0],
    ['ipv4-unicast', '18 0a00', 0],
    ['ipv4-multicast', '18 0a0000 08', 4],
  ] as const)('of %s that cannot be read: %s', (family, hex, offset) => {
    expect(checkNlri(family, fromHex(hex))?.offset).toBe(offset);
  });

  test.each(['00000001', '000000', '00000001 18 0a00', '00000001 18 0a0000 00'])(
    'with a path identifier that cannot be read: %s',
    (hex) => {
      expect(checkNlri('ipv4-unicast', fromHex(hex), true)).toBeDefined();
      expect(checkNlri('ipv4-vpn', fromHex(hex), true)).toBeDefined();
    },
  );
});

describe('labeled prefixes', () => {
  const vpn = NLRI_CODECS['ipv4-vpn'];

  test('are withdrawn with 0x800000, or 0 by speakers of RFC 3107', () => {
    const [announced, withdrawn, old] = ['0000a1', '800000', '000000'].map((label) =>
      fromHex(`68 ${label} 0000fde900000064 0a02`),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    expect(toHex(vpn.join(vpn.key(announced), NONE))).toBe(toHex(withdrawn));
    expect(toHex(vpn.key(withdrawn))).toBe(toHex(vpn.key(announced)));
    expect(toHex(vpn.key(old))).toBe(toHex(vpn.key(announced)));
    expect(vpn.text(withdrawn)).toBe('10.2.0.0/16 RD 65001:100');
  });

  test.each<[Family, string, string]>([
    ['ipv4-vpn', '50 0000a1 0000fde9000000', 'do not hold'],
    ['ipv4-vpn', '79 0000a1 0000fde900000064 0a00000000', 'at most 32'],
    ['ipv4-vpn', '10 0000', 'does not end'],
    ['ipv4-labeled', '28 000640 0a02', 'does not end'],
    ['ipv4-labeled', '39 000641 0a00000000', 'at most 32'],
    ['ipv4-labeled', '18 0000', 'cut off'],
  ])('%s that cannot be read: %s', (family, hex, expected) => {
    const bytes = fromHex(hex);
    expect(NLRI_CODECS[family].measure(bytes, 0, bytes.length)).toMatchObject({
      expected: expect.stringContaining(expected),
    });
  });

  test.each([
    '10.2.0.0/16',
    '10.2.0.0/16 RD nonsense',
    '10.2.0.0/16 RD 1:2 label 1048576',
    '10.2.0.0/16 RD 1:2 label 0/100',
    '10.2.0.0/16 RD 1:2 label 524288/100',
    '2001:db8::/32 RD 1:2',
  ])('are not made from %s', (text) => {
    expect(() => vpn.parse!(text)).toThrow(RangeError);
  });
});

describe('route distinguishers', () => {
  test.each([
    ['0000fde900000064', '65001:100'],
    ['0001c00002010064', '192.0.2.1:100'],
    ['0002000111700064', '70000:100'],
    ['00020000fde90064', '2:65001:100'],
    ['0003000000000001', '0x0003000000000001'],
  ])('%s is %s', (hex, text) => {
    expect(rdText(fromHex(hex), 0)).toBe(text);
    expect(toHex(parseRd(text))).toBe(hex);
  });

  test.each(['65001', '65001:4294967296', '70000:65536', '192.0.2.1:65536', '1:2:3', 'a:b'])(
    '%s is none',
    (text) => {
      expect(() => parseRd(text)).toThrow(RangeError);
    },
  );
});

describe('flow specifications', () => {
  const ipv4 = NLRI_CODECS['ipv4-flowspec'];

  test('of 240 octets and more have a length of two', () => {
    const nlri = fromHex(LONG_FLOWSPEC);
    expect(ipv4.measure(nlri, 0, nlri.length)).toBe(nlri.length);
    expect(ipv4.validate(nlri)).toBeUndefined();
    expect(ipv4.text(nlri)).toMatch(
      /^\[destination: 10.0.0.0\/24\]\[destination-port: ==1000 ==1003 .* ==1267\]$/,
    );
    expect(toHex(ipv4.join(ipv4.key(nlri), NONE))).toBe(toHex(nlri));
  });

  test('are the same with a length of two octets that could have had one', () => {
    expect(toHex(ipv4.key(fromHex('f005 01180a0000')))).toBe(toHex(ipv4.key(fromHex('05 01180a0000'))));
  });

  test.each<[Family, string, number]>([
    ['ipv4-flowspec', '0a 02180a0000 0118140000', 6],
    ['ipv4-flowspec', '0a 01180a0000 0118140000', 6],
    ['ipv4-flowspec', '03 0d8101', 1],
    ['ipv4-flowspec', '03 0e8101', 1],
    ['ipv4-flowspec', '03 030106', 2],
    ['ipv4-flowspec', '02 01 21', 2],
    ['ipv4-flowspec', '03 01180a', 2],
    // BIRD, GoBGP and ExaBGP put all octets of the address there; RFC 8956 §3.1 only the bits from the offset on.
    ['ipv6-flowspec', '0b 01400a 20010db800010000', 11],
    ['ipv6-flowspec', '03 012020', 3],
    ['ipv4-vpn-flowspec', '04 00000000', 0],
  ])('%s %s count as withdrawn', (family, hex, offset) => {
    const nlri = fromHex(hex);
    expect(NLRI_CODECS[family].measure(nlri, 0, nlri.length)).toBe(nlri.length);
    expect(NLRI_CODECS[family].validate(nlri)).toMatchObject({ outcome: 'treat-as-withdraw', offset });
    expect(NLRI_CODECS[family].text(nlri)).toBe(`[0x${toHex(nlri.subarray(1))}]`);
  });
});

describe('route target memberships', () => {
  const codec = NLRI_CODECS['rt-constraint'];

  test.each([
    ['00', 'default'],
    ['20 0000fde9', '65001:0x/32'],
    ['30 0000fde9 0002', '65001:0x0002/48'],
    ['60 0000fde9 0202000111700064', '65001:70000:100'],
    ['60 0000fde9 030c000000000008', '65001:0x030c000000000008'],
  ])('%s is %s', (hex, text) => {
    const nlri = fromHex(hex);
    expect(codec.measure(nlri, 0, nlri.length)).toBe(nlri.length);
    expect(codec.text(nlri)).toBe(text);
    expect(toHex(codec.parse!(text))).toBe(toHex(nlri));
  });

  test.each(['01 00', '1f 00000000', '61 00000000 00000000 00000000 00'])('%s is none', (hex) => {
    expect(codec.measure(fromHex(hex), 0, fromHex(hex).length)).toMatchObject({ offset: 0 });
  });
});

describe('VPLS and link-state', () => {
  test('VPLS auto-discovery (RFC 6074) keeps its PE address', () => {
    const nlri = fromHex('000c 0000fde900000064 c0000201');
    const codec = NLRI_CODECS['l2vpn-vpls'];
    expect(codec.text(nlri)).toBe('PE 192.0.2.1 RD 65001:100');
    expect(toHex(codec.join(codec.key(nlri), codec.data(nlri)))).toBe(toHex(nlri));
    expect(codec.validate(fromHex('0003 000000'))).toMatchObject({ outcome: 'treat-as-withdraw' });
  });

  test('a link-state route of unknown type is carried as it is, one with a descriptor too long is not', () => {
    const codec = NLRI_CODECS['link-state'];
    const unknown = fromHex('0063 0003 010203');
    expect(codec.validate(unknown)).toBeUndefined();
    expect(codec.text(unknown)).toBe('type-99 0x010203');
    expect(codec.validate(fromHex('0001 000d 02 0000000000000001 0100 0001'))).toMatchObject({
      outcome: 'treat-as-withdraw',
      offset: 13,
    });
  });

  test('links and prefixes show their descriptors', () => {
    const codec = NLRI_CODECS['link-state'];
    const link = fromHex(
      `0002 0031 03 0000000000000000 0100 0008 0203 0004 01010101 0101 0008 0203 0004 02020202
       0103 0004 0a000001 0104 0004 0a000002`,
    );
    expect(codec.measure(link, 0, link.length)).toBe(link.length);
    expect(codec.text(link)).toBe(
      'link ospfv2:0 local[router 1.1.1.1] remote[router 2.2.2.2] interface 10.0.0.1 neighbor 10.0.0.2',
    );
    const prefix = fromHex('0003 001d 03 0000000000000000 0100 0008 0203 0004 01010101 0109 0004 18 0a0203');
    expect(codec.text(prefix)).toBe('ipv4-prefix ospfv2:0 local[router 1.1.1.1] prefix 10.2.3.0/24');
  });
});

describe('dissectNlri', () => {
  test('shows path identifiers, and what cannot be read as octets with the reason', () => {
    const bytes = fromHex('00000007 18 0a0000 00000008 21 0a');
    const fields = dissectNlri('ipv4-unicast', bytes, 50, { addPath: true });
    expect(fields).toMatchObject([
      {
        value: '10.0.0.0/24',
        text: '10.0.0.0/24 path 7',
        offset: 50,
        length: 8,
        children: [{ name: 'path identifier', value: 7 }, { name: 'prefix' }],
      },
      {
        value: '00000008210a',
        offset: 58,
        length: 6,
        error: { outcome: 'session-reset', notification: { code: 3, subcode: 10 } },
      },
    ]);
  });

  test('marks a single unusable route', () => {
    const [field] = dissectNlri('l2vpn-evpn', fromHex('0b 02 0102'), 0, { addPath: false });
    expect(field).toMatchObject({
      value: '[11]:[0x0102]',
      error: { outcome: 'ignored', rfc: 'RFC 7606 §5.4' },
    });
  });
});

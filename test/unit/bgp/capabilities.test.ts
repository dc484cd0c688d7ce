import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import { addPathBits } from '../../../protocol/bgp/capability/add-path.ts';
import {
  type Capability,
  capabilityCode,
  capabilityText,
  decodeCapability,
  encodeCapability,
} from '../../../protocol/bgp/capability/capability.ts';
import { CAPABILITIES, capabilityName } from '../../../protocol/bgp/capability/table.ts';
import { BASE_CONTEXT } from '../../../protocol/bgp/context.ts';
import type { Field } from '../../../protocol/bgp/dissect/field.ts';
import { dissectMessage } from '../../../protocol/bgp/dissect/message.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { decodeOpen, encodeOpen } from '../../../protocol/bgp/message/open.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, FRR_OPEN, GOBGP_OPEN, message } from './golden.ts';

function encoded(capability: Capability): string {
  const writer = new ByteWriter();
  encodeCapability(capability, writer);
  return toHex(writer.finish());
}

/** Code and value of each, what they mean, and how they read. */
const CASES: readonly (readonly [code: number, value: string, capability: Capability, text: string])[] = [
  [1, '0019 00 46', { kind: 'multiprotocol', afi: 25, safi: 70 }, 'Multiprotocol Extensions: l2vpn-evpn'],
  [2, '', { kind: 'route-refresh' }, 'Route Refresh'],
  [
    3,
    '0001 00 01 02 4003 8001',
    {
      kind: 'outbound-route-filtering',
      families: [
        {
          afi: 1,
          safi: 1,
          types: [
            { type: 64, sendReceive: 3 },
            { type: 128, sendReceive: 1 },
          ],
        },
      ],
    },
    'Outbound Route Filtering: ipv4-unicast type 64 send+receive type 128 receive',
  ],
  [
    5,
    '0001 0001 0002 0001 0080 0002',
    {
      kind: 'extended-next-hop',
      families: [
        { afi: 1, safi: 1, nextHopAfi: 2 },
        { afi: 1, safi: 128, nextHopAfi: 2 },
      ],
    },
    'Extended Next Hop Encoding: ipv4-unicast next hop ipv6, ipv4-vpn next hop ipv6',
  ],
  [6, '', { kind: 'extended-message' }, 'Extended Message'],
  [7, '100001', { kind: 'unknown', code: 7, value: fromHex('100001') }, 'BGPsec: 0x100001'],
  [
    8,
    '0001 04 05',
    { kind: 'multiple-labels', families: [{ afi: 1, safi: 4, count: 5 }] },
    'Multiple Labels: ipv4-labeled 5 labels',
  ],
  [9, '03', { kind: 'role', role: 3 }, 'BGP Role: customer'],
  [9, '07', { kind: 'role', role: 7 }, 'BGP Role: role 7'],
  [
    64,
    'c078 0001 01 80 0002 01 00',
    {
      kind: 'graceful-restart',
      restarting: true,
      notification: true,
      restartTime: 120,
      families: [
        { afi: 1, safi: 1, forwarding: true },
        { afi: 2, safi: 1, forwarding: false },
      ],
    },
    'Graceful Restart: time 120 restarting notification, ipv4-unicast forwarding, ipv6-unicast',
  ],
  [65, 'fa56ea4e', { kind: 'four-octet-as', asn: 4200000078 }, '4-octet AS Number: AS 4200000078'],
  [67, '0102', { kind: 'unknown', code: 67, value: fromHex('0102') }, 'Dynamic Capability: 0x0102'],
  [
    69,
    '0001 01 03 0002 01 01 0001 02 00 0001 80 07',
    {
      kind: 'add-path',
      families: [
        { afi: 1, safi: 1, sendReceive: 3 },
        { afi: 2, safi: 1, sendReceive: 1 },
        { afi: 1, safi: 2, sendReceive: 0 },
        { afi: 1, safi: 128, sendReceive: 7 },
      ],
    },
    'ADD-PATH: ipv4-unicast send+receive, ipv6-unicast receive, ipv4-multicast nothing, ipv4-vpn 7 (ignored)',
  ],
  [70, '', { kind: 'enhanced-route-refresh' }, 'Enhanced Route Refresh'],
  [
    71,
    '0001 01 80 015180',
    {
      kind: 'long-lived-graceful-restart',
      families: [{ afi: 1, safi: 1, forwarding: true, staleTime: 86400 }],
    },
    'Long-Lived Graceful Restart: ipv4-unicast time 86400 forwarding',
  ],
  [73, '02766d00', { kind: 'fqdn', hostName: 'vm', domainName: '' }, 'FQDN: vm'],
  [73, '0161 0162', { kind: 'fqdn', hostName: 'a', domainName: 'b' }, 'FQDN: a.b'],
  [75, '03 312e30', { kind: 'software-version', version: '1.0' }, 'Software Version: 1.0'],
  [
    76,
    '0001 01 0008',
    { kind: 'paths-limit', families: [{ afi: 1, safi: 1, limit: 8 }] },
    'Paths Limit for Multiple Paths: ipv4-unicast at most 8',
  ],
  [128, '', { kind: 'route-refresh-cisco' }, 'Route Refresh (Cisco)'],
  [200, '01', { kind: 'unknown', code: 200, value: Uint8Array.of(1) }, 'capability 200: 0x01'],
];

describe('capabilities', () => {
  test.each(CASES)('%i %s', (code, hex, capability, text) => {
    const value = fromHex(hex);
    expect(decodeCapability(code, value, 0)).toEqual(capability);
    expect(encoded(capability)).toBe(toHex(Uint8Array.of(code, value.length, ...value)));
    expect(capabilityCode(capability)).toBe(code);
    expect(capabilityText(capability)).toBe(text);
  });

  test('are all in the table once, and every one is tested above', () => {
    const codes = CAPABILITIES.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => !CASES.some(([tested]) => tested === code))).toEqual([]);
    expect(new Set(CAPABILITIES.map(({ kind }) => kind)).size).toBe(codes.length);
    expect(capabilityName(99)).toBe('capability 99');
  });

  test.each(CASES)('%i has fields for all octets of %s', (code, hex) => {
    const codec = CAPABILITIES.find((candidate) => candidate.code === code);
    let at = 7;
    for (const field of codec?.fields(fromHex(hex), 7) ?? []) {
      expect(field.offset).toBe(at);
      at += field.length;
    }
    if (codec !== undefined) expect(at).toBe(7 + fromHex(hex).length);
  });

  test.each([
    [1, '000100'],
    [1, '0001000100'],
    [2, '00'],
    [5, '00010001'],
    [6, '00'],
    [8, '000104'],
    [9, ''],
    [9, '0000'],
    [64, ''],
    [64, '007800'],
    [65, '0000fc'],
    [69, '000101'],
    [70, '01'],
    [71, '00010180'],
  ])('%i of the wrong shape (%s) ends the session with 2/0, as BIRD and FRR do', (code, hex) => {
    const value = fromHex(hex);
    try {
      decodeCapability(code, value, 31);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      expect(error.notification).toEqual({ code: 2, subcode: 0, data: new Uint8Array(0) });
      expect(error.offset).toBe(31);
    }
  });

  test.each([
    [3, '0001000102'],
    [73, ''],
    [73, '05766d'],
    [73, '02766d0061'],
    [73, '02ff0000'],
    [75, '0031'],
    [75, '02 ff00'],
    [76, '00010100'],
    [128, '00'],
  ])('%i of the wrong shape (%s) does not count', (code, hex) => {
    expect(decodeCapability(code, fromHex(hex), 0)).toEqual({ kind: 'unknown', code, value: fromHex(hex) });
  });

  test('ADD-PATH of a value that RFC 7911 §4 does not know means nothing', () => {
    const known = [0, 1, 2, 3, 4, 255].map((value) => addPathBits(value));
    expect(known.map(({ send, receive }) => `${Number(send)}${Number(receive)}`)).toEqual([
      '00',
      '01',
      '10',
      '11',
      '00',
      '00',
    ]);
  });

  test('that are too long to be written are refused', () => {
    const families = Array.from({ length: 64 }, () => ({ afi: 1, safi: 1, sendReceive: 3 }));
    expect(() => encoded({ kind: 'add-path', families })).toThrow(RangeError);
    expect(() => encoded({ kind: 'software-version', version: 'x'.repeat(256) })).toThrow(RangeError);
  });
});

/** Every field without children, in order, as `offset+length name`. */
function leaves(field: Field): string[] {
  if (field.children === undefined) return [`${field.offset}+${field.length} ${field.name}`];
  return field.children.flatMap(leaves);
}

/** Errors of the tree, each with where it stands. */
function errors(field: Field): string[] {
  const own =
    field.error === undefined
      ? []
      : [
          `${field.offset} ${field.error.outcome} ${field.error.notification?.code}/${field.error.notification?.subcode}`,
        ];
  return [...own, ...(field.children ?? []).flatMap(errors)];
}

describe('an OPEN dissected', () => {
  test.each([
    ['BIRD', BIRD_OPEN],
    ['FRR', FRR_OPEN],
    ['GoBGP', GOBGP_OPEN],
    ['the extended form', encodeOpen(decodeOpen(FRR_OPEN), { extended: true, perParameter: 2 })],
  ])('covers all octets of %s without gap', (_name, bytes) => {
    const field = dissectMessage(bytes, BASE_CONTEXT);
    let at = 0;
    for (const leaf of leaves(field)) {
      const [offset, length] = leaf.split(' ')[0]!.split('+').map(Number) as [number, number];
      expect(offset, leaf).toBe(at);
      at += length;
    }
    expect(at).toBe(bytes.length);
    expect(errors(field)).toEqual([]);
  });

  test('names each capability', () => {
    const texts: string[] = [];
    const collect = (field: Field): void => {
      if (field.name === 'capability') texts.push(field.text!);
      field.children?.forEach(collect);
    };
    collect(dissectMessage(BIRD_OPEN, BASE_CONTEXT));
    expect(texts).toEqual([
      'Multiprotocol Extensions: ipv4-unicast',
      'Route Refresh',
      'Graceful Restart: time 120, ipv4-unicast',
      '4-octet AS Number: AS 64512',
      'ADD-PATH: ipv4-unicast send+receive',
      'Enhanced Route Refresh',
      'Long-Lived Graceful Restart',
    ]);
  });

  test.each([
    ['version 3', '001d 01 03 fc00 00b4 0a000001 00', ['19 session-reset 2/1']],
    ['AS 0', '001d 01 04 0000 00b4 0a000001 00', ['20 session-reset 2/2']],
    ['hold time 2', '001d 01 04 fc00 0002 0a000001 00', ['22 session-reset 2/6']],
    ['identifier 0', '001d 01 04 fc00 00b4 00000000 00', ['24 session-reset 2/3']],
    ['an unknown parameter', '0020 01 04 fc00 00b4 0a000001 03 | 01 01 00', ['29 session-reset 2/4']],
    ['type 255 later', '0021 01 04 fc00 00b4 0a000001 04 | 02 00 ff 00', ['31 session-reset 2/4']],
    ['a parameter past its end', '0020 01 04 fc00 00b4 0a000001 03 | 02 05 00', ['29 session-reset 2/0']],
    [
      'a capability past its end',
      '0022 01 04 fc00 00b4 0a000001 05 | 02 03 41 04 00',
      ['31 session-reset 2/0'],
    ],
    ['parameters missing', '001d 01 04 fc00 00b4 0a000001 03', ['29 session-reset 2/0']],
    ['a malformed capability', '0022 01 04 fc00 00b4 0a000001 05 | 02 03 41 01 07', ['33 session-reset 2/0']],
    [
      'a malformed name',
      '0022 01 04 fc00 00b4 0a000001 05 | 02 03 49 01 07',
      ['31 ignored undefined/undefined'],
    ],
  ])('marks %s', (_name, hex, expected) => {
    expect(errors(dissectMessage(message(hex), BASE_CONTEXT))).toEqual(expected);
  });
});

test('names that could steer a terminal or forge a line of a log are escaped', () => {
  const version = 'x\n\u001b[31m\u202e';
  expect(capabilityText({ kind: 'software-version', version })).toBe(
    'Software Version: x\\u{a}\\u{1b}[31m\\u{202e}',
  );
  expect(capabilityText({ kind: 'fqdn', hostName: 'a\tb', domainName: 'c' })).toBe('FQDN: a\\u{9}b.c');
});

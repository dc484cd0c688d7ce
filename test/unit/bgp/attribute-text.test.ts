import { describe, expect, test } from 'vitest';
import { asPathText, parseAsPath } from '../../../protocol/bgp/attribute/as-path-text.ts';
import {
  communityText,
  parseCommunities,
  parseCommunity,
  parseLargeCommunity,
} from '../../../protocol/bgp/attribute/communities.ts';
import {
  extendedCommunityText,
  parseExtendedCommunity,
} from '../../../protocol/bgp/attribute/extended-community-text.ts';
import { fromHex } from '../../../protocol/bytes/hex.ts';

describe('AS paths', () => {
  test.each([
    ['', []],
    ['64512', [{ kind: 'sequence', asns: [64512] }]],
    [
      '1 2 {3,4} 5',
      [
        { kind: 'sequence', asns: [1, 2] },
        { kind: 'set', asns: [3, 4] },
        { kind: 'sequence', asns: [5] },
      ],
    ],
    [
      '(65001 65002) [65003,65004] 4294967295',
      [
        { kind: 'confed-sequence', asns: [65001, 65002] },
        { kind: 'confed-set', asns: [65003, 65004] },
        { kind: 'sequence', asns: [4294967295] },
      ],
    ],
  ] as const)('%j both ways', (text, path) => {
    expect(parseAsPath(text)).toEqual(path);
    expect(asPathText(path)).toBe(text);
  });

  test('spaces and commas as others write them', () => {
    expect(parseAsPath('  1  2{3,4}(5) ')).toEqual(parseAsPath('1 2 {3 4} (5)'));
  });

  test.each(['0', '4294967296', 'x', '1.5', '{1', '1}', '{}', '()', '1,2', '{1 (2)}', '-1', '99999999999'])(
    'refuses %j',
    (text) => {
      expect(() => parseAsPath(text)).toThrow(RangeError);
      expect(() => parseAsPath(text)).toThrow(JSON.stringify(text));
    },
  );
});

describe('communities', () => {
  test.each([
    [0xfc000064, '64512:100'],
    [0, '0:0'],
    [0xffff0000, 'graceful-shutdown'],
    [0xffff0001, 'accept-own'],
    [0xffff0006, 'llgr-stale'],
    [0xffff0007, 'no-llgr'],
    [0xffff029a, 'blackhole'],
    [0xffffff01, 'no-export'],
    [0xffffff02, 'no-advertise'],
    [0xffffff03, 'no-export-subconfed'],
    [0xffffff04, 'no-peer'],
    [0xffffff05, '65535:65285'],
  ])('%i is %s', (value, text) => {
    expect(communityText(value)).toBe(text);
    expect(parseCommunity(text)).toBe(value);
  });

  test('numbers of well-known ones, and their other names', () => {
    expect(parseCommunity('65535:666')).toBe(0xffff029a);
    expect(parseCommunity('local-as')).toBe(parseCommunity('no-export-subconfed'));
    expect(parseCommunity('gshut')).toBe(parseCommunity('graceful-shutdown'));
  });

  test('sorted by kind', () => {
    expect(parseCommunities(['1:2', '1:2:3', 'no-export'])).toEqual({
      communities: [0x10002, 0xffffff01],
      largeCommunities: [{ globalAdministrator: 1, localData1: 2, localData2: 3 }],
    });
  });

  test.each([
    '65536:1',
    '1:65536',
    '1',
    '1:',
    ':1',
    '1:2:3:4',
    'no-such',
    '1:-2',
    '0x1:2',
    '1:2:4294967296',
    '',
  ])('refuses %j', (text) => {
    expect(() => parseCommunities([text])).toThrow(RangeError);
  });

  test('a standard one is no large one, and the other way round', () => {
    expect(() => parseCommunity('1:2:3')).toThrow('1:2:3');
    expect(() => parseLargeCommunity('1:2')).toThrow('1:2');
    expect(parseLargeCommunity('4294967295:0:1')).toEqual({
      globalAdministrator: 4294967295,
      localData1: 0,
      localData2: 1,
    });
  });
});

describe('extended communities', () => {
  const halves = (hex: string) => {
    const view = new DataView(fromHex(hex).buffer);
    return { high: view.getUint32(0), low: view.getUint32(4) };
  };

  test.each([
    ['0002 fde8 00000064', 'rt:65000:100'],
    ['0102 c0000201 0064', 'rt:192.0.2.1:100'],
    ['0202 fa56ea01 0064', 'rt:4200000001:100'],
    ['0202 0000fde8 0064', 'rt:65000L:100'],
    ['0003 fde8 00000064', 'soo:65000:100'],
    ['0103 c0000201 0064', 'soo:192.0.2.1:100'],
    ['0105 c0000201 0200', 'ospf-domain-id:192.0.2.1:512'],
    ['010b c0000201 0001', 'vrf-route-import:192.0.2.1:1'],
    ['0009 fde8 00000000', 'source-as:65000:0'],
    ['4004 fde8 49742400', 'link-bandwidth:65000:1000000'],
    ['4300 0000 00000002', 'origin-validation:invalid'],
    ['030b 0000 0000000a', 'color:10'],
    ['030c 0000 00000008', 'encap:vxlan'],
    ['030c 0000 00000063', 'encap:99'],
    ['030d 0000 00000000', 'default-gateway'],
    ['0600 01 00 00000007', 'mac-mobility:7:sticky'],
    ['0600 00 00 00000007', 'mac-mobility:7'],
    ['0601 01 0000 000064', 'esi-label:100:single-active'],
    ['0601 00 0000 000064', 'esi-label:100'],
    ['0602 aabbcc000001', 'es-import:aa:bb:cc:00:00:01'],
    ['0603 aabbcc000001', 'router-mac:aa:bb:cc:00:00:01'],
    ['0604 0002 05dc 0000', 'l2-attributes:flags=2,mtu=1500'],
    ['0606 020400000000', 'df-election:0x020400000000'],
    ['8006 0000 00000000', 'traffic-rate:0:0'],
    ['8007 000000000003', 'traffic-action:0x000000000003'],
    ['8008 fde8 00000064', 'redirect:65000:100'],
    ['8009 00000000000a', 'traffic-marking:0x00000000000a'],
    ['800a 13 02 05dc 0000', 'layer2-info:0x130205dc0000'],
    ['9999 000000000001', '0x9999000000000001'],
    // What no text says whole is not abbreviated: reserved bits set, a float that is no number.
    ['030d 0000 00000001', '0x030d000000000001'],
    ['0600 03 00 00000007', '0x0600030000000007'],
    ['4004 fde8 7fc00000', '0x4004fde87fc00000'],
  ])('%s is %s, both ways', (hex, text) => {
    expect(extendedCommunityText(halves(hex))).toBe(text);
    expect(parseExtendedCommunity(text)).toEqual(halves(hex));
  });

  test.each([
    'rt:',
    'rt:1',
    'rt:65536:65536',
    'rt:1.2.3:4',
    'rt:1.2.3.4:5:6',
    'encap:',
    'router-mac:aa',
    'bogus:1:2',
    '0x12',
    '',
  ])('refuses %j', (text) => {
    expect(() => parseExtendedCommunity(text)).toThrow(RangeError);
  });
});

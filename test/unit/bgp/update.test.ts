import { describe, expect, test } from 'vitest';
import { BgpError } from '../../../protocol/bgp/error.ts';
import {
  announcedRoutes,
  decodeUpdate,
  encodeUpdate,
  endOfRib,
  withdrawnRoutes,
} from '../../../protocol/bgp/message/update.ts';
import { nlriText } from '../../../protocol/bgp/nlri/prefixes.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_UPDATE, END_OF_RIB, END_OF_RIB_IPV6, FRR_UPDATE, FRR_UPDATE_IPV6 } from './golden.ts';
import { BASE, EXTERNAL, HOP, INTERNAL, OLD, ORIGIN, outcome, PATH, update } from './update-bytes.ts';

describe('UPDATE as real speakers send it', () => {
  test('BIRD, internal', () => {
    const decoded = decodeUpdate(BIRD_UPDATE, INTERNAL);
    expect(decoded.attributes).toEqual({
      origin: 0,
      asPath: [],
      nextHop: Uint8Array.of(127, 76, 0, 2),
      localPref: 100,
      communities: [0xfc000064],
    });
    expect(announcedRoutes(decoded).flatMap(nlriText)).toEqual(['10.76.2.0/26']);
    expect(decoded.faults).toEqual([]);
    expect(toHex(encodeUpdate(decoded, INTERNAL))).toBe(toHex(BIRD_UPDATE));
  });

  test('FRR, external, with an extended length where none is needed', () => {
    const decoded = decodeUpdate(FRR_UPDATE, EXTERNAL);
    expect(decoded.attributes).toEqual({
      origin: 0,
      asPath: [{ kind: 'sequence', asns: [4200000078, 65001] }],
      nextHop: Uint8Array.of(127, 78, 0, 2),
      med: 77,
      communities: [0xfc000064, 0xffffff01],
      largeCommunities: [{ globalAdministrator: 64512, localData1: 1, localData2: 2 }],
    });
    expect(decodeUpdate(encodeUpdate(decoded, EXTERNAL), EXTERNAL).attributes).toEqual(decoded.attributes);
  });

  test('FRR, IPv6 in MP_REACH_NLRI', () => {
    const decoded = decodeUpdate(FRR_UPDATE_IPV6, EXTERNAL);
    const [routes] = announcedRoutes(decoded);
    expect(nlriText(routes!)).toEqual(['2001:db8:78::/64']);
    expect(toHex(routes!.nextHop)).toBe('20010db8000000000000000000000078');
    expect(decodeUpdate(encodeUpdate(decoded, EXTERNAL), EXTERNAL).attributes).toEqual(decoded.attributes);
  });

  test('End-of-RIB', () => {
    expect(endOfRib(decodeUpdate(END_OF_RIB, INTERNAL))).toBe('ipv4-unicast');
    expect(endOfRib(decodeUpdate(END_OF_RIB_IPV6, INTERNAL))).toBe('ipv6-unicast');
    expect(endOfRib(decodeUpdate(BIRD_UPDATE, INTERNAL))).toBeUndefined();
    expect(endOfRib(decodeUpdate(update('', '', '18 0a0100'), INTERNAL))).toBeUndefined();
  });
});

describe('what an UPDATE says when it is read', () => {
  test.each([
    ['all well', BASE, 'ok'],
    ['low flag bits set, extended length, any order', `${HOP} 5f 02 0006 02 01 0000fc01 4f 01 01 00`, 'ok'],
    ['unknown optional', `${BASE} c0 63 02 abcd`, 'ok'],
    ['unknown well-known', `${BASE} 40 63 02 abcd`, 'reset 3/2'],
    ['two faults', `${BASE} 40 06 01 00 80 04 03 000000`, '6 attribute-discard, 4 treat-as-withdraw'],
  ])('%s', (_name, attributes, expected) => {
    expect(outcome(update(attributes))).toBe(expected);
  });

  test('a reset carries the attribute and where it stands', () => {
    try {
      decodeUpdate(update(`${BASE} 80 0f 02 0002`), INTERNAL);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BgpError);
      expect(toHex((error as BgpError).notification.data)).toBe('800f020002');
      expect((error as BgpError).message).toBe('MP_UNREACH_NLRI, offset 46: must have at least 3 octets');
    }
  });

  test('faults say which octet of the message is wrong', () => {
    const { faults } = decodeUpdate(update(`40 01 01 03 ${PATH} ${HOP}`), INTERNAL);
    expect(faults[0]).toEqual({
      outcome: 'treat-as-withdraw',
      type: 1,
      offset: 26,
      reason: 'ORIGIN, offset 26: value 3 must be 0, 1 or 2',
      rfc: 'RFC 7606 §7.1',
    });
  });

  test('treated as withdrawn: its routes, with bits past the mask cleared', () => {
    const decoded = decodeUpdate(update(`${ORIGIN} ${PATH}`, '0a 0aff 18 0a0200', '18 0a0300'), INTERNAL);
    expect(announcedRoutes(decoded)).toEqual([]);
    expect(withdrawnRoutes(decoded).flatMap(nlriText)).toEqual([
      '10.3.0.0/24',
      '10.192.0.0/10',
      '10.2.0.0/24',
    ]);
  });

  test('unknown transitive attributes are kept, others dropped, and Partial stays', () => {
    const { attributes } = decodeUpdate(
      update(`${BASE} e0 64 01 aa c0 63 02 abcd 80 65 01 00 e0 08 04 fc000001`),
      INTERNAL,
    );
    expect(attributes.unknown).toEqual([
      { type: 0x63, flags: 0xc0, value: fromHex('abcd') },
      { type: 0x64, flags: 0xe0, value: fromHex('aa') },
    ]);
    expect(attributes.partial).toEqual([8]);
    const again = encodeUpdate({ withdrawn: fromHex(''), attributes, nlri: fromHex('') }, INTERNAL);
    expect(toHex(again)).toContain('e00804fc000001c06302abcde06401aa');
  });
});

describe('AS numbers of two octets (RFC 6793)', () => {
  const bytes = (attributes: string): Uint8Array => update(attributes);

  test('to an old speaker, AS_TRANS stands in and AS4_PATH tells', () => {
    const path = [{ kind: 'sequence', asns: [64512, 4200000001] }] as const;
    const attributes = { asPath: path, aggregator: { asn: 4200000001, id: 7 } };
    const encoded = encodeUpdate({ withdrawn: fromHex(''), attributes, nlri: fromHex('') }, OLD);
    expect(toHex(encoded.subarray(23))).toBe(
      '4002060202fc005ba0' + 'c007065ba000000007' + 'c0110a02020000fc00fa56ea01' + 'c01208fa56ea0100000007',
    );
    expect(decodeUpdate(encoded, OLD).attributes).toEqual(attributes);
    const narrow = { asPath: [{ kind: 'sequence', asns: [64512] }] } as const;
    expect(
      toHex(encodeUpdate({ withdrawn: fromHex(''), attributes: narrow, nlri: fromHex('') }, OLD)),
    ).toMatch(/4002040201fc00$/);
  });

  test.each([
    [
      'a longer AS_PATH keeps its leading part',
      '40 02 08 02 03 0001 5ba0 5ba0',
      'c0 11 0a 02 02 00010001 00010002',
      '1 65537 65538',
    ],
    [
      'an AS_PATH of equal length is replaced',
      '40 02 06 02 02 5ba0 5ba0',
      'c0 11 0a 02 02 00010001 00010002',
      '65537 65538',
    ],
    ['a shorter AS_PATH wins', '40 02 04 02 01 0001', 'c0 11 0a 02 02 00010001 00010002', '1'],
    [
      'the cut may fall into a segment',
      '40 02 0c 02 02 0001 0002 02 02 5ba0 5ba0',
      'c0 11 0e 02 03 00000002 00010001 00010002',
      '1 2 65537 65538',
    ],
    ['a bad AS4_PATH is discarded', '40 02 04 02 01 5ba0', 'c0 11 05 02 01 000100', '23456'],
  ])('%s', (_name, path, as4, expected) => {
    const { attributes } = decodeUpdate(bytes(`${ORIGIN} ${path} ${HOP} ${as4}`), OLD);
    expect(attributes.asPath!.flatMap(({ asns }) => asns).join(' ')).toBe(expected);
    expect(attributes.as4Path).toBeUndefined();
  });

  test('AGGREGATOR with a true AS discards both, AS_TRANS takes AS4_AGGREGATOR', () => {
    const tail = 'c0 11 06 02 01 00010001 | c0 12 08 00010001 00000009';
    const own = decodeUpdate(
      bytes(`${ORIGIN} 40 02 04 02 01 5ba0 ${HOP} c0 07 06 fc00 00000008 ${tail}`),
      OLD,
    );
    expect(own.attributes).toMatchObject({ aggregator: { asn: 64512, id: 8 }, asPath: [{ asns: [23456] }] });
    const trans = decodeUpdate(
      bytes(`${ORIGIN} 40 02 04 02 01 5ba0 ${HOP} c0 07 06 5ba0 00000008 ${tail}`),
      OLD,
    );
    expect(trans.attributes).toMatchObject({
      aggregator: { asn: 65537, id: 9 },
      asPath: [{ asns: [65537] }],
    });
  });

  test('a new speaker that sends AS4_PATH has it discarded', () => {
    const decoded = decodeUpdate(bytes(`${ORIGIN} ${PATH} ${HOP} c0 11 06 02 01 00010001`), INTERNAL);
    expect(decoded.attributes.asPath).toEqual([{ kind: 'sequence', asns: [64513] }]);
    expect(decoded.attributes.as4Path).toBeUndefined();
  });

  test('of a discarded AS4_PATH not even the Partial bit is left', () => {
    const tail = 'e0 11 06 02 01 00010001 | e0 08 04 fc000001';
    const decoded = decodeUpdate(bytes(`${ORIGIN} ${PATH} ${HOP} ${tail}`), INTERNAL);
    expect(decoded.attributes.partial).toEqual([8]);
  });
});

import { describe, expect, test } from 'vitest';
import { BASE_CONTEXT, type CodecContext } from '../../../protocol/bgp/context.ts';
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
import { BIRD_UPDATE, END_OF_RIB, END_OF_RIB_IPV6, FRR_UPDATE, FRR_UPDATE_IPV6, message } from './golden.ts';

const INTERNAL: CodecContext = {
  ...BASE_CONTEXT,
  fourOctetAs: true,
  families: ['ipv4-unicast', 'ipv6-unicast'],
};
const EXTERNAL: CodecContext = { ...INTERNAL, peerType: 'external', firstAs: 4200000078 };
const OLD: CodecContext = { ...INTERNAL, fourOctetAs: false };

const ORIGIN = '40 01 01 00';
const PATH = '40 02 06 02 01 0000fc01';
const HOP = '40 03 04 0a000001';
const NLRI = '18 0a0100';

/** An UPDATE from withdrawn routes, attributes and NLRI in hex. */
function update(attributes: string, nlri = NLRI, withdrawn = ''): Uint8Array {
  const [w, a, n] = [fromHex(withdrawn), fromHex(attributes), fromHex(nlri)];
  const length = (value: number): string => value.toString(16).padStart(4, '0');
  return message(
    `${length(23 + w.length + a.length + n.length)} 02 ${length(w.length)} ${toHex(w)} ${length(a.length)} ${toHex(a)} ${toHex(n)}`,
  );
}

/** Outcomes of the faults of an UPDATE, or the NOTIFICATION that ends the session. */
function outcome(bytes: Uint8Array, context: CodecContext = INTERNAL): string {
  try {
    const { faults, treatAsWithdraw } = decodeUpdate(bytes, context);
    expect(treatAsWithdraw).toBe(faults.some((fault) => fault.outcome === 'treat-as-withdraw'));
    return faults.map((fault) => `${fault.type} ${fault.outcome}`).join(', ') || 'ok';
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return `reset ${error.notification.code}/${error.notification.subcode}`;
  }
}

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

describe('UPDATE errors (RFC 4271 §6.3 as revised by RFC 7606)', () => {
  const base = `${ORIGIN} ${PATH} ${HOP}`;

  test.each([
    ['all well', base, 'ok'],
    ['low flag bits set, extended length, any order', `${HOP} 5f 02 0006 02 01 0000fc01 4f 01 01 00`, 'ok'],
    ['ORIGIN 3', `40 01 01 03 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['ORIGIN of 2', `40 01 02 0000 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['ORIGIN missing', `${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['AS_PATH missing', `${ORIGIN} ${HOP}`, '2 treat-as-withdraw'],
    ['NEXT_HOP missing', `${ORIGIN} ${PATH}`, '3 treat-as-withdraw'],
    ['segment type 5', `${ORIGIN} 40 02 06 05 01 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['segment overrun', `${ORIGIN} 40 02 06 02 02 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['single trailing octet', `${ORIGIN} 40 02 07 02 01 0000fc01 02 ${HOP}`, '2 treat-as-withdraw'],
    ['empty segment', `${ORIGIN} 40 02 02 02 00 ${HOP}`, '2 treat-as-withdraw'],
    ['AS 0 in AS_PATH', `${ORIGIN} 40 02 06 02 01 00000000 ${HOP}`, '2 treat-as-withdraw'],
    ['NEXT_HOP of 5', `${ORIGIN} ${PATH} 40 03 05 0a00000100`, '3 treat-as-withdraw'],
    ['NEXT_HOP 0.0.0.0', `${ORIGIN} ${PATH} 40 03 04 00000000`, '3 treat-as-withdraw'],
    ['NEXT_HOP 224.0.0.1', `${ORIGIN} ${PATH} 40 03 04 e0000001`, '3 treat-as-withdraw'],
    ['MED of 3', `${base} 80 04 03 000000`, '4 treat-as-withdraw'],
    ['LOCAL_PREF of 3', `${base} 40 05 03 000000`, '5 treat-as-withdraw'],
    ['ATOMIC_AGGREGATE of 1', `${base} 40 06 01 00`, '6 attribute-discard'],
    ['AGGREGATOR of 6 between new speakers', `${base} c0 07 06 fc000a000001`, '7 attribute-discard'],
    ['AGGREGATOR AS 0', `${base} c0 07 08 00000000 0a000001`, '7 attribute-discard'],
    ['COMMUNITIES of 5', `${base} c0 08 05 0000000000`, '8 treat-as-withdraw'],
    ['COMMUNITIES empty', `${base} c0 08 00`, '8 treat-as-withdraw'],
    ['ORIGINATOR_ID of 5', `${base} 80 09 05 0000000000`, '9 treat-as-withdraw'],
    ['CLUSTER_LIST empty', `${base} 80 0a 00`, '10 treat-as-withdraw'],
    ['EXTENDED COMMUNITIES of 9', `${base} c0 10 09 000000000000000000`, '16 treat-as-withdraw'],
    ['LARGE_COMMUNITY of 8', `${base} c0 20 08 0000000000000000`, '32 treat-as-withdraw'],
    ['wrong flags on a known attribute', `80 01 01 00 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['an ordinary attribute twice', `${base} 40 01 01 01`, '1 attribute-discard'],
    ['MED beyond the attributes', `${base} 80 04 05 00000000`, '4 treat-as-withdraw'],
    ['one octet left', `${base} 80`, '0 treat-as-withdraw'],
    ['extended length cut off', `${base} 90 04 00`, '4 treat-as-withdraw'],
    ['two faults', `${base} 40 06 01 00 80 04 03 000000`, '6 attribute-discard, 4 treat-as-withdraw'],
    ['unknown optional', `${base} c0 63 02 abcd`, 'ok'],
    ['unknown well-known', `${base} 40 63 02 abcd`, 'reset 3/2'],
    ['MP_REACH of 4 octets', `${base} 80 0e 04 00020110`, 'reset 3/9'],
    ['MP_REACH with an IPv6 next hop of 8', `${base} 80 0e 0d 0002 01 08 0000000000000000 00`, 'reset 3/9'],
    ['MP_REACH with next hop overrun', `${base} 80 0e 05 0002 01 10 00`, 'reset 3/9'],
    ['MP_REACH with wrong flags', `${base} c0 0e 05 0063 01 00 00`, 'reset 3/9'],
    ['MP_REACH beyond the attributes', `${base} 80 0e 30 0002 01 10`, 'reset 3/9'],
    ['MP_REACH twice', `${base} 80 0e 05 0063 01 00 00 80 0e 05 0063 01 00 00`, 'reset 3/1'],
    ['MP_UNREACH of 2', `${base} 80 0f 02 0002`, 'reset 3/9'],
    ['MP_UNREACH with length 129', `${base} 80 0f 04 0002 01 81`, 'reset 3/9'],
    ['MP_UNREACH of a family nobody agreed on', `${base} 80 0f 05 0063 01 ffff`, 'ok'],
  ])('%s', (_name, attributes, expected) => {
    expect(outcome(update(attributes))).toBe(expected);
  });

  test('a reset carries the attribute and where it stands', () => {
    try {
      decodeUpdate(update(`${base} 80 0f 02 0002`), INTERNAL);
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

  test.each([
    ['prefix length 33', update(base, '21 0a01000000'), 'reset 3/10'],
    ['prefix cut off', update(base, '18 0a01'), 'reset 3/10'],
    ['withdrawn prefix length 33', update('', '', '21 0a01000000'), 'reset 3/10'],
    ['withdrawn routes past the end', message('0017 02 0005 0000'), 'reset 3/1'],
    ['attributes past the end', message('0017 02 0000 0001'), 'reset 3/1'],
    ['the default route', update(base, '00'), 'ok'],
    ['attributes without routes', update(base, ''), 'ok'],
    ['faulty attributes without routes', update('40 01 01 03', ''), 'reset 3/1'],
    ['faulty attributes with withdrawals only', update('40 01 01 03', '', '18 0a0100'), 'reset 3/1'],
    ['discarded attributes without routes', update('40 06 01 00', ''), '6 attribute-discard'],
  ])('%s', (_name, bytes, expected) => {
    expect(outcome(bytes)).toBe(expected);
  });

  test('from an external peer', () => {
    const path = '40 02 06 02 01 fa56ea4e';
    const good = `${ORIGIN} ${path} ${HOP}`;
    expect(outcome(update(good), EXTERNAL)).toBe('ok');
    expect(outcome(update(`${good} 40 05 04 00000064`), EXTERNAL)).toBe('5 attribute-discard');
    expect(outcome(update(`${good} 80 09 04 00000064`), EXTERNAL)).toBe('9 attribute-discard');
    expect(outcome(update(`${good} 80 0a 03 000000`), EXTERNAL)).toBe('10 attribute-discard');
    expect(outcome(update(`${ORIGIN} ${PATH} ${HOP}`), EXTERNAL)).toBe('2 treat-as-withdraw');
    expect(outcome(update(`${ORIGIN} 40 02 00 ${HOP}`), EXTERNAL)).toBe('2 treat-as-withdraw');
    const old = { ...EXTERNAL, fourOctetAs: false };
    expect(outcome(update(`${ORIGIN} 40 02 04 02 01 5ba0 ${HOP}`), old)).toBe('ok');
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
      update(`${base} e0 64 01 aa c0 63 02 abcd 80 65 01 00 e0 08 04 fc000001`),
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
});

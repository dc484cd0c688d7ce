// Every case of RFC 7606, and of the documents that follow it, by hand: one test each, named by its clause.
import { describe, expect, test } from 'vitest';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { announcedRoutes, decodeUpdate, withdrawnRoutes } from '../../../protocol/bgp/message/update.ts';
import { nlriText } from '../../../protocol/bgp/nlri/prefixes.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { message } from './golden.ts';
import {
  attribute,
  BASE,
  EXTERNAL,
  HOP,
  INTERNAL,
  NLRI,
  OLD,
  ORIGIN,
  outcome,
  PATH,
  update,
} from './update-bytes.ts';

const LARGE_IPV6 = '20010db8000000000000000000000001';
/** A confederation peer of member AS 65001, and paths that it would send. */
const MEMBER: CodecContext = { ...INTERNAL, peerType: 'confederation', firstAs: 65001 };
const CONFED_PATH = '40 02 06 03 01 0000fde9';
const MEMBER_BASE = `${ORIGIN} ${CONFED_PATH} ${HOP}`;
const PEER_PATH = '40 02 06 02 01 fa56ea4e';
const PEER_BASE = `${ORIGIN} ${PEER_PATH} ${HOP}`;

/** Attributes, the outcome that is expected, and where it differs the session. */
type Case = readonly [name: string, attributes: string, expected: string, context?: CodecContext];

/** One test for each case: the attributes with a route, and what becomes of them. */
function cases(list: readonly Case[]): void {
  for (const [name, attributes, expected, context] of list) {
    test(name, () => expect(outcome(update(attributes), context)).toBe(expected));
  }
}

describe('RFC 7606 §3, the attribute list', () => {
  test.each([
    ['§3 b: withdrawn routes past the end', message('0017 02 0005 0000'), 'reset 3/1'],
    ['§3 b: attributes past the end', message('0017 02 0000 0001'), 'reset 3/1'],
    ['§3 b: both fill the message exactly', update(BASE, '', NLRI), 'ok'],
    ['§3 b: no room for the length of attributes', message('0017 02 0003 000000'), 'reset 3/1'],
  ])('%s', (_name, bytes, expected) => {
    expect(outcome(bytes)).toBe(expected);
  });

  cases([
    ['§3 c: Optional set on ORIGIN', `c0 01 01 00 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§3 c: Transitive clear on ORIGIN', `00 01 01 00 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§3 c: Optional set on AS_PATH', `${ORIGIN} c0 02 06 02 01 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['§3 c: Optional set on NEXT_HOP', `${ORIGIN} ${PATH} c0 03 04 0a000001`, '3 treat-as-withdraw'],
    ['§3 c: Transitive set on MED', `${BASE} c0 04 04 00000001`, '4 treat-as-withdraw'],
    ['§3 c: Optional clear on MED', `${BASE} 40 04 04 00000001`, '4 treat-as-withdraw'],
    ['§3 c: Optional set on LOCAL_PREF', `${BASE} c0 05 04 00000001`, '5 treat-as-withdraw'],
    ['§3 c: Optional set on ATOMIC_AGGREGATE', `${BASE} c0 06 00`, '6 treat-as-withdraw'],
    ['§3 c: Optional clear on AGGREGATOR', `${BASE} 40 07 08 0000fc00 0a000001`, '7 treat-as-withdraw'],
    ['§3 c: Transitive clear on COMMUNITIES', `${BASE} 80 08 04 00000001`, '8 treat-as-withdraw'],
    ['§3 c: Transitive set on ORIGINATOR_ID', `${BASE} c0 09 04 00000001`, '9 treat-as-withdraw'],
    ['§3 c: Transitive set on CLUSTER_LIST', `${BASE} c0 0a 04 00000001`, '10 treat-as-withdraw'],
    ['§3 c: Transitive clear on OTC', `${BASE} 80 23 04 0000fc00`, '35 treat-as-withdraw'],
    [
      '§3 c: AIGP has its own rule (RFC 7311 §3.2)',
      `${BASE} c0 1a 0b 01000b 0000000000000001`,
      '26 attribute-discard',
    ],
    ['§3 c: Partial on a well-known attribute does not matter', `60 01 01 00 ${PATH} ${HOP}`, 'ok'],
    ['§3 c: nor do the low four bits (RFC 4271 §4.3)', `4f 01 01 00 ${PATH} ${HOP}`, 'ok'],
  ]);

  cases([
    ['§3 d: ORIGIN missing', `${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§3 d: AS_PATH missing', `${ORIGIN} ${HOP}`, '2 treat-as-withdraw'],
    ['§3 d: NEXT_HOP missing', `${ORIGIN} ${PATH}`, '3 treat-as-withdraw'],
    ['§3 d: all missing', '', '1 treat-as-withdraw, 2 treat-as-withdraw, 3 treat-as-withdraw'],
    ['§3 d: LOCAL_PREF from an internal peer is not demanded', BASE, 'ok'],
  ]);

  test('§3 d: NEXT_HOP is not needed beside MP_REACH_NLRI alone, ORIGIN and AS_PATH are', () => {
    const reach = `80 0e 16 0002 01 10 ${LARGE_IPV6} 00 00`;
    expect(outcome(update(`${reach} ${ORIGIN} ${PATH}`, ''))).toBe('ok');
    expect(outcome(update(`${reach} ${PATH}`, ''))).toBe('1 treat-as-withdraw');
    expect(outcome(update(`${reach} ${ORIGIN}`, ''))).toBe('2 treat-as-withdraw');
  });

  cases([
    ['§3 g: ORIGIN twice', `${BASE} 40 01 01 01`, '1 attribute-discard'],
    ['§3 g: an unknown attribute twice', `${BASE} c0 63 01 01 c0 63 01 02`, '99 attribute-discard'],
    ['§3 g: the second one is not even looked at', `${BASE} 40 01 01 09`, '1 attribute-discard'],
    ['§3 g: MP_REACH_NLRI twice', `${BASE} 80 0e 05 0063 01 00 00 80 0e 05 0063 01 00 00`, 'reset 3/1'],
    ['§3 g: MP_UNREACH_NLRI twice', `${BASE} 80 0f 03 0063 01 80 0f 03 0063 01`, 'reset 3/1'],
    [
      '§3 h: the strongest of several outcomes counts',
      `${BASE} 40 06 01 00 80 04 03 000000`,
      '6 attribute-discard, 4 treat-as-withdraw',
    ],
    ['§3 h: a session reset beats a fault before it', `${BASE} 80 04 03 000000 80 0f 02 0002`, 'reset 3/9'],
  ]);

  test('§3 g: of two, the first counts', () => {
    const { attributes } = decodeUpdate(update(`${BASE} c0 63 01 01 c0 63 01 02 40 01 01 01`), INTERNAL);
    expect(attributes.origin).toBe(0);
    expect(attributes.unknown).toEqual([{ type: 0x63, flags: 0xc0, value: Uint8Array.of(1) }]);
  });

  test('RFC 4271 §6.3: an unknown attribute that claims to be well-known', () => {
    try {
      decodeUpdate(update(`${BASE} 40 63 02 abcd`), INTERNAL);
      expect.unreachable();
    } catch (error) {
      expect((error as BgpError).notification).toMatchObject({ code: 3, subcode: 2 });
      expect(toHex((error as BgpError).notification.data)).toBe('406302abcd');
    }
  });
});

describe('RFC 7606 §4, attribute lengths', () => {
  cases([
    ['the last attribute overruns the list', `${BASE} 80 04 05 00000000`, '4 treat-as-withdraw'],
    ['its extended length overruns the list', `${BASE} 90 04 0005 00000000`, '4 treat-as-withdraw'],
    ['one octet left', `${BASE} 80`, '0 treat-as-withdraw'],
    ['two octets left', `${BASE} 80 04`, '4 treat-as-withdraw'],
    ['three octets left with an extended length', `${BASE} 90 04 00`, '4 treat-as-withdraw'],
    ['ORIGIN of 0', `40 01 00 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['NEXT_HOP of 0', `${ORIGIN} ${PATH} 40 03 00`, '3 treat-as-withdraw'],
    ['MED of 0', `${BASE} 80 04 00`, '4 treat-as-withdraw'],
    ['LOCAL_PREF of 0', `${BASE} 40 05 00`, '5 treat-as-withdraw'],
    ['AGGREGATOR of 0', `${BASE} c0 07 00`, '7 attribute-discard'],
    ['COMMUNITIES of 0', `${BASE} c0 08 00`, '8 treat-as-withdraw'],
    ['ORIGINATOR_ID of 0', `${BASE} 80 09 00`, '9 treat-as-withdraw'],
    ['CLUSTER_LIST of 0', `${BASE} 80 0a 00`, '10 treat-as-withdraw'],
    ['MP_REACH_NLRI of 0', `${BASE} 80 0e 00`, 'reset 3/9'],
    ['MP_UNREACH_NLRI of 0', `${BASE} 80 0f 00`, 'reset 3/9'],
    ['EXTENDED COMMUNITIES of 0', `${BASE} c0 10 00`, '16 treat-as-withdraw'],
    ['AS4_PATH of 0', `${BASE} c0 11 00`, '17 attribute-discard'],
    ['AS4_AGGREGATOR of 0', `${BASE} c0 12 00`, '18 attribute-discard'],
    ['PMSI_TUNNEL of 0', `${BASE} c0 16 00`, '22 treat-as-withdraw'],
    ['TUNNEL_ENCAPSULATION of 0', `${BASE} c0 17 00`, '23 treat-as-withdraw'],
    ['IPv6 EXTENDED COMMUNITIES of 0', `${BASE} c0 19 00`, '25 treat-as-withdraw'],
    ['AIGP of 0', `${BASE} 80 1a 00`, '26 attribute-discard'],
    ['BGP-LS of 0', `${BASE} 80 1d 00`, '29 attribute-discard'],
    ['LARGE_COMMUNITY of 0', `${BASE} c0 20 00`, '32 treat-as-withdraw'],
    ['OTC of 0', `${BASE} c0 23 00`, '35 treat-as-withdraw'],
    ['PREFIX_SID of 0', `${BASE} c0 28 00`, '40 attribute-discard'],
    ['ATTR_SET of 0', `${BASE} c0 80 00`, '128 treat-as-withdraw'],
    ['AS_PATH of 0 is an empty path', `${ORIGIN} 40 02 00 ${HOP}`, 'ok'],
    ['ATOMIC_AGGREGATE of 0 is as it should be', `${BASE} 40 06 00`, 'ok'],
    ['an unknown attribute of 0 is nobody’s business', `${BASE} c0 63 00`, 'ok'],
  ]);

  test('after an overrun, the routes stand where the total length says', () => {
    const decoded = decodeUpdate(update(`${BASE} 80 04 05 00000000`), INTERNAL);
    expect(withdrawnRoutes(decoded).flatMap(nlriText)).toEqual(['10.1.0.0/24']);
    expect(announcedRoutes(decoded)).toEqual([]);
  });

  test('a fault in an empty value is told of its length', () => {
    const { faults } = decodeUpdate(update(`40 01 00 ${PATH} ${HOP}`), INTERNAL);
    expect(faults[0]).toMatchObject({ offset: 25, reason: 'ORIGIN, offset 25: length 0 must be 1' });
  });
});

describe('RFC 7606 §5, NLRI', () => {
  test.each([
    ['§5.2: faulty attributes without routes', update('40 01 01 03', ''), 'reset 3/1'],
    ['§5.2: faulty attributes with withdrawals only', update('40 01 01 03', '', NLRI), 'reset 3/1'],
    [
      '§5.2: faulty attributes with MP_UNREACH_NLRI only',
      update('80 0f 05 0002 01 08 20 40 01 01 03', ''),
      'reset 3/1',
    ],
    [
      '§5.2: faulty attributes and MP_REACH_NLRI without a route',
      update(`80 0e 15 0002 01 10 ${LARGE_IPV6} 00 40 01 01 03 ${PATH}`, ''),
      'reset 3/1',
    ],
    ['§5.2: discarded attributes without routes', update('40 06 01 00', ''), '6 attribute-discard'],
    ['§5.2: sound attributes without routes', update(BASE, ''), 'ok'],
    ['§5.2: incomplete attributes without routes', update(ORIGIN, ''), 'ok'],
    ['§5.3: prefix length 33', update(BASE, '21 0a01000000'), 'reset 3/10'],
    ['§5.3: prefix cut off', update(BASE, '18 0a01'), 'reset 3/10'],
    ['§5.3: second prefix cut off', update(BASE, `${NLRI} 18 0a01`), 'reset 3/10'],
    ['§5.3: withdrawn prefix length 33', update('', '', '21 0a01000000'), 'reset 3/10'],
    ['§5.3: withdrawn prefix cut off', update('', '', '18 0a01'), 'reset 3/10'],
    ['RFC 4271 §4.3: the default route', update(BASE, '00'), 'ok'],
  ])('%s', (_name, bytes, expected) => {
    expect(outcome(bytes)).toBe(expected);
  });

  cases([
    ['§5.3: MP_REACH_NLRI of 4', `${BASE} 80 0e 04 00020110`, 'reset 3/9'],
    ['§5.3: MP_REACH_NLRI with next hop overrun', `${BASE} 80 0e 05 0002 01 10 00`, 'reset 3/9'],
    [
      '§5.3: MP_REACH_NLRI with IPv6 length 129',
      `${BASE} 80 0e 16 0002 01 10 ${LARGE_IPV6} 00 81`,
      'reset 3/9',
    ],
    [
      '§5.3: MP_REACH_NLRI with a prefix cut off',
      `${BASE} 80 0e 16 0002 01 10 ${LARGE_IPV6} 00 40`,
      'reset 3/9',
    ],
    ['§5.3: MP_REACH_NLRI with wrong flags', `${BASE} c0 0e 05 0063 01 00 00`, 'reset 3/9'],
    ['§5.3: MP_REACH_NLRI beyond the attributes', `${BASE} 80 0e 30 0002 01 10`, 'reset 3/9'],
    ['§5.3: MP_UNREACH_NLRI of 2', `${BASE} 80 0f 02 0002`, 'reset 3/9'],
    ['§5.3: MP_UNREACH_NLRI with length 129', `${BASE} 80 0f 04 0002 01 81`, 'reset 3/9'],
    ['§5.3: MP_UNREACH_NLRI with a prefix cut off', `${BASE} 80 0f 05 0002 01 40 20`, 'reset 3/9'],
    ['§5.3: MP_UNREACH_NLRI with wrong flags', `${BASE} 40 0f 03 0063 01`, 'reset 3/9'],
    ['§5.3: MP_UNREACH_NLRI beyond the attributes', `${BASE} 80 0f 30 0002 01`, 'reset 3/9'],
    [
      '§5.3: the reserved octet is ignored (RFC 4760 §3)',
      `${BASE} 80 0e 16 0002 01 10 ${LARGE_IPV6} ff 00`,
      'ok',
    ],
    ['RFC 4760 §7: a family nobody agreed on is ignored', `${BASE} 80 0f 05 0063 01 ffff`, 'ok'],
    ['RFC 4760 §7: so is a known one', `${BASE} 80 0f 05 0019 46 0103`, 'ok'],
    ['RFC 4760 §7: whatever its next hop', `${BASE} 80 0e 07 0063 01 01 ff 00 ff`, 'ok'],
  ]);

  test.each(['ipv4-unicast', 'ipv6-unicast'] as const)(
    '§5.3: %s with a path identifier cut off',
    (family) => {
      const context: CodecContext = { ...INTERNAL, addPath: [family] };
      const reach = `80 0e 18 0002 01 10 ${LARGE_IPV6} 00 000001`;
      if (family === 'ipv4-unicast') expect(outcome(update(BASE, '000001'), context)).toBe('reset 3/10');
      else expect(outcome(update(`${BASE} ${reach}`, ''), context)).toBe('reset 3/9');
    },
  );

  test('§5.4: an EVPN route of unknown type is dropped, and nothing else', () => {
    const context: CodecContext = { ...INTERNAL, families: ['l2vpn-evpn'] };
    const multicast = '03 11 0001c00002010002 00000000 20 c0000201';
    const nlri = `63 02 abcd ${multicast} 64 00`;
    const reach = attribute('80', '0e', `0019 46 04 c0000201 00 ${nlri}`);
    const decoded = decodeUpdate(update(`${reach} ${ORIGIN} ${PATH}`, ''), context);
    expect(decoded.faults).toEqual([]);
    expect(decoded.faultyRoutes.map(({ outcome: o, rfc, offset }) => [o, rfc, offset])).toEqual([
      ['drop', 'RFC 7606 §5.4', 35],
      ['drop', 'RFC 7606 §5.4', 58],
    ]);
    const routes = announcedRoutes(decoded);
    expect(routes.map(({ bytes }) => toHex(bytes))).toEqual([multicast.replaceAll(' ', '')]);
    expect(withdrawnRoutes(decoded)).toEqual([]);
  });

  test.each([
    ['RFC 9136 §3.1: an EVPN type 5 route of a wrong length is withdrawn alone', '05 21', '0000'],
    ['RFC 9136 §3.2: so is one with neither a label nor anything else to resolve it by', '05 22', '000000'],
  ])('%s', (_name, header, label) => {
    const context: CodecContext = { ...INTERNAL, families: ['l2vpn-evpn'] };
    const multicast = '03 11 0001c00002010002 00000000 20 c0000201';
    const prefix = `${header} 0001c00002010002 00000000000000000000 00000000 18 0a010000 00000000 ${label}`;
    const reach = attribute('80', '0e', `0019 46 04 c0000201 00 ${prefix} ${multicast}`);
    const decoded = decodeUpdate(update(`${reach} ${ORIGIN} ${PATH}`, ''), context);
    expect(decoded.treatAsWithdraw).toBe(false);
    expect(decoded.faultyRoutes.map(({ outcome: o }) => o)).toEqual(['treat-as-withdraw']);
    expect(announcedRoutes(decoded).map(({ bytes }) => bytes.length)).toEqual([19]);
    expect(withdrawnRoutes(decoded).map(({ bytes }) => toHex(bytes))).toEqual([prefix.replaceAll(' ', '')]);
  });

  test('RFC 9135 §4.1: the Router’s MAC makes up for a label of 0', () => {
    const context: CodecContext = { ...INTERNAL, families: ['l2vpn-evpn'] };
    const prefix = '05 22 0001c00002010002 00000000000000000000 00000000 18 0a010000 00000000 000000';
    const reach = attribute('80', '0e', `0019 46 04 c0000201 00 ${prefix}`);
    const mac = 'c0 10 08 0603 aabbcc000001';
    const decoded = decodeUpdate(update(`${reach} ${ORIGIN} ${PATH} ${mac}`, ''), context);
    expect(decoded.faultyRoutes).toEqual([]);
    expect(announcedRoutes(decoded)).toHaveLength(1);
  });

  test('RFC 4271 §6.3: a multicast prefix among unicast routes is ignored', () => {
    const decoded = decodeUpdate(update(BASE, `${NLRI} 18 e00100 08 0b 04 e0 03 e0`), INTERNAL);
    expect(decoded.faults).toEqual([]);
    expect(announcedRoutes(decoded).flatMap(nlriText)).toEqual(['10.1.0.0/24', '11.0.0.0/8', '224.0.0.0/3']);
    expect(decoded.faultyRoutes.map(({ reason }) => reason)).toEqual([
      'multicast prefix among unicast routes',
      'multicast prefix among unicast routes',
    ]);
  });
});

describe('RFC 7606 §7, each attribute', () => {
  cases([
    ['§7.1: ORIGIN 3', `40 01 01 03 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§7.1: ORIGIN 255', `40 01 01 ff ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§7.1: ORIGIN of 2', `40 01 02 0000 ${PATH} ${HOP}`, '1 treat-as-withdraw'],
    ['§7.2: segment type 0', `${ORIGIN} 40 02 06 00 01 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['§7.2: segment type 5', `${ORIGIN} 40 02 06 05 01 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['§7.2: segment overrun', `${ORIGIN} 40 02 06 02 02 0000fc01 ${HOP}`, '2 treat-as-withdraw'],
    ['§7.2: single trailing octet', `${ORIGIN} 40 02 07 02 01 0000fc01 02 ${HOP}`, '2 treat-as-withdraw'],
    ['§7.2: empty segment', `${ORIGIN} 40 02 02 02 00 ${HOP}`, '2 treat-as-withdraw'],
    [
      '§7.2: empty segment behind a good one',
      `${ORIGIN} 40 02 08 02 01 0000fc01 01 00 ${HOP}`,
      '2 treat-as-withdraw',
    ],
    ['§7.2: leftmost AS is not the peer’s', BASE, '2 treat-as-withdraw', EXTERNAL],
    ['§7.2: no leftmost AS', `${ORIGIN} 40 02 00 ${HOP}`, '2 treat-as-withdraw', EXTERNAL],
    ['§7.2: leftmost is a set', `${ORIGIN} 40 02 06 01 01 fa56ea4e ${HOP}`, '2 treat-as-withdraw', EXTERNAL],
    ['§7.2: leftmost AS is the peer’s', PEER_BASE, 'ok', EXTERNAL],
    [
      '§7.2: AS_TRANS stands for a wide one from an old peer',
      `${ORIGIN} 40 02 04 02 01 5ba0 ${HOP}`,
      'ok',
      { ...EXTERNAL, fourOctetAs: false },
    ],
    [
      '§7.2: AS_TRANS does not stand for a narrow one',
      `${ORIGIN} 40 02 04 02 01 5ba0 ${HOP}`,
      '2 treat-as-withdraw',
      { ...EXTERNAL, fourOctetAs: false, firstAs: 65001 },
    ],
    [
      '§7.2: AS4_PATH puts another AS first than AS_PATH (RFC 6793 §4.2.3)',
      `${ORIGIN} 40 02 06 02 02 fde9 5ba0 ${HOP} c0 11 0a 02 02 0000fdea fa56ea4e`,
      '2 treat-as-withdraw',
      { ...EXTERNAL, fourOctetAs: false, firstAs: 65001 },
    ],
    ['RFC 7607 §2: AS 0 in AS_PATH', `${ORIGIN} 40 02 06 02 01 00000000 ${HOP}`, '2 treat-as-withdraw'],
    [
      'RFC 5065 §5: AS_CONFED_SEQUENCE from outside',
      `${ORIGIN} 40 02 0c 02 01 fa56ea4e 03 01 0000fde9 ${HOP}`,
      '2 treat-as-withdraw',
      EXTERNAL,
    ],
    [
      'RFC 5065 §5: AS_CONFED_SET from outside',
      `${ORIGIN} 40 02 0c 02 01 fa56ea4e 04 01 0000fde9 ${HOP}`,
      '2 treat-as-withdraw',
      EXTERNAL,
    ],
    ['RFC 5065 §5: another member AS without AS_CONFED_SEQUENCE', BASE, '2 treat-as-withdraw', MEMBER],
    ['RFC 5065 §5: another member AS', MEMBER_BASE, 'ok', MEMBER],
    [
      'RFC 5065 §5: another member AS than the peer’s first',
      MEMBER_BASE,
      '2 treat-as-withdraw',
      { ...MEMBER, firstAs: 65002 },
    ],
    ['RFC 5065 §5: from our own member AS', MEMBER_BASE, 'ok'],
    ['§7.3: NEXT_HOP of 5', `${ORIGIN} ${PATH} 40 03 05 0a00000100`, '3 treat-as-withdraw'],
    ['§7.3, §3 e: NEXT_HOP 0.0.0.0', `${ORIGIN} ${PATH} 40 03 04 00000000`, '3 treat-as-withdraw'],
    ['§7.3, §3 e: NEXT_HOP 0.0.0.1', `${ORIGIN} ${PATH} 40 03 04 00000001`, '3 treat-as-withdraw'],
    ['§7.3, §3 e: NEXT_HOP 224.0.0.1', `${ORIGIN} ${PATH} 40 03 04 e0000001`, '3 treat-as-withdraw'],
    ['§7.3, §3 e: NEXT_HOP 255.255.255.255', `${ORIGIN} ${PATH} 40 03 04 ffffffff`, '3 treat-as-withdraw'],
    ['§7.3: NEXT_HOP 127.0.0.1 is what labs use', `${ORIGIN} ${PATH} 40 03 04 7f000001`, 'ok'],
    ['§7.4: MED of 3', `${BASE} 80 04 03 000000`, '4 treat-as-withdraw'],
    ['§7.4: MED of 5', `${BASE} 80 04 05 0000000000`, '4 treat-as-withdraw'],
    [
      '§7.5: LOCAL_PREF from an external peer',
      `${PEER_BASE} 40 05 04 00000064`,
      '5 attribute-discard',
      EXTERNAL,
    ],
    [
      '§7.5: LOCAL_PREF of 3 from an external peer',
      `${PEER_BASE} 40 05 03 000064`,
      '5 attribute-discard',
      EXTERNAL,
    ],
    ['§7.5: LOCAL_PREF of 3', `${BASE} 40 05 03 000000`, '5 treat-as-withdraw'],
    ['RFC 5065 §5.3: LOCAL_PREF from another member AS', `${MEMBER_BASE} 40 05 04 00000064`, 'ok', MEMBER],
    ['§7.6: ATOMIC_AGGREGATE of 1', `${BASE} 40 06 01 00`, '6 attribute-discard'],
    ['§7.7: AGGREGATOR of 6 between new speakers', `${BASE} c0 07 06 fc000a000001`, '7 attribute-discard'],
    [
      '§7.7: AGGREGATOR of 8 from an old speaker',
      `${ORIGIN} 40 02 04 02 01 fc01 ${HOP} c0 07 08 0000fc000a000001`,
      '7 attribute-discard',
      OLD,
    ],
    [
      '§7.7: AGGREGATOR of 6 from an old speaker',
      `${ORIGIN} 40 02 04 02 01 fc01 ${HOP} c0 07 06 fc000a000001`,
      'ok',
      OLD,
    ],
    ['RFC 7607 §2: AGGREGATOR AS 0', `${BASE} c0 07 08 00000000 0a000001`, '7 attribute-discard'],
    ['§7.8: COMMUNITIES of 5', `${BASE} c0 08 05 0000000000`, '8 treat-as-withdraw'],
    ['§7.9: ORIGINATOR_ID of 5', `${BASE} 80 09 05 0000000000`, '9 treat-as-withdraw'],
    [
      '§7.9: ORIGINATOR_ID from an external peer',
      `${PEER_BASE} 80 09 04 00000064`,
      '9 attribute-discard',
      EXTERNAL,
    ],
    [
      '§7.9: ORIGINATOR_ID from another member AS',
      `${MEMBER_BASE} 80 09 04 00000064`,
      '9 attribute-discard',
      MEMBER,
    ],
    ['§7.10: CLUSTER_LIST of 6', `${BASE} 80 0a 06 000000000000`, '10 treat-as-withdraw'],
    [
      '§7.10: CLUSTER_LIST of 3 from an external peer',
      `${PEER_BASE} 80 0a 03 000000`,
      '10 attribute-discard',
      EXTERNAL,
    ],
    ['§7.14: EXTENDED COMMUNITIES of 9', `${BASE} c0 10 09 000000000000000000`, '16 treat-as-withdraw'],
    ['§7.14: an unknown type is no error', `${BASE} c0 10 08 9999000000000000`, 'ok'],
    ['§7.15: IPv6 EXTENDED COMMUNITIES of 8', `${BASE} c0 19 08 0002000000000000`, '25 treat-as-withdraw'],
    ['§7.15: an unknown type is no error', `${BASE} c0 19 14 9999 ${LARGE_IPV6} 0000`, 'ok'],
    ['§7.16: ATTR_SET of 3', `${BASE} c0 80 03 000001`, '128 treat-as-withdraw'],
    [
      '§7.16: ATTR_SET whose attribute overruns it',
      `${BASE} c0 80 07 0000fc00 40 01 02`,
      '128 treat-as-withdraw',
    ],
    [
      '§7.16: ATTR_SET whose attribute header is cut off',
      `${BASE} c0 80 06 0000fc00 40 01`,
      '128 treat-as-withdraw',
    ],
    ['RFC 8092 §6: LARGE_COMMUNITY of 8', `${BASE} c0 20 08 0000000000000000`, '32 treat-as-withdraw'],
    ['RFC 9234 §5: OTC of 3', `${BASE} c0 23 03 00fc00`, '35 treat-as-withdraw'],
    ['RFC 9234 §5: OTC of 8', `${BASE} c0 23 08 0000fc000000fc00`, '35 treat-as-withdraw'],
    ['RFC 6514 §5: PMSI_TUNNEL of 4', `${BASE} c0 16 04 00060000`, '22 treat-as-withdraw'],
    [
      'RFC 6514 §5: PMSI_TUNNEL with half an address',
      `${BASE} c0 16 07 00 06 000064 c000`,
      '22 treat-as-withdraw',
    ],
    [
      'RFC 9012 §13: TUNNEL_ENCAPSULATION with a tunnel cut off',
      `${BASE} c0 17 05 0008 0002 00`,
      '23 treat-as-withdraw',
    ],
    ['RFC 9012 §13: a sub-TLV cut off is the tunnel’s affair', `${BASE} c0 17 06 0008 0002 0109`, 'ok'],
    ['RFC 7311 §3.2: AIGP TLV of 10', `${BASE} 80 1a 0a 01000a 00000000000001`, '26 attribute-discard'],
    ['RFC 7311 §3.2: AIGP TLV of 2', `${BASE} 80 1a 03 010002`, '26 attribute-discard'],
    ['RFC 7311 §3: AIGP with another TLV only', `${BASE} 80 1a 04 02 0004 ff`, 'ok'],
    ['RFC 9552 §8.2.2: BGP-LS with a TLV cut off', `${BASE} 80 1d 05 0402 0003 61`, '29 attribute-discard'],
    ['RFC 8669 §6: PREFIX_SID with a TLV cut off', `${BASE} c0 28 04 01 0007 00`, '40 attribute-discard'],
  ]);

  test('§7.5, §7.9, §7.10: what is discarded is not in the result', () => {
    const all = '40 05 04 00000064 80 09 04 00000001 80 0a 04 00000002';
    const { attributes } = decodeUpdate(update(`${PEER_BASE} ${all}`), EXTERNAL);
    expect(Object.keys(attributes)).toEqual(['origin', 'asPath', 'nextHop']);
  });

  test('RFC 7311 §3.3: AIGP from another AS is ignored without a word', () => {
    const decoded = decodeUpdate(update(`${PEER_BASE} 80 1a 0b 01000b 0000000000000001`), EXTERNAL);
    expect(decoded.faults).toEqual([]);
    expect(decoded.attributes.aigp).toBeUndefined();
  });

  test('RFC 4760 §3: what NEXT_HOP says does not matter beside MP_REACH_NLRI alone, its length does', () => {
    const reach = `80 0e 16 0002 01 10 ${LARGE_IPV6} 00 00 ${ORIGIN} ${PATH}`;
    expect(outcome(update(`${reach} 40 03 04 00000000`, ''))).toBe('ok');
    expect(outcome(update(`${reach} 40 03 04 00000000`))).toBe('3 treat-as-withdraw');
    expect(outcome(update(`${reach} 40 03 03 000000`, ''))).toBe('3 treat-as-withdraw');
  });
});

describe('RFC 7606 §7.11, next hops of MP_REACH_NLRI', () => {
  const reach = (family: string, length: number, nlri: string): string => {
    const size = (5 + length + nlri.replaceAll(' ', '').length / 2).toString(16).padStart(2, '0');
    return `80 0e ${size} ${family} ${length.toString(16).padStart(2, '0')} ${'0a'.repeat(length)} 00 ${nlri}`;
  };
  const all: CodecContext['families'] = [
    'ipv4-unicast',
    'ipv6-unicast',
    'ipv4-multicast',
    'ipv6-multicast',
    'ipv4-labeled',
    'ipv6-labeled',
    'ipv4-vpn',
    'ipv6-vpn',
    'l2vpn-vpls',
    'l2vpn-evpn',
    'rt-constraint',
    'ipv4-flowspec',
  ];
  const lengths = (family: string, context: CodecContext): number[] =>
    [0, 4, 8, 12, 16, 20, 24, 32, 48].filter(
      (length) => outcome(update(`${reach(family, length, '')} ${ORIGIN} ${PATH}`, ''), context) === 'ok',
    );

  test.each([
    ['IPv4 unicast', '0001 01', [4]],
    ['IPv4 multicast', '0001 02', [4]],
    ['IPv4 labeled', '0001 04', [4]],
    ['IPv4 VPN', '0001 80', [12]],
    ['IPv6 unicast', '0002 01', [16, 32]],
    ['IPv6 multicast', '0002 02', [16, 32]],
    ['IPv6 labeled', '0002 04', [16, 32]],
    ['IPv6 VPN', '0002 80', [24, 48]],
    ['VPLS', '0019 41', [4, 16]],
    ['EVPN', '0019 46', [4, 16]],
    ['RT constraint', '0001 84', [4, 16]],
    ['flow specification, whose next hop is ignored', '0001 85', [0, 4, 8, 12, 16, 20, 24, 32, 48]],
  ])('%s', (_name, family, expected) => {
    expect(lengths(family, { ...INTERNAL, families: all })).toEqual(expected);
  });

  test('RFC 8950 §3: IPv6 next hops for IPv4 routes, where that was negotiated', () => {
    const context: CodecContext = {
      ...INTERNAL,
      families: all,
      extendedNextHop: ['ipv4-unicast', 'ipv4-vpn'],
    };
    expect(lengths('0001 01', context)).toEqual([4, 16, 32]);
    expect(lengths('0001 80', context)).toEqual([12, 24, 48]);
    expect(lengths('0001 04', context)).toEqual([4]);
    expect(lengths('0002 01', context)).toEqual([16, 32]);
  });

  test('the reset carries the attribute and where it stands', () => {
    try {
      decodeUpdate(update(`${reach('0002 01', 8, '')} ${ORIGIN} ${PATH}`, ''), INTERNAL);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BgpError);
      expect((error as BgpError).offset).toBe(29);
      expect(toHex((error as BgpError).notification.data)).toBe(`800e0d00020108${'0a'.repeat(8)}00`);
    }
  });
});

describe('RFC 6793 §4, §6: AS4_PATH and AS4_AGGREGATOR', () => {
  const old = (attributes: string): Uint8Array =>
    update(`${ORIGIN} 40 02 04 02 01 5ba0 ${HOP} ${attributes}`);

  test.each([
    ['§6: AS4_PATH of 5', 'c0 11 05 02 01 000100', '17 attribute-discard'],
    ['§6: AS4_PATH with a bad segment type', 'c0 11 06 05 01 00010001', '17 attribute-discard'],
    ['§6: AS4_PATH with an empty segment', 'c0 11 02 02 00', '17 attribute-discard'],
    ['§6: AS4_PATH with an overrun', 'c0 11 06 02 02 00010001', '17 attribute-discard'],
    ['RFC 7607 §2: AS 0 in AS4_PATH', 'c0 11 06 02 01 00000000', '17 attribute-discard'],
    ['§6: confederation segments in AS4_PATH are dropped', 'c0 11 0c 03 01 0000fde9 02 01 00010001', 'ok'],
    ['§6: AS4_AGGREGATOR of 6', 'c0 12 06 fc00 0a000001', '18 attribute-discard'],
    ['RFC 7607 §2: AS 0 in AS4_AGGREGATOR', 'c0 12 08 00000000 0a000001', '18 attribute-discard'],
  ])('%s', (_name, attributes, expected) => {
    expect(outcome(old(attributes), OLD)).toBe(expected);
  });

  test('§4.1: a new speaker that sends them has them discarded, and nothing else happens', () => {
    const both = 'c0 11 06 02 01 00010001 c0 12 08 00010001 0a000001';
    const decoded = decodeUpdate(update(`${BASE} c0 07 08 0000fc00 0a000002 ${both}`), INTERNAL);
    expect(decoded.faults).toEqual([]);
    expect(decoded.attributes).toMatchObject({
      asPath: [{ kind: 'sequence', asns: [64513] }],
      aggregator: { asn: 64512, id: 0x0a000002 },
    });
    expect(decoded.attributes).not.toHaveProperty('as4Path');
    expect(decoded.attributes).not.toHaveProperty('as4Aggregator');
  });
});

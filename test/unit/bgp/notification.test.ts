import { describe, expect, test } from 'vitest';
import { BASE_CONTEXT } from '../../../protocol/bgp/context.ts';
import { dissectNotification } from '../../../protocol/bgp/dissect/notification.ts';
import { dissectRouteRefresh } from '../../../protocol/bgp/dissect/route-refresh.ts';
import { decodeMessage } from '../../../protocol/bgp/message/message.ts';
import { describeNotification, encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { NOTIFICATION_CODES } from '../../../protocol/bgp/message/notification-codes.ts';
import {
  decodePrefixLimit,
  decodeShutdownCommunication,
  encodePrefixLimit,
  encodeShutdownCommunication,
  hardReset,
  unwrapHardReset,
} from '../../../protocol/bgp/message/notification-data.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { message } from './golden.ts';

const NONE = new Uint8Array(0);

describe('the table of codes', () => {
  test('has every subcode of RFC 4271, 4486, 5492, 6608, 7313, 8538, 9234, 9384 and 9687', () => {
    const known = Object.entries(NOTIFICATION_CODES).map(([code, { subcodes }]) =>
      `${code}: ${Object.keys(subcodes).join(' ')}`.trim(),
    );
    expect(known).toEqual([
      '1: 1 2 3',
      '2: 1 2 3 4 5 6 7 11',
      '3: 1 2 3 4 5 6 7 8 9 10 11',
      '4:',
      '5: 1 2 3',
      '6: 1 2 3 4 5 6 7 8 9 10',
      '7: 1',
      '8:',
      '9:',
    ]);
  });

  test.each([
    [1, 2, '0012', '1/2 Message Header Error: Bad Message Length, length 18'],
    [1, 3, '09', '1/3 Message Header Error: Bad Message Type, type 9'],
    [2, 0, '', '2/0 OPEN Message Error'],
    [2, 1, '0004', '2/1 OPEN Message Error: Unsupported Version Number, version 4'],
    [
      2,
      7,
      '010400010001 4600',
      '2/7 OPEN Message Error: Unsupported Capability, Multiprotocol Extensions, Enhanced Route Refresh',
    ],
    [2, 7, '0104', '2/7 OPEN Message Error: Unsupported Capability, 0x0104'],
    [2, 11, '', '2/11 OPEN Message Error: Role Mismatch'],
    [3, 3, '01', '3/3 UPDATE Message Error: Missing Well-known Attribute, attribute 1'],
    [3, 9, '800e00', '3/9 UPDATE Message Error: Optional Attribute Error, attribute 14, 0x800e00'],
    [5, 3, '01', '5/3 Finite State Machine Error: Unexpected Message in Established, type 1'],
    [6, 1, '0001 01 00000064', '6/1 Cease: Maximum Number of Prefixes Reached, ipv4-unicast limit 100'],
    [6, 2, '04 62796521', '6/2 Cease: Administrative Shutdown, "bye!"'],
    [6, 9, '06 02 04 62796521', '6/9 Cease: Hard Reset (6/2 Cease: Administrative Shutdown), "bye!"'],
    [6, 9, '06 09 06 02', '6/9 Cease: Hard Reset (6/9 Cease: Hard Reset), 0x0602'],
    [6, 10, '', '6/10 Cease: BFD Down'],
    [8, 0, '', '8/0 Send Hold Timer Expired'],
    [42, 7, '', '42/7 Unknown Error'],
  ])('%i/%i %s in words', (code, subcode, hex, text) => {
    expect(describeNotification({ code, subcode, data: fromHex(hex) })).toBe(text);
  });

  test('long data are cut in the line', () => {
    const text = describeNotification({ code: 7, subcode: 1, data: new Uint8Array(1000) });
    expect(text).toBe(
      `7/1 ROUTE-REFRESH Message Error: Invalid Message Length, 0x${'00'.repeat(32)}… (1000 octets)`,
    );
  });
});

describe('shutdown communication (RFC 9003)', () => {
  test.each(['maintenance, back at 12:00', 'Wartung läuft', '保守作業中', ''])('%j comes through', (text) => {
    const data = encodeShutdownCommunication(text);
    expect(decodeShutdownCommunication(data)).toEqual(text === '' ? undefined : { text });
    expect(data[0]).toBe(data.length - 1);
  });

  test('is cut at 255 octets, or what the peer takes, between characters', () => {
    const long = encodeShutdownCommunication('ä'.repeat(200));
    expect(long.length).toBe(1 + 254);
    expect(decodeShutdownCommunication(long)).toEqual({ text: 'ä'.repeat(127) });
    expect(encodeShutdownCommunication('ä'.repeat(200), 128).length).toBe(1 + 128);
    expect(encodeShutdownCommunication('𝄞'.repeat(64), 7)).toEqual(Uint8Array.of(4, 0xf0, 0x9d, 0x84, 0x9e));
  });

  test.each([
    ['control characters', '08 1b5b324a 0d0a 0061', '\\u{1b}[2J\\u{d}\\u{a}\\u{0}a', undefined],
    ['a change of direction', '04 e280ae61', '\\u{202e}a', undefined],
    ['what is no UTF-8', '04 61ff5c62', 'a\\xff\\x5cb', 'text is not UTF-8'],
    ['a character that is cut', '02 61c3', 'a\\xc3', 'text is not UTF-8'],
    ['a length past the end', '09 616263', 'abc', 'length 9 does not fit 3 octets'],
    ['octets behind the text', '01 616263', 'a', 'length 1 does not fit 3 octets'],
  ])('%s cannot forge a log line', (_name, hex, text, fault) => {
    expect(decodeShutdownCommunication(fromHex(hex))).toEqual(
      fault === undefined ? { text } : { text, fault },
    );
  });
});

describe('data of Cease', () => {
  test('a prefix limit has a family and a number, or is left out (RFC 4486 §4)', () => {
    const limit = { afi: 25, safi: 70, limit: 4_000_000_000 };
    expect(toHex(encodePrefixLimit(limit))).toBe('001946ee6b2800');
    expect(decodePrefixLimit(encodePrefixLimit(limit))).toEqual(limit);
    expect(decodePrefixLimit(NONE)).toBeUndefined();
    expect(decodePrefixLimit(new Uint8Array(8))).toBeUndefined();
  });

  test('a hard reset wraps another NOTIFICATION (RFC 8538 §3.1)', () => {
    const inner = { code: 6, subcode: 2, data: encodeShutdownCommunication('bye') };
    const wrapped = hardReset(inner);
    expect(wrapped).toMatchObject({ code: 6, subcode: 9 });
    expect(toHex(wrapped.data)).toBe('060203627965');
    expect(unwrapHardReset(wrapped)).toEqual(inner);
    expect(unwrapHardReset(inner)).toBe(inner);
    const bare = { code: 6, subcode: 9, data: Uint8Array.of(6) };
    expect(unwrapHardReset(bare)).toBe(bare);
  });
});

describe('a NOTIFICATION as a message', () => {
  test('of any code and data is read without complaint, since none answers it (RFC 4271 §6.4)', () => {
    for (let code = 0; code < 256; code += 5) {
      for (const subcode of [0, 1, 9, 200]) {
        const bytes = encodeNotification({ code, subcode, data: Uint8Array.of(1, 2, 3) });
        expect(decodeMessage(bytes, BASE_CONTEXT)).toMatchObject({ kind: 'notification', code, subcode });
      }
    }
  });

  test('shows its parts', () => {
    expect(dissectNotification(message('001d 03 06 09 | 06 02 04 62796521'))).toMatchObject([
      { name: 'error code', offset: 19, value: 6, text: 'Cease' },
      { name: 'error subcode', offset: 20, value: 9, text: 'Hard Reset' },
      {
        name: 'data',
        offset: 21,
        length: 7,
        children: [
          { name: 'error code', offset: 21, value: 6 },
          { name: 'error subcode', offset: 22, text: 'Administrative Shutdown' },
          {
            name: 'shutdown communication',
            offset: 23,
            length: 5,
            children: [{ value: 4 }, { value: 'bye!' }],
          },
        ],
      },
    ]);
    expect(dissectNotification(message('001c 03 06 01 | 0001 01 00000064'))[2]).toMatchObject({
      text: 'ipv4-unicast limit 100',
      children: [{ value: 1 }, { value: 1, text: 'ipv4-unicast' }, { offset: 24, length: 4, value: 100 }],
    });
    expect(dissectNotification(message('001d 03 02 07 | 010400010001 4600'))[2]).toMatchObject({
      children: [{ text: 'Multiprotocol Extensions: ipv4-unicast' }, { text: 'Enhanced Route Refresh' }],
    });
    expect(dissectNotification(message('0014 03 06'))).toMatchObject([{ name: 'undecoded', value: '06' }]);
  });
});

describe('a ROUTE-REFRESH dissected', () => {
  test('names its family and subtype', () => {
    expect(dissectRouteRefresh(message('0017 05 0019 02 46'))).toMatchObject([
      { name: 'AFI', value: 25 },
      { name: 'subtype', value: 2, text: 'EoRR' },
      { name: 'SAFI', value: 70, text: 'l2vpn-evpn' },
    ]);
  });

  test('takes filters after a request, and only there', () => {
    expect(dissectRouteRefresh(message('0019 05 0001 00 01 | 0140'))[3]).toEqual({
      name: 'outbound route filters',
      offset: 23,
      length: 2,
      value: '0140',
    });
    expect(dissectRouteRefresh(message('0019 05 0001 01 01 | 0140'))[3]).toMatchObject({
      error: { outcome: 'session-reset', notification: { code: 7, subcode: 1 }, rfc: 'RFC 7313 §5' },
    });
    expect(dissectRouteRefresh(message('0015 05 0001'))).toMatchObject([
      { value: '0001', error: { notification: { code: 1, subcode: 2, data: Uint8Array.of(0, 21) } } },
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { BASE_CONTEXT, type CodecContext } from '../../../protocol/bgp/context.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { encodeKeepalive } from '../../../protocol/bgp/message/keepalive.ts';
import { decodeMessage } from '../../../protocol/bgp/message/message.ts';
import { describeNotification, encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { decodeOpen, encodeOpen, type OpenMessage } from '../../../protocol/bgp/message/open.ts';
import { encodeRouteRefresh, refreshLengthFault } from '../../../protocol/bgp/message/route-refresh.ts';
import { MessageStream } from '../../../protocol/bgp/message/stream.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, BIRD_UPDATE, END_OF_RIB, FRR_OPEN, KEEPALIVE, message } from './golden.ts';

/** The error that decoding raises, as code/subcode, data and offset. */
function errorOf(bytes: Uint8Array, context: CodecContext = BASE_CONTEXT): [string, string, number] {
  try {
    decodeMessage(bytes, context);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    const { code, subcode, data } = error.notification;
    return [`${code}/${subcode}`, toHex(data), error.offset];
  }
  throw new Error('no error');
}

describe('OPEN', () => {
  const bird: OpenMessage = {
    kind: 'open',
    version: 4,
    myAs: 64512,
    holdTime: 240,
    bgpId: 0x7f4c0002,
    capabilities: [
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'route-refresh' },
      {
        kind: 'graceful-restart',
        restarting: false,
        notification: false,
        restartTime: 120,
        families: [{ afi: 1, safi: 1, forwarding: false }],
      },
      { kind: 'four-octet-as', asn: 64512 },
      { kind: 'add-path', families: [{ afi: 1, safi: 1, sendReceive: 3 }] },
      { kind: 'enhanced-route-refresh' },
      { kind: 'long-lived-graceful-restart', families: [] },
    ],
  };

  test('of a Calico node is read and written as BIRD does', () => {
    expect(decodeMessage(BIRD_OPEN, BASE_CONTEXT)).toEqual(bird);
    expect(toHex(encodeOpen(bird))).toBe(toHex(BIRD_OPEN));
  });

  test('of a restarting Calico node has the restart and forwarding bits', () => {
    const restarting = toHex(BIRD_OPEN).replace('4006007800010100', '4006807800010180');
    const open = decodeOpen(fromHex(restarting));
    expect(open.capabilities[2]).toMatchObject({ restarting: true, families: [{ forwarding: true }] });
    expect(toHex(encodeOpen(open))).toBe(restarting);
  });

  test('with a parameter for each capability, as FRR sends it', () => {
    const open = decodeOpen(FRR_OPEN);
    expect(open).toMatchObject({ myAs: 23456, holdTime: 180, bgpId: 0x7f4e0002 });
    expect(open.capabilities).toEqual([
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'multiprotocol', afi: 2, safi: 1 },
      { kind: 'route-refresh-cisco' },
      { kind: 'route-refresh' },
      { kind: 'enhanced-route-refresh' },
      { kind: 'four-octet-as', asn: 4200000078 },
      { kind: 'extended-message' },
      {
        kind: 'add-path',
        families: [
          { afi: 1, safi: 1, sendReceive: 1 },
          { afi: 2, safi: 1, sendReceive: 1 },
        ],
      },
      { kind: 'fqdn', hostName: 'vm', domainName: '' },
      { kind: 'graceful-restart', restarting: true, notification: true, restartTime: 120, families: [] },
      {
        kind: 'long-lived-graceful-restart',
        families: [
          { afi: 1, safi: 1, forwarding: true, staleTime: 0 },
          { afi: 2, safi: 1, forwarding: true, staleTime: 0 },
        ],
      },
    ]);
    expect(decodeOpen(encodeOpen(open))).toEqual(open);
  });

  test('without parameters', () => {
    const bytes = message('001d 01 04 fc00 00b4 0a000001 00');
    expect(decodeOpen(bytes).capabilities).toEqual([]);
    expect(toHex(encodeOpen(decodeOpen(bytes)))).toBe(toHex(bytes));
  });

  test('with more than 255 octets of parameters takes the extended form (RFC 9072)', () => {
    const capabilities = [1, 2, 3].map((code) => ({
      kind: 'unknown' as const,
      code: 200 + code,
      value: new Uint8Array(100).fill(code),
    }));
    const bytes = encodeOpen({ ...bird, capabilities });
    expect(toHex(bytes.subarray(28, 35))).toBe('ffff0135020132');
    expect(decodeOpen(bytes).capabilities).toEqual(capabilities);
  });

  test('the extended form is read for any short length and total', () => {
    const bytes = message(
      '0026 01 04 fc00 00b4 0a000001 07 | ff 0006 | 02 0003 02 00 | 00'.replace('| 00', ''),
    );
    // 29 + 3 + 3 + 2 octets; the length in the header follows.
    bytes[17] = bytes.length;
    bytes[31] = bytes.length - 32;
    bytes[34] = 2;
    expect(decodeOpen(bytes).capabilities).toEqual([{ kind: 'route-refresh' }]);
  });

  test.each([
    ['version 3', '001d 01 03 fc00 00b4 0a000001 00', '2/1', '0004', 19],
    ['unknown parameter', '0020 01 04 fc00 00b4 0a000001 03 | 01 01 00', '2/4', '', 29],
    ['parameters shorter than said', '001f 01 04 fc00 00b4 0a000001 03 | 02 00', '2/0', '', 29],
    ['parameters longer than said', '0020 01 04 fc00 00b4 0a000001 02 | 02 00 00', '2/0', '', 29],
    ['parameter past its end', '0020 01 04 fc00 00b4 0a000001 03 | 02 05 00', '2/0', '', 31],
    ['parameter header cut', '001e 01 04 fc00 00b4 0a000001 01 | 02', '2/0', '', 29],
    ['capability past its end', '0022 01 04 fc00 00b4 0a000001 05 | 02 03 41 04 00', '2/0', '', 31],
    ['capability header cut', '0020 01 04 fc00 00b4 0a000001 03 | 02 01 41', '2/0', '', 31],
    ['type 255 not in front', '0021 01 04 fc00 00b4 0a000001 04 | 02 00 ff 00', '2/4', '', 31],
    ['type 255 twice', '0026 01 04 fc00 00b4 0a000001 ff | ff 0006 | 02 0000 ff 0000', '2/4', '', 35],
    ['an extended length cut off', '001f 01 04 fc00 00b4 0a000001 ff | ff 00', '2/0', '', 29],
    [
      'an extended length that is wrong',
      '0023 01 04 fc00 00b4 0a000001 ff | ff 0004 | 02 0000',
      '2/0',
      '',
      32,
    ],
    ['an extended parameter cut off', '0022 01 04 fc00 00b4 0a000001 ff | ff 0002 | 02 00', '2/0', '', 32],
    [
      'a known capability of the wrong length',
      '0022 01 04 fc00 00b4 0a000001 05 | 02 03 41 01 07',
      '2/0',
      '',
      33,
    ],
  ])('refuses %s', (_name, hex, code, data, offset) => {
    expect(errorOf(message(hex))).toEqual([code, data, offset]);
  });

  test('with its capabilities in several parameters, in one each, or in the extended form, is the same', () => {
    for (const layout of [
      { perParameter: 1 },
      { perParameter: 3 },
      { extended: true },
      { extended: true, perParameter: 1 },
    ]) {
      const bytes = encodeOpen(bird, layout);
      expect(decodeOpen(bytes)).toEqual(bird);
    }
    expect(toHex(encodeOpen(decodeOpen(FRR_OPEN), { perParameter: 1 }))).toBe(toHex(FRR_OPEN));
    expect(
      toHex(encodeOpen({ ...bird, capabilities: [{ kind: 'route-refresh' }] }, { extended: true })),
    ).toBe(toHex(message('0025 01 04 fc00 00f0 7f4c0002 ff | ff 0005 | 02 0002 | 02 00')));
  });

  test('has no more octets than an OPEN may have (RFC 8654)', () => {
    const capabilities = Array.from({ length: 20 }, () => ({
      kind: 'unknown' as const,
      code: 200,
      value: new Uint8Array(250),
    }));
    expect(() => encodeOpen({ ...bird, capabilities })).toThrow(RangeError);
  });
});

describe('header', () => {
  test.each([
    ['a marker bit cleared', 'ffffffffffffffffffffffffffffffbf 0013 04', '1/1', '', 15],
    ['length 18', `${'ff'.repeat(16)} 0012 04`, '1/2', '0012', 16],
    ['length 4097', `${'ff'.repeat(16)} 1001 02`, '1/2', '1001', 16],
    ['OPEN of 28', `${'ff'.repeat(16)} 001c 01`, '1/2', '001c', 16],
    ['UPDATE of 22', `${'ff'.repeat(16)} 0016 02`, '1/2', '0016', 16],
    ['NOTIFICATION of 20', `${'ff'.repeat(16)} 0014 03`, '1/2', '0014', 16],
    ['KEEPALIVE of 20', `${'ff'.repeat(16)} 0014 04`, '1/2', '0014', 16],
    ['ROUTE-REFRESH of 22', `${'ff'.repeat(16)} 0016 05 000100`, '1/2', '0016', 16],
    ['ROUTE-REFRESH of 19', `${'ff'.repeat(16)} 0013 05`, '1/2', '0013', 16],
    ['type 0', `${'ff'.repeat(16)} 0013 00`, '1/3', '00', 18],
    ['type 6', `${'ff'.repeat(16)} 0013 06`, '1/3', '06', 18],
  ])('refuses %s', (_name, hex, code, data, offset) => {
    expect(errorOf(fromHex(hex))).toEqual([code, data, offset]);
  });

  test('takes long messages only where agreed, and never a long OPEN or KEEPALIVE (RFC 8654)', () => {
    const extended = { ...BASE_CONTEXT, extendedMessage: true };
    const long = new Uint8Array(65535).fill(0xff);
    long.set([0xff, 0xff, 3, 6, 2], 16);
    expect(decodeMessage(long, extended)).toMatchObject({ kind: 'notification', code: 6, subcode: 2 });
    expect(errorOf(long)[0]).toBe('1/2');
    long[18] = 1;
    expect(errorOf(long, extended)[0]).toBe('1/2');
  });
});

describe('small messages', () => {
  test('KEEPALIVE', () => {
    expect(toHex(encodeKeepalive())).toBe(toHex(KEEPALIVE));
    expect(decodeMessage(KEEPALIVE, BASE_CONTEXT)).toEqual({ kind: 'keepalive' });
  });

  test('NOTIFICATION', () => {
    const bytes = message('001a 03 06 02 | 04 62796521');
    const decoded = decodeMessage(bytes, BASE_CONTEXT);
    expect(decoded).toEqual({ kind: 'notification', code: 6, subcode: 2, data: fromHex('0462796521') });
    expect(toHex(encodeNotification({ code: 6, subcode: 2, data: fromHex('0462796521') }))).toBe(
      toHex(bytes),
    );
    expect(encodeNotification({ code: 3, subcode: 9, data: new Uint8Array(9000) }).length).toBe(4096);
  });

  test('NOTIFICATION in words', () => {
    const data = new Uint8Array(0);
    expect(describeNotification({ code: 6, subcode: 2, data })).toBe('6/2 Cease: Administrative Shutdown');
    expect(describeNotification({ code: 4, subcode: 0, data })).toBe('4/0 Hold Timer Expired');
    expect(describeNotification({ code: 99, subcode: 1, data })).toBe('99/1 Unknown Error');
  });

  test('ROUTE-REFRESH', () => {
    const bytes = message('0017 05 0001 00 01');
    const refresh = { kind: 'route-refresh', afi: 1, subtype: 0, safi: 1 } as const;
    expect(decodeMessage(bytes, BASE_CONTEXT)).toEqual(refresh);
    expect(toHex(encodeRouteRefresh(refresh))).toBe(toHex(bytes));
  });

  test('ROUTE-REFRESH with outbound route filters', () => {
    const bytes = message('001f 05 0001 00 01 | 01 40 0005 80 00 00 00');
    const filters = fromHex('0140000580000000');
    expect(decodeMessage(bytes, BASE_CONTEXT)).toMatchObject({ subtype: 0, filters });
    expect(toHex(encodeRouteRefresh({ afi: 1, subtype: 0, safi: 1, filters }))).toBe(toHex(bytes));
    expect(refreshLengthFault(bytes)).toBeUndefined();
  });

  test.each([
    ['001c 05 0001 01 01 | 0000000000', '7/1'],
    ['0016 05 0001 02', '7/1'],
    ['0017 05 0001 02 01', undefined],
    ['001c 05 0001 03 01 | 0000000000', undefined],
  ])('BoRR and EoRR have 4 octets exactly (RFC 7313 §5): %s', (hex, expected) => {
    const fault = refreshLengthFault(message(hex));
    expect(fault && `${fault.notification.code}/${fault.notification.subcode}`).toBe(expected);
    if (fault !== undefined) expect(toHex(fault.notification.data)).toBe(toHex(message(hex)));
  });
});

describe('MessageStream', () => {
  const all = fromHex([BIRD_OPEN, KEEPALIVE, BIRD_UPDATE, END_OF_RIB].map(toHex).join(''));
  const expected = [BIRD_OPEN, KEEPALIVE, BIRD_UPDATE, END_OF_RIB].map(toHex);

  test('finds the same messages wherever the stream is cut', () => {
    for (let cut = 0; cut <= all.length; cut++) {
      const stream = new MessageStream();
      const seen: string[] = [];
      const visit = (bytes: Uint8Array): boolean => seen.push(toHex(bytes)) > 0;
      stream.push(all.subarray(0, cut), () => BASE_CONTEXT, visit);
      stream.push(all.subarray(cut), () => BASE_CONTEXT, visit);
      expect(seen).toEqual(expected);
    }
  });

  test('finds them octet by octet, and keeps no view on what it was given', () => {
    const stream = new MessageStream();
    const seen: string[] = [];
    const octet = new Uint8Array(1);
    for (const byte of all) {
      octet[0] = byte;
      stream.push(
        octet,
        () => BASE_CONTEXT,
        (bytes) => seen.push(toHex(bytes)) > 0,
      );
    }
    expect(seen).toEqual(expected);
  });

  test('reports a bad header before the message is whole, and stops when told', () => {
    const stream = new MessageStream();
    const bad = fromHex(`${'ff'.repeat(16)} ffff 02`);
    expect(() =>
      stream.push(
        bad,
        () => BASE_CONTEXT,
        () => true,
      ),
    ).toThrow(/length 65535 must be at most 4096/);
    const seen: Uint8Array[] = [];
    new MessageStream().push(
      all,
      () => BASE_CONTEXT,
      (bytes) => {
        seen.push(bytes);
        return false;
      },
    );
    expect(seen.length).toBe(1);
  });
});

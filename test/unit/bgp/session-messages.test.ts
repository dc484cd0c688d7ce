// What a session makes of single messages: route refreshes, families, faults, counters.
import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import type { SessionOutput } from '../../../protocol/bgp/session/event.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, BIRD_UPDATE, END_OF_RIB, KEEPALIVE, message } from './golden.ts';
import { Bench, CONFIG, DIALLED, OPEN } from './session-bench.ts';

const EVPN: Capability = { kind: 'multiprotocol', afi: 25, safi: 70 };
const REFRESH = message('0017 05 0001 00 01');
const BORR = message('0017 05 0001 01 01');
const EORR = message('0017 05 0001 02 01');

describe('ROUTE-REFRESH', () => {
  test.each([
    ['a BoRR of 5 octets', message('0018 05 0001 01 01 00')],
    ['an EoRR of 6 octets', message('0019 05 0001 02 01 0000')],
  ])('%s is answered with 7/1 and the whole message (RFC 7313 §5)', (_name, bytes) => {
    const outputs = new Bench().to('Established').receive(bytes);
    expect(outputs).toContain(`send 7/1 ${toHex(bytes)} 1`);
    expect(outputs).toContain('down');
  });

  test('a request with more octets is fine: they are route filters (RFC 5291)', () => {
    expect(new Bench().to('Established').receive(message('001b 05 0001 00 01 01800000'))).toEqual([
      'refresh',
    ]);
  });

  test('is of an unknown type for who did not advertise it (RFC 4271 §6.1)', () => {
    const capabilities = { routeRefresh: false, enhancedRouteRefresh: false };
    const bench = new Bench({ ...CONFIG, capabilities }).to('Established');
    expect(bench.receive(REFRESH)).toContain('send 1/3 05 1');
  });

  test('without RFC 7313 on both sides the subtype is a reserved octet (RFC 2918 §3)', () => {
    const bench = new Bench({ ...CONFIG, capabilities: { enhancedRouteRefresh: false } }).to('Established');
    expect(bench.receive(BORR)).toEqual(['refresh']);
    expect(bench.receive(message('0018 05 0001 01 01 00'))).toEqual(['refresh']);
  });

  test('goes out on request, for agreed families and subtypes only', () => {
    const bench = new Bench().to('Established');
    const request = (subtype?: 0 | 1 | 2): string[] =>
      bench.session
        .handle(
          { kind: 'request-refresh', family: 'ipv4-unicast', ...(subtype === undefined ? {} : { subtype }) },
          0,
        )
        .map((output) => (output.kind === 'send' ? toHex(output.bytes.subarray(18)) : output.kind));
    expect([...request(), ...request(1), ...request(2)]).toEqual(['0500010001', '0500010101', '0500010201']);
    expect(bench.feed({ kind: 'request-refresh', family: 'ipv6-unicast' })).toEqual([]);
    const plain = new Bench().to('OpenSent');
    plain.receive(encodeOpen(OPEN));
    plain.receive(KEEPALIVE);
    expect(plain.feed({ kind: 'request-refresh', family: 'ipv4-unicast' })).toEqual([]);
    expect(new Bench().feed({ kind: 'request-refresh', family: 'ipv4-unicast' })).toEqual([]);
  });
});

test('a disabled family does not count any more (RFC 4760 §7)', () => {
  const bench = new Bench().to('Established');
  expect(bench.receive(REFRESH)).toEqual(['refresh']);
  bench.feed({ kind: 'disable-family', family: 'ipv4-unicast' });
  expect(bench.session.negotiated).toMatchObject({ families: [], context: { families: [] } });
  expect(bench.receive(REFRESH)).toEqual([]);
  expect(bench.receive(EORR)).toEqual([]);
});

describe('messages with faults', () => {
  type Fault = SessionOutput & { readonly kind: 'fault' };
  const faults = (bench: Bench, bytes: Uint8Array): Fault[] =>
    bench.session
      .handle({ kind: 'received', connection: DIALLED, bytes }, 0)
      .filter((output) => output.kind === 'fault');

  /** UPDATE with ORIGIN 9, or with ATOMIC_AGGREGATE of one octet, else sound. */
  const WITHDRAWN = message(
    '0031 02 0000 0015 | 40 01 01 09 | 40 02 00 | 40 03 04 7f000001 | 40 05 04 00000064 | 1a 0a4c0200',
  );
  const DISCARDED = message(
    '0035 02 0000 0019 | 40 01 01 00 | 40 02 00 | 40 03 04 7f000001 | 40 05 04 00000064 | 40 06 01 00 | 1a 0a4c0200',
  );
  const FATAL = message('001c 02 0005 21 0a000000 0000');

  test.each([
    ['treat-as-withdraw', WITHDRAWN, ['10.76.2.0/26']],
    ['attribute-discard', DISCARDED, ['10.76.2.0/26']],
    // Nothing of it is a prefix.
    ['session-reset', FATAL, ['210a000000']],
  ] as const)(
    '%s: the whole message and its routes come out for the log, and it is counted (RFC 7606 §6)',
    (outcome, bytes, routes) => {
      const bench = new Bench().to('Established');
      const segment = new Uint8Array([...KEEPALIVE, ...bytes]);
      const [fault, ...more] = faults(bench, segment);
      expect(more).toEqual([]);
      expect(fault).toMatchObject({ outcome });
      expect(toHex(fault!.bytes)).toBe(toHex(bytes));
      expect(fault!.reasons).toHaveLength(1);
      expect(fault!.routes).toEqual(routes);
      segment.fill(0);
      expect(toHex(fault!.bytes)).toBe(toHex(bytes));
      expect(bench.session.counters.faults).toEqual({
        'session-reset': 0,
        'treat-as-withdraw': 0,
        'attribute-discard': 0,
        ignored: 0,
        [outcome]: 1,
      });
    },
  );

  test('a bad header comes out with what followed it', () => {
    const bench = new Bench().to('Established');
    const bad = message('0012 04 aabb');
    bench.session.handle({ kind: 'received', connection: DIALLED, bytes: bad.subarray(0, 10) }, 0);
    const [fault] = faults(bench, new Uint8Array([...bad.subarray(10)]));
    expect(fault).toMatchObject({ outcome: 'session-reset' });
    expect(toHex(fault!.bytes)).toBe(toHex(bad));
  });

  test('a NOTIFICATION that cannot be read is logged and counted, but not answered (RFC 4271 §6.4)', () => {
    const short = message('0014 03 06');
    for (const state of ['OpenSent', 'OpenConfirm', 'Established'] as const) {
      const outputs = new Bench().to(state).receive(short);
      expect(outputs.filter((line) => line.startsWith('send'))).toEqual([]);
      expect(outputs).toEqual(
        expect.arrayContaining([
          'fault',
          'error NOTIFICATION received: BGP header, offset 16: length 20 must be 21 or more for type 3',
          'close 1',
        ]),
      );
    }
    // Where the marker is bad, the type octet need not be one.
    const unsynchronized = short.with(0, 0);
    expect(new Bench().to('Established').receive(unsynchronized)).toContain('send 1/1 1');
  });

  test('single routes that are dropped or count as withdrawn are faults of the message (RFC 7606 §5.4)', () => {
    const bench = new Bench({ ...CONFIG, families: ['l2vpn-evpn'] }).to('OpenSent');
    bench.receive(encodeOpen({ ...OPEN, capabilities: [...OPEN.capabilities, EVPN] }));
    bench.receive(KEEPALIVE);
    const update = (nlri: string): Uint8Array => {
      const value = `0019 46 04 7f000001 00 ${nlri}`;
      const octets = value.replaceAll(/\s/g, '').length / 2;
      const hex = (n: number): string => n.toString(16).padStart(4, '0');
      const attributes = `40 01 01 00 | 40 02 00 | 40 05 04 00000064 | 90 0e ${hex(octets)} ${value}`;
      return message(`${hex(23 + 18 + octets)} 02 0000 ${hex(18 + octets)} | ${attributes}`);
    };
    const unknown = '09 02 abcd';
    const unlabelled = `0522 0001c00002010001 00000000000000000000 00000000 10 0a4d0000 00000000 000000`;
    expect(faults(bench, update(unknown))).toMatchObject([
      {
        outcome: 'ignored',
        reasons: [expect.stringMatching(/^l2vpn-evpn route, offset 50: .*RFC 7606 §5.4/)],
      },
    ]);
    expect(faults(bench, update(unlabelled))).toMatchObject([
      { outcome: 'treat-as-withdraw', routes: [expect.stringContaining('10.77.0.0')] },
    ]);
    expect(bench.session.counters.faults).toMatchObject({ ignored: 1, 'treat-as-withdraw': 1 });
    expect(bench.session.state).toBe('Established');
  });

  test('an OPEN that is refused comes out, too', () => {
    const bench = new Bench().to('OpenSent');
    const bad = encodeOpen({ ...OPEN, bgpId: 0 });
    const [fault] = faults(bench, bad);
    expect(toHex(fault!.bytes)).toBe(toHex(bad));
  });
});

test('messages are counted by type, both ways', () => {
  const bench = new Bench().to('Established');
  bench.receive(new Uint8Array([...BIRD_UPDATE, ...END_OF_RIB, ...REFRESH, ...KEEPALIVE]));
  bench.feed({ kind: 'updates-sent', messages: 3 });
  bench.feed({ kind: 'request-refresh', family: 'ipv4-unicast' });
  bench.receive(BIRD_OPEN);
  expect(bench.session.counters).toMatchObject({
    received: { open: 2, update: 2, notification: 0, keepalive: 2, routeRefresh: 1 },
    sent: { open: 1, update: 3, notification: 1, keepalive: 1, routeRefresh: 1 },
    established: 1,
  });
  expect([bench.session.messagesReceived, bench.session.messagesSent]).toEqual([7, 7]);
});

test('an OPEN that cannot be built is refused where it is configured', () => {
  const softwareVersion = 'x'.repeat(300);
  expect(() => new Bench({ ...CONFIG, capabilities: { softwareVersion } })).toThrow(RangeError);
});

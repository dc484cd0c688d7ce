import { describe, expect, test } from 'vitest';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, BIRD_UPDATE, END_OF_RIB, KEEPALIVE, message } from './golden.ts';
import { ACCEPTED, Bench, CONFIG, DIALLED, OPEN, PASSIVE, short } from './session-bench.ts';

describe('Idle', () => {
  test('a start dials at once and listens', () => {
    const bench = new Bench();
    expect(bench.feed({ kind: 'start' })).toEqual([
      'arm outgoing ConnectRetryTimer 5000 jittered',
      'dial 1',
      'Connect',
    ]);
  });

  test('a passive start only listens', () => {
    expect(new Bench(PASSIVE).feed({ kind: 'start' })).toEqual(['Active']);
  });

  test('without a start, a connection is refused and nothing changes', () => {
    const bench = new Bench();
    expect(bench.feed({ kind: 'accepted', connection: ACCEPTED })).toEqual(['send 6/5 2', 'close 2']);
    expect(bench.session.state).toBe('Idle');
  });

  test('anything else is ignored', () => {
    const bench = new Bench();
    expect(bench.feed({ kind: 'stop', subcode: 2 })).toEqual([]);
    expect(bench.receive(KEEPALIVE)).toEqual([]);
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'HoldTimer' })).toEqual([]);
  });
});

describe('Connect', () => {
  test('a connection gets our OPEN, with the capabilities in it', () => {
    const bench = new Bench({ ...CONFIG, families: ['ipv4-unicast', 'ipv6-unicast'] });
    bench.feed({ kind: 'start' });
    const outputs = bench.session.handle({ kind: 'connected', connection: DIALLED }, 0);
    expect(short(outputs)).toEqual([
      'cancel outgoing ConnectRetryTimer',
      'send OPEN 1',
      'arm outgoing HoldTimer 240000',
      'OpenSent',
    ]);
    const send = outputs.find((output) => output.kind === 'send')!;
    expect(toHex(send.bytes)).toBe(
      toHex(
        message(
          `0035 01 04 fc00 005a 7f4c0001 18 | 02 16 | 01 04 0001 00 01 | 01 04 0002 00 01 | 02 00 | 41 04 0000fc00 | 46 00`,
        ),
      ),
    );
  });

  test('an AS beyond two octets stands in the capability', () => {
    const bench = new Bench({ ...CONFIG, localAs: 4200000001 });
    bench.feed({ kind: 'start' });
    const send = bench.session
      .handle({ kind: 'connected', connection: DIALLED }, 0)
      .find((o) => o.kind === 'send')!;
    expect(toHex(send.bytes)).toContain('04' + '5ba0');
    expect(toHex(send.bytes)).toContain('4104fa56ea01');
  });

  test('the ConnectRetryTimer dials anew', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'ConnectRetryTimer' })).toEqual([
      'close 1',
      'arm outgoing ConnectRetryTimer 5000 jittered',
      'dial 3',
    ]);
    expect(bench.feed({ kind: 'connected', connection: 1 })).toEqual([]);
    expect(bench.feed({ kind: 'connected', connection: 3 })).toContain('send OPEN 3');
  });

  test('a failed dial is tried again after 100 ms, then ever later up to ConnectRetryTime', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    const waits: number[] = [];
    for (let connection = 1; connection < 20; connection += 2) {
      const outputs = bench.session.handle({ kind: 'closed', connection, reason: 'TCP ECONNREFUSED' }, 0);
      waits.push(outputs.find((output) => output.kind === 'arm')!.delay);
      expect(bench.session.state).toBe('Active');
      bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
      expect(bench.session.state).toBe('Connect');
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
  });

  test('a stop gives the dial up', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    expect(bench.feed({ kind: 'stop', subcode: 2 })).toEqual([
      'cancel outgoing ConnectRetryTimer',
      'close 1',
      'Idle',
    ]);
  });
});

describe('Active', () => {
  test('an accepted connection gets our OPEN', () => {
    const bench = new Bench(PASSIVE);
    bench.feed({ kind: 'start' });
    expect(bench.feed({ kind: 'accepted', connection: ACCEPTED })).toEqual([
      'send OPEN 2',
      'arm incoming HoldTimer 240000',
      'OpenSent',
    ]);
  });

  test('after the peer hung up in OpenSent, the ConnectRetryTimer dials again', () => {
    const bench = new Bench().to('OpenSent');
    expect(bench.feed({ kind: 'closed', connection: DIALLED })).toEqual([
      'error connection closed by peer',
      'cancel outgoing HoldTimer',
      'arm outgoing ConnectRetryTimer 100 jittered',
      'Active',
    ]);
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'ConnectRetryTimer' })).toContain(
      'dial 3',
    );
    expect(bench.session.state).toBe('Connect');
  });
});

describe('OpenSent', () => {
  test('a good OPEN is answered with KEEPALIVE and starts the negotiated timers', () => {
    const bench = new Bench().to('OpenSent');
    expect(bench.receive(encodeOpen({ ...OPEN, holdTime: 30 }))).toEqual([
      'send KEEPALIVE 1',
      'cancel outgoing HoldTimer',
      'arm outgoing HoldTimer 30000',
      'arm outgoing KeepaliveTimer 10000 jittered',
      'OpenConfirm',
    ]);
    expect(bench.session.negotiated).toMatchObject({ holdTime: 30, peerAs: 64512, peerId: 0x7f4c0002 });
  });

  test('hold time 0 on either side switches both timers off', () => {
    const bench = new Bench().to('OpenSent');
    expect(bench.receive(encodeOpen({ ...OPEN, holdTime: 0 }))).toEqual([
      'send KEEPALIVE 1',
      'cancel outgoing HoldTimer',
      'OpenConfirm',
    ]);
  });

  test.each([
    ['another AS', { ...OPEN, myAs: 64999, capabilities: [] }, '2/2'],
    ['another AS in the capability', { ...OPEN, capabilities: [{ kind: 'four-octet-as', asn: 0 }] }, '2/2'],
    ['identifier 0', { ...OPEN, bgpId: 0 }, '2/3'],
    ['our own identifier', { ...OPEN, bgpId: CONFIG.localId }, '2/3'],
    ['hold time 1', { ...OPEN, holdTime: 1 }, '2/6'],
    ['hold time 2', { ...OPEN, holdTime: 2 }, '2/6'],
  ] as const)('refuses %s', (_name, open, code) => {
    const bench = new Bench().to('OpenSent');
    expect(bench.receive(encodeOpen(open))).toContain(`send ${code} 1`);
    expect(bench.session.outgoing.state).toBe('Idle');
    expect(bench.session.outgoing.connectRetryCounter).toBe(1);
  });

  test('our own identifier is fine from another AS (RFC 6286)', () => {
    const bench = new Bench({ ...CONFIG, peerAs: 64513 }).to('OpenSent');
    const open = encodeOpen({ ...OPEN, myAs: 64513, bgpId: CONFIG.localId, capabilities: [] });
    expect(bench.receive(open)).toContain('OpenConfirm');
  });

  test.each([
    ['KEEPALIVE', KEEPALIVE, 'send 5/1 04 1'],
    ['UPDATE', END_OF_RIB, 'send 5/1 02 1'],
    ['ROUTE-REFRESH', message('0017 05 0001 00 01'), 'send 5/1 05 1'],
  ])('%s is an FSM error (RFC 6608)', (_name, bytes, expected) => {
    expect(new Bench().to('OpenSent').receive(bytes)).toContain(expected);
  });

  test('silence ends it after the long hold time only', () => {
    const bench = new Bench().to('OpenSent');
    bench.now = 240_000;
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'HoldTimer' })).toContain('send 4/0 1');
  });

  test('a bad version and a bad header are answered', () => {
    expect(new Bench().to('OpenSent').receive(message('001d 01 03 fc00 00b4 0a000001 00'))).toContain(
      'send 2/1 0004 1',
    );
    expect(new Bench().to('OpenSent').receive(message('0012 04'))).toContain('send 1/2 0012 1');
  });

  test('a stop sends Cease', () => {
    expect(new Bench().to('OpenSent').feed({ kind: 'stop', subcode: 3 })).toContain('send 6/3 1');
  });

  test('a NOTIFICATION is never answered; a version error does not count', () => {
    const bench = new Bench().to('OpenSent');
    const outputs = bench.receive(message('0017 03 02 01 0004'));
    expect(outputs.filter((line) => line.startsWith('send'))).toEqual([]);
    expect(outputs[0]).toBe(
      'error NOTIFICATION received: 2/1 OPEN Message Error: Unsupported Version Number, version 4',
    );
    expect(bench.session.outgoing.connectRetryCounter).toBe(0);
  });
});

describe('OpenConfirm', () => {
  test('KEEPALIVE makes it Established', () => {
    const bench = new Bench().to('OpenConfirm');
    expect(bench.receive(KEEPALIVE)).toEqual(['Established', 'established']);
  });

  test.each([
    ['UPDATE', BIRD_UPDATE, 'send 5/2 02 1'],
    ['ROUTE-REFRESH', message('0017 05 0001 00 01'), 'send 5/2 05 1'],
    ['another OPEN', BIRD_OPEN, 'send 5/2 01 1'],
  ])('%s is an FSM error', (_name, bytes, expected) => {
    expect(new Bench().to('OpenConfirm').receive(bytes)).toContain(expected);
  });

  test('loss of the connection goes to Idle and counts', () => {
    const bench = new Bench().to('OpenConfirm');
    bench.feed({ kind: 'closed', connection: DIALLED });
    expect(bench.session.outgoing.state).toBe('Idle');
    expect(bench.session.outgoing.connectRetryCounter).toBe(1);
  });

  test('the KeepaliveTimer sends one and starts again', () => {
    const bench = new Bench().to('OpenConfirm');
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'KeepaliveTimer' })).toEqual([
      'send KEEPALIVE 1',
      'arm outgoing KeepaliveTimer 30000 jittered',
    ]);
  });
});

describe('Established', () => {
  test('UPDATEs come out read, several from one segment', () => {
    const bench = new Bench().to('Established');
    const both = new Uint8Array([...BIRD_UPDATE, ...END_OF_RIB]);
    expect(bench.receive(both)).toEqual(['update', 'update']);
    expect(bench.session.messagesReceived).toBe(4);
  });

  test('any KEEPALIVE or UPDATE puts the hold time off', () => {
    const bench = new Bench().to('Established');
    bench.now = 60_000;
    bench.receive(END_OF_RIB);
    bench.now = 90_000;
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'HoldTimer' })).toEqual([
      'arm outgoing HoldTimer 60000',
    ]);
    bench.now = 150_000;
    const outputs = bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'HoldTimer' });
    expect(outputs).toContain('send 4/0 1');
    expect(outputs).toContain('down');
  });

  test('UPDATEs that we send put our KEEPALIVE off', () => {
    const bench = new Bench().to('Established');
    bench.now = 20_000;
    bench.feed({ kind: 'updates-sent', messages: 3 });
    bench.now = 25_000;
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'KeepaliveTimer' })).toEqual([
      'arm outgoing KeepaliveTimer 25000',
    ]);
    bench.now = 50_000;
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'KeepaliveTimer' })[0]).toBe(
      'send KEEPALIVE 1',
    );
  });

  test('never more than one KEEPALIVE a second, whatever the jitter', () => {
    const bench = new Bench({ ...CONFIG, holdTime: 3 }).to('OpenSent');
    expect(bench.receive(BIRD_OPEN)).toContain('arm outgoing KeepaliveTimer 1333 jittered');
  });

  test('a second OPEN is an FSM error', () => {
    expect(new Bench().to('Established').receive(BIRD_OPEN)).toContain('send 5/3 01 1');
  });

  test('a route refresh for an agreed family comes out, another one is ignored', () => {
    const bench = new Bench().to('Established');
    expect(bench.receive(message('0017 05 0001 00 01'))).toEqual(['refresh']);
    expect(bench.receive(message('0017 05 0002 00 01'))).toEqual([]);
  });

  test('BoRR and EoRR mark a refresh (RFC 7313); an EoRR alone and other subtypes are ignored', () => {
    const gracefulRestart = { restartTime: 120, restarting: false, notification: false, families: [] };
    const bench = new Bench({ ...CONFIG, capabilities: { gracefulRestart } }).to('Established');
    expect(bench.receive(message('0017 05 0001 02 01'))).toEqual([]);
    expect(bench.receive(message('0017 05 0001 03 01'))).toEqual([]);
    // With graceful restart, the initial feed has to end first.
    expect(bench.receive(message('0017 05 0001 01 01'))).toEqual([]);
    bench.receive(END_OF_RIB);
    expect(bench.receive(message('0017 05 0001 01 01'))).toEqual(['begin-refresh']);
    expect(bench.receive(message('0017 05 0001 02 01'))).toEqual(['end-refresh']);
    expect(bench.receive(message('0017 05 0001 02 01'))).toEqual([]);
  });

  test('a fatal UPDATE error is answered with its NOTIFICATION and its reason is kept', () => {
    const bench = new Bench().to('Established');
    const outputs = bench.receive(message('001c 02 0005 21 0a000000 0000'));
    expect(outputs).toContain('send 3/10 1');
    expect(outputs).toContain(
      'error NOTIFICATION sent: 3/10 UPDATE Message Error: Invalid Network Field (UPDATE, offset 21: prefix length 33 must be at most 32)',
    );
  });

  test('what follows a fatal message in the same segment is not looked at', () => {
    const bench = new Bench().to('Established');
    const outputs = bench.receive(new Uint8Array([...BIRD_OPEN, ...BIRD_UPDATE]));
    expect(outputs).not.toContain('update');
    expect(bench.receive(BIRD_UPDATE)).toEqual([]);
  });

  test('loss of the connection is reported once, and it listens and dials again', () => {
    const bench = new Bench().to('Established');
    const outputs = bench.feed({ kind: 'closed', connection: DIALLED, reason: 'TCP ECONNRESET' });
    expect(outputs.filter((line) => line === 'down').length).toBe(1);
    expect(outputs).toContain('arm outgoing IdleHoldTimer 100 jittered');
    expect(bench.session.state).toBe('Active');
    expect(bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' })).toContain('dial 3');
  });

  test('a session that lasted forgets earlier failures', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    for (const connection of [1, 3, 5, 7]) {
      bench.feed({ kind: 'closed', connection });
      bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    }
    bench.feed({ kind: 'connected', connection: 9 });
    bench.receive(BIRD_OPEN, 9);
    bench.receive(KEEPALIVE, 9);
    bench.now = 20_000;
    expect(bench.feed({ kind: 'closed', connection: 9 })).toContain(
      'arm outgoing IdleHoldTimer 100 jittered',
    );
  });

  test('a stop sends Cease, reports the loss and stays Idle', () => {
    const bench = new Bench().to('Established');
    const outputs = bench.feed({ kind: 'stop', subcode: 2 });
    expect(outputs).toContain('send 6/2 1');
    expect(outputs).toContain('close 1');
    expect(outputs).toContain('down');
    expect(bench.session.state).toBe('Idle');
    expect(bench.session.outgoing.connectRetryCounter).toBe(0);
  });
});

describe('DelayOpen', () => {
  const config = { ...CONFIG, delayOpenTime: 3000 };

  test('waits with OPEN, then sends it', () => {
    const bench = new Bench(config);
    bench.feed({ kind: 'start' });
    expect(bench.feed({ kind: 'connected', connection: DIALLED })).toEqual([
      'cancel outgoing ConnectRetryTimer',
      'arm outgoing DelayOpenTimer 3000',
    ]);
    const outputs = bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'DelayOpenTimer' });
    expect(outputs).toEqual(['send OPEN 1', 'arm outgoing HoldTimer 240000', 'OpenSent']);
  });

  test('a peer that is first gets OPEN and KEEPALIVE at once', () => {
    const bench = new Bench(config);
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'connected', connection: DIALLED });
    const outputs = bench.receive(BIRD_OPEN);
    expect(outputs.slice(0, 3)).toEqual([
      'cancel outgoing DelayOpenTimer',
      'send OPEN 1',
      'send KEEPALIVE 1',
    ]);
    expect(bench.session.state).toBe('OpenConfirm');
  });

  test('a connection lost while waiting leads to Active', () => {
    const bench = new Bench(config);
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'connected', connection: DIALLED });
    bench.feed({ kind: 'closed', connection: DIALLED });
    expect(bench.session.outgoing.state).toBe('Active');
  });
});

// NOTIFICATIONs that a session sends and takes, and what it does afterwards.
import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { decodeNotification, encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { decodeOpen, encodeOpen } from '../../../protocol/bgp/message/open.ts';
import type { SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { SessionInput } from '../../../protocol/bgp/session/event.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, KEEPALIVE, message } from './golden.ts';
import { ACCEPTED, Bench, CONFIG, DIALLED, OPEN, PASSIVE } from './session-bench.ts';

function notification(code: number, subcode: number, data = ''): Uint8Array {
  return encodeNotification({ code, subcode, data: fromHex(data) });
}

/** Data of the NOTIFICATION that an input makes the session send. */
function sentData(bench: Bench, input: SessionInput): Uint8Array {
  const outputs = bench.session.handle(input, bench.now);
  const send = outputs.find((output) => output.kind === 'send' && output.bytes[18] === 3);
  expect(send).toBeDefined();
  return decodeNotification((send as { bytes: Uint8Array }).bytes).data;
}

describe('shutdown communication (RFC 9003)', () => {
  test.each([2, 4])('goes with subcode %i', (subcode) => {
    const data = sentData(new Bench().to('Established'), { kind: 'stop', subcode, text: 'bäck' });
    expect(toHex(data)).toBe('05' + '62c3a4636b');
  });

  test.each([3, 6])('does not go with subcode %i', (subcode) => {
    expect(sentData(new Bench().to('Established'), { kind: 'stop', subcode, text: 'x' })).toHaveLength(0);
  });

  test('is cut between characters to what every peer takes', () => {
    const data = sentData(new Bench().to('Established'), { kind: 'reset', subcode: 4, text: '€'.repeat(50) });
    expect([data[0], data.length]).toEqual([126, 127]);
    expect(new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(1))).toBe('€'.repeat(42));
  });

  test('that comes in is shown, and never interpreted', () => {
    const bench = new Bench().to('Established');
    expect(bench.receive(notification(6, 2, '02' + '6f6b'))[0]).toBe(
      'error NOTIFICATION received: 6/2 Cease: Administrative Shutdown, "ok"',
    );
    const bad = new Bench().to('Established').receive(notification(6, 2, '02' + 'ff1b'))[0]!;
    expect(bad).toContain('NOTIFICATION received: 6/2');
    expect(bad).not.toContain('\u001b');
  });
});

describe('Cease', () => {
  test('with the limit that was hit (RFC 4486 §4)', () => {
    const prefixLimit = { family: 'ipv6-unicast' as const, limit: 1000 };
    const data = sentData(new Bench().to('Established'), { kind: 'stop', subcode: 1, prefixLimit });
    expect(toHex(data)).toBe('0002 01 000003e8'.replaceAll(' ', ''));
  });

  test('is wrapped in a Hard Reset only for a peer that knows it (RFC 8538 §3, §4)', () => {
    const gracefulRestart = { restartTime: 120, restarting: false, notification: true, families: [] };
    const peer = (knows: boolean): Bench => {
      const capability: Capability = {
        kind: 'graceful-restart',
        restarting: false,
        notification: knows,
        restartTime: 60,
        families: [],
      };
      const bench = new Bench({ ...CONFIG, capabilities: { gracefulRestart } }).to('OpenSent');
      bench.receive(encodeOpen({ ...OPEN, capabilities: [...OPEN.capabilities, capability] }));
      bench.receive(KEEPALIVE);
      return bench;
    };
    const stop: SessionInput = { kind: 'stop', subcode: 2, text: 'ok', hard: true };
    expect(peer(true).feed(stop)).toContain('send 6/9 0602026f6b 1');
    expect(peer(false).feed(stop)).toContain('send 6/2 026f6b 1');
  });

  test('a reset of something that is not up goes on at once', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    for (const connection of [1, 3, 5]) {
      bench.feed({ kind: 'closed', connection });
      bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    }
    expect(bench.feed({ kind: 'closed', connection: 7 })).toContain(
      'arm outgoing IdleHoldTimer 800 jittered',
    );
    expect(bench.feed({ kind: 'reset', subcode: 4 })).toEqual([
      'cancel outgoing IdleHoldTimer',
      'arm outgoing IdleHoldTimer 100 jittered',
    ]);
  });
});

describe('how long the next dial waits', () => {
  const restart = (bench: Bench, end: Uint8Array): string =>
    bench.receive(end).find((line) => line.startsWith('arm outgoing IdleHoldTimer'))!;

  /** Established after some dials that failed. */
  function afterFailures(config: SessionConfig = CONFIG): Bench {
    const bench = new Bench(config);
    bench.feed({ kind: 'start' });
    for (const connection of [1, 3, 5]) {
      bench.feed({ kind: 'closed', connection });
      bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    }
    bench.feed({ kind: 'connected', connection: 7 });
    bench.receive(BIRD_OPEN, 7);
    bench.receive(KEEPALIVE, 7);
    expect(bench.session.state).toBe('Established');
    return bench;
  }

  test.each([
    ['an administrative shutdown', notification(6, 2), 100],
    ['an administrative reset', notification(6, 4), 100],
    ['a changed configuration', notification(6, 6), 100],
    ['a hard reset for one of these', notification(6, 9, '0604'), 100],
    ['too many prefixes', notification(6, 1), 800],
    ['a lack of resources', notification(6, 8), 800],
    ['a fault of ours', notification(3, 1), 800],
    ['a fault of the peer', message('001c 02 0005 21 0a000000 0000'), 800],
  ])('after %s of a short session', (_name, end, delay) => {
    const bench = afterFailures();
    const line = bench
      .feed({ kind: 'received', connection: 7, bytes: end })
      .find((each) => each.startsWith('arm outgoing IdleHoldTimer'));
    expect(line).toBe(`arm outgoing IdleHoldTimer ${delay} jittered`);
  });

  test('without DampPeerOscillations always the same, and the counter starts anew', () => {
    const bench = afterFailures({ ...CONFIG, dampPeerOscillations: false });
    expect(bench.feed({ kind: 'received', connection: 7, bytes: notification(3, 1) })).toContain(
      'arm outgoing IdleHoldTimer 100 jittered',
    );
    expect(bench.session.outgoing.connectRetryCounter).toBe(1);
    bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    expect(bench.session.outgoing.connectRetryCounter).toBe(0);
  });

  test('a lost collision is no failure', () => {
    const bench = new Bench().to('OpenSent');
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    bench.receive(BIRD_OPEN, ACCEPTED);
    bench.receive(KEEPALIVE, ACCEPTED);
    bench.now = 1000;
    expect(bench.feed({ kind: 'closed', connection: ACCEPTED })).toContain(
      'arm outgoing IdleHoldTimer 100 jittered',
    );
  });

  test('a NOTIFICATION while opening counts as a failure', () => {
    const bench = new Bench().to('OpenSent');
    expect(restart(bench, notification(6, 5))).toBe('arm outgoing IdleHoldTimer 100 jittered');
    bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    bench.feed({ kind: 'connected', connection: 3 });
    const lines = bench.receive(notification(6, 5), 3);
    expect(lines).toContain('arm outgoing IdleHoldTimer 200 jittered');
  });
});

describe('capabilities that one side refuses (RFC 5492 §3)', () => {
  /** Capabilities of the OPEN on the next dial. */
  function nextOffer(bench: Bench, connection: number): readonly Capability[] {
    bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' });
    const outputs = bench.session.handle({ kind: 'connected', connection }, bench.now);
    return decodeOpen(outputs.find((output) => output.kind === 'send')!.bytes).capabilities;
  }

  test('2/4 makes the next OPEN go without the parameter; after a session all are offered again', () => {
    const bench = new Bench().to('OpenSent');
    bench.receive(notification(2, 4));
    expect(nextOffer(bench, 3)).toEqual([]);
    bench.receive(encodeOpen({ ...OPEN, capabilities: [] }), 3);
    bench.receive(KEEPALIVE, 3);
    expect(bench.session.negotiated).toMatchObject({ families: ['ipv4-unicast'], routeRefresh: false });
    bench.feed({ kind: 'closed', connection: 3 });
    expect(nextOffer(bench, 5)).not.toEqual([]);
  });

  test('2/4 changes nothing where capabilities are required, or without IPv4 unicast', () => {
    for (const settings of [
      { required: ['four-octet-as'] as const },
      { families: ['ipv6-unicast'] as const },
    ]) {
      const bench = new Bench({ ...CONFIG, ...settings }).to('OpenSent');
      bench.receive(notification(2, 4));
      expect(nextOffer(bench, 3)).not.toEqual([]);
    }
  });

  test('2/7 makes the next OPEN go without what it names, unless that is required', () => {
    const named = '0200' + '4600' + '41040000fc00' + '63';
    const bench = new Bench({ ...CONFIG, required: ['four-octet-as'] }).to('OpenSent');
    bench.receive(notification(2, 7, named));
    expect(nextOffer(bench, 3)).toEqual([
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'four-octet-as', asn: 64512 },
    ]);
  });

  test('the same in the middle of a session means nothing', () => {
    const bench = new Bench().to('Established');
    bench.receive(notification(2, 4));
    expect(nextOffer(bench, 3)).not.toEqual([]);
  });

  test('a peer that lacks what we require is told 2/7 and not dialled again until somebody starts', () => {
    const bench = new Bench({ ...CONFIG, required: ['route-refresh'] }).to('OpenSent');
    const outputs = bench.receive(encodeOpen(OPEN));
    expect(outputs).toContain('send 2/7 0200 1');
    expect(outputs.filter((line) => line.includes('IdleHoldTimer'))).toEqual([]);
    expect(bench.session.state).toBe('Active');
    // A peer that comes with more is welcome.
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    expect(bench.receive(encodeOpen(OPEN), ACCEPTED)).toContain('send 2/7 0200 2');
    expect(bench.feed({ kind: 'start' })).toContain('arm outgoing IdleHoldTimer 100 jittered');
  });
});

describe('send hold timer (RFC 9687)', () => {
  const timer: SessionInput = { kind: 'timer', direction: 'outgoing', timer: 'SendHoldTimer' };
  const blocked: SessionInput = { kind: 'blocked', connection: DIALLED };

  test.each<[string, Partial<SessionConfig>, number]>([
    ['8 minutes by default', {}, 480_000],
    ['or twice a long hold time', { holdTime: 3600 }, 1_440_000],
    ['as configured', { sendHoldTime: 100 }, 100_000],
    ['but more than the hold time', { sendHoldTime: 10 }, 91_000],
  ])('%s', (_name, settings, delay) => {
    const bench = new Bench({ ...CONFIG, ...settings }).to('OpenSent');
    bench.receive(encodeOpen({ ...OPEN, holdTime: settings.holdTime === undefined ? 90 : 720 }));
    bench.receive(KEEPALIVE);
    expect(bench.feed(blocked)).toEqual([`arm outgoing SendHoldTimer ${delay}`]);
    expect(bench.feed(blocked)).toEqual([]);
  });

  test('a peer that reads again stops it', () => {
    const bench = new Bench().to('Established');
    bench.feed(blocked);
    expect(bench.feed({ kind: 'unblocked', connection: DIALLED })).toEqual(['cancel outgoing SendHoldTimer']);
    expect(bench.feed(timer)).toEqual([]);
    expect(bench.session.state).toBe('Established');
  });

  test('one that does not is told 8/0, and TCP is dropped at once', () => {
    const bench = new Bench().to('Established');
    bench.feed(blocked);
    const outputs = bench.session.handle(timer, 480_000);
    const send = outputs.findIndex((output) => output.kind === 'send');
    expect(outputs[send]).toMatchObject({ connection: DIALLED });
    expect(outputs.find((output) => output.kind === 'close')).toEqual({
      kind: 'close',
      connection: DIALLED,
      abort: true,
    });
    expect(outputs.find((output) => output.kind === 'down')).toMatchObject({
      notification: { direction: 'sent', code: 8, subcode: 0 },
    });
  });

  test('0 switches it off, and before Established it does not run', () => {
    expect(new Bench({ ...CONFIG, sendHoldTime: 0 }).to('Established').feed(blocked)).toEqual([]);
    expect(new Bench().to('OpenConfirm').feed(blocked)).toEqual([]);
  });
});

test('a passive session never dials, whatever happens to it', () => {
  const bench = new Bench(PASSIVE);
  const lines = [
    ...bench.feed({ kind: 'start' }),
    ...bench.feed({ kind: 'accepted', connection: 2 }),
    ...bench.receive(BIRD_OPEN, 2),
    ...bench.receive(KEEPALIVE, 2),
    ...bench.receive(notification(6, 4), 2),
    ...bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'IdleHoldTimer' }),
  ];
  expect(lines.filter((line) => /dial|outgoing/.test(line))).toEqual([]);
  expect(bench.session.state).toBe('Active');
});

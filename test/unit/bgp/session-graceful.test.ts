import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import type { SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { SessionInput, SessionOutput } from '../../../protocol/bgp/session/event.ts';
import { KEEPALIVE, message } from './golden.ts';
import { ACCEPTED, Bench, CONFIG, DIALLED, OPEN, short } from './session-bench.ts';

const IPV4 = { afi: 1, safi: 1 };

/** What one side says about graceful restart. */
interface Side {
  readonly notification?: boolean;
  readonly families?: boolean;
}

function config({ notification = false }: Side = {}): SessionConfig {
  const gracefulRestart = { restartTime: 120, restarting: false, notification, families: [] };
  return { ...CONFIG, capabilities: { gracefulRestart } };
}

function peerOpen({ notification = false, families = true }: Side = {}): Uint8Array {
  const capability: Capability = {
    kind: 'graceful-restart',
    restarting: false,
    notification,
    restartTime: 60,
    families: families ? [{ ...IPV4, forwarding: true }] : [],
  };
  return encodeOpen({ ...OPEN, capabilities: [...OPEN.capabilities, capability] });
}

function established(settings: SessionConfig, open: Uint8Array): Bench {
  const bench = new Bench(settings);
  bench.feed({ kind: 'start' });
  bench.feed({ kind: 'connected', connection: DIALLED });
  bench.receive(open);
  bench.receive(KEEPALIVE);
  expect(bench.session.state).toBe('Established');
  return bench;
}

type Down = SessionOutput & { readonly kind: 'down' };

function down(bench: Bench, input: SessionInput): Down {
  const output = bench.session.handle(input, bench.now).find((each) => each.kind === 'down');
  expect(output).toBeDefined();
  return output as Down;
}

const LOSS: SessionInput = { kind: 'closed', connection: DIALLED, reason: 'TCP ECONNRESET' };

function received(bytes: Uint8Array): SessionInput {
  return { kind: 'received', connection: DIALLED, bytes };
}

function notification(code: number, subcode: number, data = new Uint8Array(0)): SessionInput {
  return received(encodeNotification({ code, subcode, data }));
}

const N = { notification: true };
const BAD_UPDATE = received(message('001c 02 0005 21 0a000000 0000'));

describe('routes stay', () => {
  test.each<[string, SessionConfig, Uint8Array, SessionInput, boolean]>([
    ['when TCP is lost (RFC 4724 §4.2)', config(), peerOpen(), LOSS, true],
    ['not without our capability', CONFIG, peerOpen(), LOSS, false],
    ['not without the peer’s', config(), encodeOpen(OPEN), LOSS, false],
    ['not for a peer that names no family', config(), peerOpen({ families: false }), LOSS, false],
    ['not after a NOTIFICATION without N bits', config(), peerOpen(), notification(6, 4), false],
    ['not with one N bit, ours', config(N), peerOpen(), notification(6, 4), false],
    ['not with one N bit, theirs', config(), peerOpen(N), notification(6, 4), false],
    ['after a NOTIFICATION with both (RFC 8538 §4)', config(N), peerOpen(N), notification(6, 4), true],
    ['after ours with both', config(N), peerOpen(N), BAD_UPDATE, true],
    ['not after ours without', config(), peerOpen(), BAD_UPDATE, false],
    ['not after a Hard Reset', config(N), peerOpen(N), notification(6, 9, Uint8Array.of(6, 4)), false],
    ['after our reset', config(N), peerOpen(N), { kind: 'reset', subcode: 4 }, true],
    ['not after our hard reset', config(N), peerOpen(N), { kind: 'reset', subcode: 4, hard: true }, false],
    ['not after our stop', config(N), peerOpen(N), { kind: 'stop', subcode: 2 }, false],
  ])('%s', (_name, settings, open, input, graceful) => {
    const output = down(established(settings, open), input);
    expect(output.graceful).toBe(graceful);
    expect(output.negotiated.peerAs).toBe(64512);
  });

  test('when the hold timer runs out with both N bits (RFC 8538 §4), not otherwise', () => {
    const expire = (settings: SessionConfig, open: Uint8Array): Down => {
      const bench = established(settings, open);
      bench.now = 200_000;
      return down(bench, { kind: 'timer', direction: 'outgoing', timer: 'HoldTimer' });
    };
    expect(expire(config(N), peerOpen(N))).toMatchObject({
      graceful: true,
      notification: { direction: 'sent', code: 4, subcode: 0 },
    });
    expect(expire(config(), peerOpen()).graceful).toBe(false);
  });

  test('the report has the NOTIFICATION that ended the session', () => {
    expect(down(established(config(), peerOpen()), notification(6, 3))).toMatchObject({
      notification: { direction: 'received', code: 6, subcode: 3 },
      reason: 'NOTIFICATION received: 6/3 Cease: Peer De-configured',
    });
    expect(down(established(config(), peerOpen()), LOSS).notification).toBeUndefined();
  });
});

describe('a peer that comes back before its loss was noticed (RFC 4724 §4.2, §5)', () => {
  test('on a connection that it dials, while ours stands: at its OPEN ours ends without a word', () => {
    const bench = established(config(), peerOpen());
    expect(bench.feed({ kind: 'accepted', connection: ACCEPTED })).toContain('send OPEN 2');
    const outputs = bench.session.handle({ kind: 'received', connection: ACCEPTED, bytes: peerOpen() }, 0);
    const lines = short(outputs);
    expect(lines.slice(0, 2)).toEqual(['close 1', 'error the peer came back on a new connection']);
    expect(lines.filter((line) => line.startsWith('send'))).toEqual(['send KEEPALIVE 2']);
    expect(outputs.find((output) => output.kind === 'down')).toMatchObject({ graceful: true });
    expect(bench.session.state).toBe('OpenConfirm');
    expect(bench.receive(KEEPALIVE, ACCEPTED)).toContain('established');
  });

  test('on a second connection that it dials: the first ends at once', () => {
    const bench = new Bench({ ...config(), passive: true });
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'accepted', connection: 2 });
    bench.receive(peerOpen(), 2);
    bench.receive(KEEPALIVE, 2);
    const outputs = bench.session.handle({ kind: 'accepted', connection: 4 }, 0);
    expect(short(outputs).filter((line) => !/Timer/.test(line))).toEqual([
      'close 2',
      'error the peer came back on a new connection',
      'Idle',
      'down',
      'send OPEN 4',
      'OpenSent',
    ]);
    bench.receive(peerOpen(), 4);
    expect(bench.receive(KEEPALIVE, 4)).toContain('established');
  });

  test('without graceful restart the new connection goes', () => {
    const bench = established(config(), encodeOpen(OPEN));
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    expect(bench.receive(peerOpen(), ACCEPTED)).toContain('send 6/7 2');
    expect(bench.session.state).toBe('Established');
  });
});

describe('our own restart', () => {
  test('a silent stop closes TCP without a NOTIFICATION (RFC 4724 §4)', () => {
    const bench = established(config(), peerOpen());
    const outputs = bench.feed({ kind: 'stop', subcode: 2, silent: true });
    expect(outputs.filter((line) => line.startsWith('send'))).toEqual([]);
    expect(outputs).toContain('close 1');
  });

  test('the R bit is in OPENs as long as we say so (RFC 4724 §4.1)', () => {
    const settings = config();
    const gracefulRestart = { ...settings.capabilities!.gracefulRestart!, restarting: true };
    const bench = new Bench({ ...settings, capabilities: { gracefulRestart } });
    const flags = (connection: number): number => {
      const outputs = bench.session.handle({ kind: 'connected', connection }, 0);
      const { bytes } = outputs.find((output) => output.kind === 'send')!;
      const at = bytes.findIndex((octet, index) => index > 28 && octet === 64 && bytes[index + 1] === 2);
      return bytes[at + 2]! >> 4;
    };
    bench.feed({ kind: 'start' });
    expect(flags(1)).toBe(8);
    bench.feed({ kind: 'closed', connection: 1 });
    bench.feed({ kind: 'restarting', restarting: false });
    bench.feed({ kind: 'timer', direction: 'outgoing', timer: 'ConnectRetryTimer' });
    expect(flags(3)).toBe(0);
  });
});

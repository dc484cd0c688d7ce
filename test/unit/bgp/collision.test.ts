import { describe, expect, test } from 'vitest';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import type { SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { SessionInput } from '../../../protocol/bgp/session/event.ts';
import { Session } from '../../../protocol/bgp/session/session.ts';
import { BIRD_OPEN, BIRD_UPDATE, KEEPALIVE } from './golden.ts';
import { ACCEPTED, Bench, CONFIG, DIALLED, OPEN, PASSIVE } from './session-bench.ts';

describe('collision (RFC 4271 §6.8)', () => {
  /** Both connections in OpenSent. */
  function both(config: SessionConfig = CONFIG): Bench {
    const bench = new Bench(config).to('OpenSent');
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    return bench;
  }

  test('with the lower identifier, the connection of the peer stays', () => {
    const bench = both();
    expect(bench.receive(BIRD_OPEN, ACCEPTED)).toContain('send 6/7 1');
    expect([bench.session.outgoing.state, bench.session.incoming.state]).toEqual(['Idle', 'OpenConfirm']);
    expect(bench.receive(KEEPALIVE, ACCEPTED)).toContain('established');
  });

  test('with the higher identifier, our connection stays', () => {
    const bench = both({ ...CONFIG, localId: 0xff000000 });
    expect(bench.receive(BIRD_OPEN, ACCEPTED)).toContain('send 6/7 2');
    expect([bench.session.outgoing.state, bench.session.incoming.state]).toEqual(['OpenSent', 'Idle']);
    bench.receive(BIRD_OPEN, DIALLED);
    expect(bench.receive(KEEPALIVE, DIALLED)).toContain('established');
  });

  test('the outcome does not depend on which OPEN came first', () => {
    const bench = both();
    expect(bench.receive(BIRD_OPEN, DIALLED)).toContain('send 6/7 1');
    expect(bench.session.incoming.state).toBe('OpenSent');
  });

  test('with equal identifiers, the larger AS decides (RFC 6286)', () => {
    const open = encodeOpen({ ...OPEN, myAs: 64513, bgpId: CONFIG.localId, capabilities: [] });
    const lower = both({ ...CONFIG, peerAs: 64513 });
    expect(lower.receive(open, ACCEPTED)).toContain('send 6/7 1');
    const higher = both({ ...CONFIG, localAs: 64514, peerAs: 64513 });
    expect(higher.receive(open, ACCEPTED)).toContain('send 6/7 2');
  });

  test('a connection that comes up when the other is in OpenConfirm is judged at once', () => {
    const bench = new Bench().to('OpenConfirm');
    expect(bench.feed({ kind: 'accepted', connection: ACCEPTED })).toContain('send 6/7 1');
    expect(bench.session.incoming.state).toBe('OpenSent');
  });

  test('what is Established stays', () => {
    const bench = new Bench().to('Established');
    // RFC 4271 §8.2.2: a second connection is tracked until its OPEN.
    expect(bench.feed({ kind: 'accepted', connection: ACCEPTED })).toEqual([
      'send OPEN 2',
      'arm incoming HoldTimer 240000',
    ]);
    const outputs = bench.receive(BIRD_OPEN, ACCEPTED);
    expect(outputs[0]).toBe('send 6/7 2');
    expect(outputs).toContain('close 2');
    expect(bench.session.state).toBe('Established');
  });

  test('a peer that dials again on top of its own Established connection is turned away at once', () => {
    const bench = new Bench(PASSIVE);
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'accepted', connection: 2 });
    bench.receive(BIRD_OPEN, 2);
    bench.receive(KEEPALIVE, 2);
    expect(bench.feed({ kind: 'accepted', connection: 4 })).toEqual(['send 6/7 4', 'close 4']);
    expect(bench.session.state).toBe('Established');
  });

  test('with CollisionDetectEstablishedState what is Established is judged as well', () => {
    const bench = new Bench({ ...CONFIG, collisionDetectEstablished: true }).to('Established');
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    const outputs = bench.receive(BIRD_OPEN, ACCEPTED);
    expect(outputs).toContain('send 6/7 1');
    expect(outputs).toContain('down');
    expect(bench.session.state).toBe('OpenConfirm');
    expect(bench.receive(KEEPALIVE, ACCEPTED)).toContain('established');
  });

  test('what was Established is down before the winner is up, also where its OPEN and KEEPALIVE come at once', () => {
    const bench = new Bench({ ...CONFIG, collisionDetectEstablished: true }).to('Established');
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    const outputs = bench.receive(Uint8Array.of(...BIRD_OPEN, ...KEEPALIVE), ACCEPTED);
    expect(outputs.filter((output) => output === 'down' || output === 'established')).toEqual([
      'down',
      'established',
    ]);
    expect(bench.session.state).toBe('Established');
  });

  test('a dial that is still under way is no collision, and ends when the other connection is up', () => {
    const bench = new Bench();
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'accepted', connection: ACCEPTED });
    bench.receive(BIRD_OPEN, ACCEPTED);
    expect(bench.session.outgoing.state).toBe('Connect');
    const outputs = bench.receive(KEEPALIVE, ACCEPTED);
    expect(outputs).toContain('close 1');
    expect(bench.session.outgoing.state).toBe('Idle');
  });

  test('a peer that dials again before its OPEN replaces its earlier connection', () => {
    const bench = new Bench(PASSIVE);
    bench.feed({ kind: 'start' });
    bench.feed({ kind: 'accepted', connection: 2 });
    const outputs = bench.feed({ kind: 'accepted', connection: 4 });
    expect(outputs).toContain('close 2');
    expect(outputs).toContain('send OPEN 4');
  });
});

describe('recording', () => {
  test('inputs survive structured cloning, and a replay gives equal outputs', () => {
    const inputs: SessionInput[] = [
      { kind: 'start' },
      { kind: 'connected', connection: DIALLED },
      {
        kind: 'received',
        connection: DIALLED,
        bytes: new Uint8Array([...BIRD_OPEN, ...KEEPALIVE, ...BIRD_UPDATE]),
      },
      { kind: 'closed', connection: DIALLED, reason: 'TCP ECONNRESET' },
    ];
    const play = (list: readonly SessionInput[]): unknown => {
      const session = new Session(CONFIG);
      return list.flatMap((input, i) => structuredClone(session.handle(input, i * 10)));
    };
    expect(play(structuredClone(inputs))).toEqual(play(inputs));
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionConfig } from '../../protocol/bgp/session/config.ts';
import type { SessionInput, SessionOutput } from '../../protocol/bgp/session/event.ts';
import { Session } from '../../protocol/bgp/session/session.ts';
import { CONFIG } from '../unit/bgp/session-bench.ts';

/** One end of a TCP connection. */
interface End {
  readonly side: Side;
  readonly number: number;
  other: End | undefined;
  open: boolean;
  /** Nothing arrives before what was sent earlier. */
  lastArrival: number;
}

interface Side {
  readonly name: string;
  readonly session: Session;
  readonly ends: Map<number, End>;
  readonly timers: Map<string, number>;
  accepted: number;
  downs: number;
}

/** Two sessions and the network between them, on one simulated clock; `delays` (ms) are used in turn. */
class Pair {
  now = 0;
  readonly sides: readonly [Side, Side];
  readonly #delays: readonly number[];
  #used = 0;
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;

  constructor(configs: readonly [SessionConfig, SessionConfig], delays: readonly number[]) {
    const side = (config: SessionConfig, name: string): Side => ({
      name,
      session: new Session(config),
      ends: new Map(),
      timers: new Map(),
      accepted: 0,
      downs: 0,
    });
    this.sides = [side(configs[0], 'a'), side(configs[1], 'b')];
    this.#delays = delays;
  }

  #delay(): number {
    return this.#delays[this.#used++ % this.#delays.length]!;
  }

  at(time: number, run: () => void): void {
    this.#events.push({ at: time, order: this.#order++, run });
  }

  /** Runs what happens up to a time. */
  run(until: number): void {
    for (;;) {
      this.#events.sort((x, y) => x.at - y.at || x.order - y.order);
      if (this.#events.length === 0 || this.#events[0]!.at > until) break;
      const { at, run } = this.#events.shift()!;
      this.now = at;
      run();
    }
    this.now = until;
  }

  feed(side: Side, input: SessionInput): void {
    for (const output of side.session.handle(input, this.now)) this.#carryOut(side, output);
  }

  #carryOut(side: Side, output: SessionOutput): void {
    switch (output.kind) {
      case 'dial':
        this.#dial(side, output.connection);
        return;
      case 'send':
        this.#arrive(side.ends.get(output.connection), (end) =>
          this.feed(end.side, { kind: 'received', connection: end.number, bytes: output.bytes }),
        );
        return;
      case 'close': {
        const end = side.ends.get(output.connection);
        if (end === undefined) return;
        end.open = false;
        this.#arrive(end, (other) => {
          other.open = false;
          this.feed(other.side, { kind: 'closed', connection: other.number });
        });
        return;
      }
      case 'arm': {
        const key = `${output.direction}/${output.timer}`;
        const id = this.#order++;
        side.timers.set(key, id);
        this.at(this.now + output.delay, () => {
          if (side.timers.get(key) !== id) return;
          side.timers.delete(key);
          this.feed(side, { kind: 'timer', direction: output.direction, timer: output.timer });
        });
        return;
      }
      case 'cancel':
        side.timers.delete(`${output.direction}/${output.timer}`);
        return;
      case 'down':
        side.downs += 1;
        return;
      default:
    }
  }

  #dial(side: Side, number: number): void {
    const peer = side === this.sides[0] ? this.sides[1] : this.sides[0];
    const end: End = { side, number, other: undefined, open: true, lastArrival: 0 };
    side.ends.set(number, end);
    this.at(this.now + this.#delay(), () => {
      if (!end.open) return;
      peer.accepted += 2;
      const other: End = { side: peer, number: peer.accepted, other: end, open: true, lastArrival: 0 };
      end.other = other;
      peer.ends.set(other.number, other);
      // The SYN-ACK is on its way before anything that the peer sends.
      this.#arrive(other, () => this.feed(side, { kind: 'connected', connection: number }));
      this.feed(peer, { kind: 'accepted', connection: other.number });
    });
  }

  /** Something goes from an end to the other one, in order, if that is still there. */
  #arrive(from: End | undefined, run: (end: End) => void): void {
    const to = from?.other;
    if (to === undefined) return;
    to.lastArrival = Math.max(to.lastArrival, this.now + this.#delay());
    this.at(to.lastArrival, () => {
      if (to.open) run(to);
    });
  }
}

const gracefulRestart = { restartTime: 120, restarting: false, notification: true };

function configFor(as: number, id: number, peerAs: number, settings: Partial<SessionConfig>): SessionConfig {
  return { ...CONFIG, localAs: as, localId: id, peerAs, ...settings };
}

const settings = fc
  .record({
    passive: fc.constantFrom(false, false, true),
    delayOpenTime: fc.constantFrom(0, 0, 200),
    graceful: fc.boolean(),
    collisionDetectEstablished: fc.boolean(),
  })
  .map(({ graceful, ...rest }): Partial<SessionConfig> => {
    const families = [{ family: 'ipv4-unicast' as const, forwarding: true }];
    return graceful ? { ...rest, capabilities: { gracefulRestart: { ...gracefulRestart, families } } } : rest;
  });

describe('two sessions that dial each other', () => {
  test('end with one connection, whatever the network’s delays, and keep it', () => {
    fc.assert(
      fc.property(
        settings,
        settings,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 }),
        fc.nat(300),
        (first, second, external, sameId, delays, later) => {
          fc.pre(!(first.passive && second.passive) && (external || !sameId));
          const [asA, asB] = [64512, external ? 64513 : 64512];
          const pair = new Pair(
            [configFor(asA, 5, asB, first), configFor(asB, sameId ? 5 : 6, asA, second)],
            delays,
          );
          const [a, b] = pair.sides;
          pair.at(0, () => pair.feed(a, { kind: 'start' }));
          pair.at(later, () => pair.feed(b, { kind: 'start' }));
          pair.run(20_000);
          const downs = a.downs + b.downs;
          for (const side of pair.sides)
            expect([side.name, side.session.state]).toEqual([side.name, 'Established']);
          // The same one at both ends.
          const up = [...a.ends.values()].filter((end) => end.open && end.other?.open);
          expect(up).toHaveLength(1);
          // Until here a session may be lost: RFC 4271 §6.8 lets one side, still in OpenConfirm, drop by the rule of
          // identifiers what the other, already Established, keeps.
          // Once up, it stays: hold timers are kept off by KEEPALIVEs.
          pair.run(400_000);
          expect(a.downs + b.downs).toBe(downs);
          expect(a.session.state).toBe('Established');
        },
      ),
      { numRuns: 400 },
    );
  });
});

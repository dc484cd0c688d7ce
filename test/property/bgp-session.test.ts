import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { type Capability, encodeCapability } from '../../protocol/bgp/capability/capability.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import { encodeNotification } from '../../protocol/bgp/message/notification.ts';
import { encodeOpen } from '../../protocol/bgp/message/open.ts';
import type { SessionConfig } from '../../protocol/bgp/session/config.ts';
import type { SessionInput, TimerName } from '../../protocol/bgp/session/event.ts';
import {
  formatRecording,
  outputLine,
  parseRecording,
  type RecordedInput,
} from '../../protocol/bgp/session/recording.ts';
import { Session } from '../../protocol/bgp/session/session.ts';
import { RANK } from '../../protocol/bgp/session/state.ts';
import {
  BIRD_OPEN,
  BIRD_UPDATE,
  END_OF_RIB,
  FRR_OPEN,
  FRR_UPDATE,
  KEEPALIVE,
  message,
} from '../unit/bgp/golden.ts';
import { CONFIG, OPEN } from '../unit/bgp/session-bench.ts';

const FAMILIES: readonly Family[] = ['ipv4-unicast', 'ipv6-unicast', 'l2vpn-evpn'];
const family = fc.constantFrom(...FAMILIES);

const gracefulRestart = fc.record({
  restartTime: fc.nat(4095),
  restarting: fc.boolean(),
  notification: fc.boolean(),
  families: fc.array(fc.record({ family, forwarding: fc.boolean() }), { maxLength: 3 }),
});

const config: fc.Arbitrary<SessionConfig> = fc
  .record(
    {
      localAs: fc.constantFrom(64512, 64513, 4200000000),
      localId: fc.constantFrom(1, 0x7f4c0001, 0xffffffff),
      peerAs: fc.constantFrom<SessionConfig['peerAs']>(64512, 4200000078, [64512, 64513], undefined),
      holdTime: fc.constantFrom(0, 3, 90),
      passive: fc.boolean(),
      families: fc.uniqueArray(family, { minLength: 1 }),
      delayOpenTime: fc.constantFrom(0, 1000),
      minHoldTime: fc.constantFrom(0, 30),
      sendHoldTime: fc.constantFrom(0, 10),
      collisionDetectEstablished: fc.boolean(),
      sendNotificationWithoutOpen: fc.boolean(),
      dampPeerOscillations: fc.boolean(),
      required: fc.subarray(['multiprotocol', 'graceful-restart', 'role', 'four-octet-as'] as const),
      capabilities: fc.record(
        {
          fourOctetAs: fc.boolean(),
          routeRefresh: fc.boolean(),
          enhancedRouteRefresh: fc.boolean(),
          extendedMessage: fc.boolean(),
          addPath: fc.array(fc.record({ family, send: fc.boolean(), receive: fc.boolean() }), {
            maxLength: 2,
          }),
          gracefulRestart,
          role: fc.constantFrom('provider', 'customer', 'peer', 'rs-server', 'rs-client'),
          roleStrict: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['localAs', 'localId', 'peerAs', 'holdTime', 'passive', 'families', 'delayOpenTime'] },
  )
  .map((made) => ({ ...CONFIG, ...made }) as SessionConfig);

const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.constantFrom<Capability>(
    { kind: 'multiprotocol', afi: 1, safi: 1 },
    { kind: 'multiprotocol', afi: 25, safi: 70 },
    { kind: 'route-refresh' },
    { kind: 'enhanced-route-refresh' },
    { kind: 'extended-message' },
    { kind: 'four-octet-as', asn: 64512 },
    { kind: 'four-octet-as', asn: 0 },
    { kind: 'role', role: 0 },
    { kind: 'role', role: 200 },
  ),
  fc.record({
    kind: fc.constant('graceful-restart' as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    restartTime: fc.nat(4095),
    families: fc.array(
      fc.record({ afi: fc.nat(3), safi: fc.constantFrom(1, 2, 99), forwarding: fc.boolean() }),
      { maxLength: 3 },
    ),
  }),
);

const open = fc
  .record({
    version: fc.constantFrom(4, 4, 4, 3),
    myAs: fc.constantFrom(64512, 23456, 0),
    holdTime: fc.constantFrom(0, 2, 3, 90),
    bgpId: fc.constantFrom(0, 1, 0x7f4c0002),
    capabilities: fc.array(capability, { maxLength: 5 }),
  })
  .map((fields) => encodeOpen({ ...OPEN, ...fields }));

const notification = fc
  .record({
    code: fc.constantFrom(2, 3, 6, 6, 77),
    subcode: fc.nat(12),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      capability.map((made) => {
        const writer = new ByteWriter(16);
        encodeCapability(made, writer);
        return writer.finish();
      }),
    ),
  })
  .map(encodeNotification);

/** Messages as a peer may send them, sound ones more often, so that sessions come up. */
const chunk = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(BIRD_OPEN, FRR_OPEN, encodeOpen(OPEN)) },
  { weight: 6, arbitrary: fc.constant(KEEPALIVE) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      BIRD_UPDATE,
      FRR_UPDATE,
      END_OF_RIB,
      message('0017 05 0001 00 01'),
      message('0017 05 0001 01 01'),
      message('0017 05 0001 02 01'),
      message('0018 05 0001 02 01 00'),
    ),
  },
  { weight: 2, arbitrary: open },
  { weight: 2, arbitrary: notification },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);
const bytes = fc
  .array(chunk, { minLength: 1, maxLength: 4 })
  .map((chunks) => Uint8Array.from(chunks.flatMap((part) => [...part])));
/** A stream cut at any octet. */
const cutBytes = fc
  .tuple(bytes, fc.nat(), fc.boolean())
  .map(([whole, at, cut]) => (cut ? whole.subarray(0, at % (whole.length + 1)) : whole));

const TIMERS: readonly TimerName[] = [
  'ConnectRetryTimer',
  'HoldTimer',
  'KeepaliveTimer',
  'DelayOpenTimer',
  'IdleHoldTimer',
  'SendHoldTimer',
];
const connection = fc.integer({ min: 1, max: 8 });
const cease = { subcode: fc.nat(10), hard: fc.boolean() };

const input: fc.Arbitrary<SessionInput> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('connected' as const), connection }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('accepted' as const), connection: fc.constantFrom(2, 4, 6, 8) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('closed' as const), connection }) },
  {
    weight: 16,
    arbitrary: fc.record({ kind: fc.constant('received' as const), connection, bytes: cutBytes }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('timer' as const),
      direction: fc.constantFrom('outgoing', 'incoming'),
      timer: fc.constantFrom(...TIMERS),
    }),
  },
  fc.record({ kind: fc.constant('stop' as const), ...cease, silent: fc.boolean(), text: fc.string() }),
  fc.record({ kind: fc.constant('reset' as const), ...cease, text: fc.string({ unit: 'binary' }) }),
  fc.record({ kind: fc.constant('updates-sent' as const), messages: fc.nat(9) }),
  fc.record({ kind: fc.constantFrom('blocked' as const, 'unblocked' as const), connection }),
  fc.record({
    kind: fc.constant('request-refresh' as const),
    family,
    subtype: fc.constantFrom(0 as const, 1 as const, 2 as const),
  }),
  fc.record({ kind: fc.constant('disable-family' as const), family }),
  fc.record({ kind: fc.constant('restarting' as const), restarting: fc.boolean() }),
);

/** Inputs with times that pass by steps of up to a quarter of an hour. */
const inputs: fc.Arbitrary<RecordedInput[]> = fc
  .array(
    fc.tuple(input, fc.oneof(fc.nat(50), fc.nat(900_000), fc.double({ min: 0, max: 10, noNaN: true }))),
    {
      maxLength: 60,
    },
  )
  .map((steps) => {
    let at = 0;
    return steps.map(([what, wait]) => {
      at += wait;
      return { at, input: what };
    });
  });

/** Starts of sessions that lead somewhere, before what is random. */
const opening: fc.Arbitrary<RecordedInput[]> = fc.constantFrom<RecordedInput[]>(
  [],
  [
    { at: 0, input: { kind: 'start' } },
    { at: 0, input: { kind: 'connected', connection: 1 } },
    { at: 0, input: { kind: 'received', connection: 1, bytes: encodeOpen(OPEN) } },
    { at: 0, input: { kind: 'received', connection: 1, bytes: KEEPALIVE } },
  ],
  [
    { at: 0, input: { kind: 'start' } },
    { at: 0, input: { kind: 'accepted', connection: 2 } },
    { at: 0, input: { kind: 'received', connection: 2, bytes: BIRD_OPEN } },
    { at: 0, input: { kind: 'received', connection: 2, bytes: KEEPALIVE } },
  ],
);
const story = fc.tuple(opening, inputs).map(([first, rest]) => [...first, ...rest]);

function play(session: Session, steps: readonly RecordedInput[]): string[] {
  return steps.flatMap(({ at, input: what }) => session.handle(what, at).map(outputLine));
}

describe('BGP session', () => {
  test('nothing makes it throw, and a recording of it replays to the same octets', () => {
    fc.assert(
      fc.property(config, story, (settings, steps) => {
        const live = play(new Session(settings), steps);
        const recording = parseRecording(formatRecording({ config: settings, inputs: steps }));
        expect(play(new Session(recording.config), recording.inputs)).toEqual(live);
      }),
      { numRuns: 1500 },
    );
  });

  test('timers, connections and reports of it are consistent', () => {
    fc.assert(
      fc.property(config, story, (settings, steps) => {
        const session = new Session(settings);
        const armed = new Set<string>();
        let up = false;
        let state = 'Idle';
        for (const { at, input: what } of steps) {
          if (what.kind === 'timer') armed.delete(`${what.direction}/${what.timer}`);
          for (const output of session.handle(what, at)) {
            if (output.kind === 'arm') {
              expect(output.delay).toBeGreaterThanOrEqual(0);
              armed.add(`${output.direction}/${output.timer}`);
            }
            if (output.kind === 'cancel') armed.delete(`${output.direction}/${output.timer}`);
            if (output.kind === 'established') {
              expect(up).toBe(false);
              up = true;
            }
            if (output.kind === 'down') {
              expect(up).toBe(true);
              up = false;
            }
            if (output.kind === 'update' || output.kind === 'refresh') expect(up).toBe(true);
            if (output.kind === 'state') {
              expect(output.state).not.toBe(state);
              state = output.state;
            }
          }
          expect(session.state).toBe(state);
          expect(up).toBe(session.state === 'Established');
          for (const fsm of [session.outgoing, session.incoming]) {
            const idle = RANK[fsm.state] === RANK.Idle;
            if (idle) expect(fsm.connection).toBeUndefined();
            for (const timer of TIMERS) {
              expect(armed.has(`${fsm.direction}/${timer}`)).toBe(fsm.isArmed(timer));
              if (idle && timer !== 'IdleHoldTimer') expect(fsm.isArmed(timer)).toBe(false);
            }
          }
        }
      }),
      { numRuns: 1500 },
    );
  });
});

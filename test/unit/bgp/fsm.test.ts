import { describe, expect, test } from 'vitest';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { decodeOpen } from '../../../protocol/bgp/message/open.ts';
import { decodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { completeConfig, type SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { Direction, FsmEvent, SessionOutput, TimerName } from '../../../protocol/bgp/session/event.ts';
import { Fsm } from '../../../protocol/bgp/session/fsm.ts';
import { negotiate } from '../../../protocol/bgp/session/negotiate.ts';
import { Offer } from '../../../protocol/bgp/session/offer.ts';
import type { SessionState } from '../../../protocol/bgp/session/state.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { type Situation, TABLE, type Transition, transitions } from './fsm-table.ts';
import { BIRD_OPEN, END_OF_RIB } from './golden.ts';
import { CONFIG } from './session-bench.ts';

const TIMERS: readonly TimerName[] = [
  'ConnectRetryTimer',
  'HoldTimer',
  'KeepaliveTimer',
  'DelayOpenTimer',
  'IdleHoldTimer',
  'SendHoldTimer',
];
/** So long after everything that every timer has really expired. */
const LATER = 1_000_000;
const MINE = 1;
const OTHER = 99;

/** A machine of its own, without a session. */
class Machine {
  readonly fsm: Fsm;
  outputs: SessionOutput[] = [];

  constructor(config: Partial<SessionConfig>, direction: Direction) {
    const complete = completeConfig({ ...CONFIG, ...config });
    this.fsm = new Fsm(complete, direction, {
      emit: (output) => this.outputs.push(output),
      nextConnection: () => MINE,
      offer: new Offer(complete),
    });
  }

  get running(): TimerName[] {
    return TIMERS.filter((timer) => this.fsm.isArmed(timer));
  }

  /** Brings it where the event is to happen. */
  to(situation: Situation): this {
    const { fsm } = this;
    const [state, delayed] = situation.split(', ');
    if (state === 'Idle') return this;
    const start = state === 'Active' ? 'ManualStart_with_PassiveTcpEstablishment' : 'ManualStart';
    fsm.handle({ kind: start }, 0);
    if (delayed !== undefined) fsm.handle({ kind: 'TcpConnectionConfirmed', connection: MINE }, 0);
    if (state === 'Connect' || state === 'Active') return this;
    fsm.handle({ kind: 'Tcp_CR_Acked', connection: MINE }, 0);
    if (state === 'OpenSent') return this;
    fsm.handle(eventOf('BGPOpen'), 0);
    if (state === 'Established') fsm.handle({ kind: 'KeepAliveMsg' }, 0);
    return this;
  }

  handle(event: FsmEvent): this {
    const timer = event.kind.endsWith('_Expires') ? (event.kind.slice(0, -8) as TimerName) : undefined;
    if (timer !== undefined) this.fsm.fired(timer);
    this.outputs = [];
    this.fsm.handle(event, LATER);
    return this;
  }
}

const ERROR = new BgpError('test', 0, 'nothing', 3, 9, Uint8Array.of(7));
const open = decodeOpen(BIRD_OPEN);
const config = completeConfig(CONFIG);
const negotiated = negotiate(config, new Offer(config).capabilities(), open);
const notification = { kind: 'notification' as const, code: 6, subcode: 2, data: new Uint8Array(0) };

/** An event by its name in the RFC. */
function eventOf(name: string): FsmEvent {
  switch (name) {
    case 'ManualStop':
      return { kind: name, cease: { code: 6, subcode: 2, data: new Uint8Array(0) } };
    case 'AutomaticStop':
      return { kind: name, cease: { code: 6, subcode: 4, data: new Uint8Array(0) } };
    case 'TcpConnection_Valid':
    case 'Tcp_CR_Invalid':
      return { kind: name, connection: OTHER };
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return { kind: name, connection: MINE };
    case 'TcpConnectionFails':
      return { kind: name, reason: 'lost' };
    case 'BGPOpen':
    case 'BGPOpen_with_DelayOpenTimer_running':
      return { kind: name, open, negotiated };
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsgErr':
      return { kind: name, error: ERROR };
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      return { kind: name, message: notification };
    case 'UpdateMsg':
      return { kind: name, message: decodeUpdate(END_OF_RIB, negotiated.context) };
    case 'RouteRefreshMsg':
      return { kind: name, message: { kind: 'route-refresh', afi: 1, safi: 1, subtype: 0 } };
    default:
      return { kind: name } as FsmEvent;
  }
}

const NAMES = ['', 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'ROUTE-REFRESH'];

/** What went out, in the words of the table. */
function actions(outputs: readonly SessionOutput[]): string[] {
  return outputs.flatMap((output) => {
    if (output.kind === 'dial') return ['dial'];
    if (output.kind === 'close') {
      return [output.connection === OTHER ? 'reject' : output.abort ? 'abort' : 'drop'];
    }
    if (output.kind !== 'send') return [];
    const [code, subcode, ...data] = output.bytes.subarray(19);
    if (output.bytes[18] !== 3) return [NAMES[output.bytes[18]!]!];
    if (code === 3 && subcode === 9) return ['err'];
    return [`${code}/${subcode}${data.length > 0 ? `:${toHex(Uint8Array.from(data))}` : ''}`];
  });
}

/** The timers that should run afterwards. */
function expectedTimers(
  before: readonly TimerName[],
  { next, event, actions: words }: Transition,
): TimerName[] {
  if (next === 'Idle') return [];
  const timers = new Set(before);
  if (event.endsWith('_Expires')) timers.delete(event.slice(0, -8) as TimerName);
  for (const word of words) {
    if (word.startsWith('+')) timers.add(word.slice(1) as TimerName);
    if (word.startsWith('-')) timers.delete(word.slice(1) as TimerName);
  }
  return TIMERS.filter((timer) => timers.has(timer));
}

const SITUATIONS = Object.keys(TABLE) as Situation[];

describe.each(SITUATIONS)('%s', (situation) => {
  const cells = transitions(situation);

  test('the table says something about every event', () => {
    expect(cells.map(({ number }) => number)).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
  });

  test.each(cells)('$number $event', (cell) => {
    const delayed = situation.includes('DelayOpen');
    const machine = new Machine(delayed ? { delayOpenTime: 3000 } : {}, 'outgoing').to(situation);
    const { fsm } = machine;
    expect(fsm.state).toBe(situation.split(',')[0]);
    const before = machine.running;
    const held = fsm.connection !== undefined;
    fsm.connectRetryCounter = 5;
    machine.handle(eventOf(cell.event));
    expect(fsm.state).toBe(cell.next);
    const words = cell.actions.filter((word) => !/^[-+]|^(zero|count)$/.test(word));
    // Some cells cannot be reached without a connection; then there is nothing to send on or to drop.
    const connected = held || !/Idle|OpenSent|OpenConfirm/.test(cell.next) || words.includes('OPEN');
    const unreachable = !held && /^(DelayOpenTimer_Expires|BGPOpen_with)/.test(cell.event);
    expect(actions(machine.outputs)).toEqual(connected && !unreachable ? words : []);
    const counter = cell.actions.includes('zero') ? 0 : cell.actions.includes('count') ? 6 : 5;
    expect(fsm.connectRetryCounter).toBe(counter);
    expect(machine.running).toEqual(expectedTimers(before, cell));
    if (cell.next === 'Idle') {
      expect(fsm.connection).toBeUndefined();
      expect(fsm.negotiated).toBeUndefined();
    }
  });
});

describe('the machine for accepted connections', () => {
  test.each([
    'ManualStart_with_PassiveTcpEstablishment',
    'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
  ])('never dials: %s starts no ConnectRetryTimer', (name) => {
    const machine = new Machine({}, 'incoming').handle(eventOf(name));
    expect([machine.fsm.state, machine.running]).toEqual(['Active', []]);
  });

  test('nor does it after a loss in OpenSent', () => {
    const machine = new Machine({}, 'incoming').handle(eventOf('ManualStart_with_PassiveTcpEstablishment'));
    machine.handle(eventOf('TcpConnectionConfirmed'));
    expect(machine.fsm.state).toBe<SessionState>('OpenSent');
    machine.handle(eventOf('TcpConnectionFails'));
    expect([machine.fsm.state, machine.running]).toEqual(['Active', []]);
  });
});

describe('optional attributes (RFC 4271 §8.1.1)', () => {
  test.each<[Situation, string]>([
    ['Connect, DelayOpenTimer running', 'BGPHeaderErr'],
    ['Connect, DelayOpenTimer running', 'BGPOpenMsgErr'],
    ['Active, DelayOpenTimer running', 'BGPHeaderErr'],
    ['Active, DelayOpenTimer running', 'ManualStop'],
  ])('without SendNOTIFICATIONwithoutOPEN nothing is sent in %s on %s', (situation, name) => {
    const settings = { delayOpenTime: 3000, sendNotificationWithoutOpen: false };
    const machine = new Machine(settings, 'outgoing').to(situation).handle(eventOf(name));
    expect(actions(machine.outputs)).toEqual(['drop']);
    expect(machine.fsm.state).toBe('Idle');
  });

  test('hold time 0 starts neither HoldTimer nor KeepaliveTimer', () => {
    const machine = new Machine({}, 'outgoing').to('OpenSent');
    machine.handle({ kind: 'BGPOpen', open, negotiated: { ...negotiated, holdTime: 0 } });
    expect([machine.fsm.state, machine.running]).toEqual(['OpenConfirm', []]);
  });

  test('a ManualStop without a Cease ends without a word (RFC 4724 §4)', () => {
    const machine = new Machine({}, 'outgoing').to('Established').handle({ kind: 'ManualStop' });
    expect(actions(machine.outputs)).toEqual(['drop']);
  });
});

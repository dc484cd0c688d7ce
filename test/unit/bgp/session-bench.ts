import { expect } from 'vitest';
import type { OpenMessage } from '../../../protocol/bgp/message/open.ts';
import { DEFAULT_TIMING, type SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { SessionInput, SessionOutput } from '../../../protocol/bgp/session/event.ts';
import { Session } from '../../../protocol/bgp/session/session.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_OPEN, KEEPALIVE } from './golden.ts';

export const CONFIG: SessionConfig = {
  localAs: 64512,
  localId: 0x7f4c0001,
  peerAs: 64512,
  holdTime: 90,
  passive: false,
  families: ['ipv4-unicast'],
  ...DEFAULT_TIMING,
};

export const PASSIVE: SessionConfig = { ...CONFIG, passive: true };
/** Number of the first connection that a session dials. */
export const DIALLED: number = 1;
export const ACCEPTED: number = 2;

/** Outputs in short: sent messages by type, NOTIFICATIONs with code/subcode and data. */
export function short(outputs: readonly SessionOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.kind) {
      case 'send': {
        const type = ['', 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'REFRESH'][output.bytes[18]!]!;
        if (type !== 'NOTIFICATION') return `send ${type} ${output.connection}`;
        const [code, subcode, ...data] = output.bytes.subarray(19);
        const tail = data.length > 0 ? ` ${toHex(Uint8Array.from(data))}` : '';
        return `send ${code}/${subcode}${tail} ${output.connection}`;
      }
      case 'dial':
      case 'close':
        return `${output.kind} ${output.connection}`;
      case 'arm':
        return `arm ${output.direction} ${output.timer} ${Math.round(output.delay)}${output.jittered ? ' jittered' : ''}`;
      case 'cancel':
        return `cancel ${output.direction} ${output.timer}`;
      case 'state':
        return output.state;
      case 'error':
        return `error ${output.reason}`;
      case 'down':
        return 'down';
      default:
        return output.kind;
    }
  });
}

/** A session with its clock, fed input by input. */
export class Bench {
  readonly session: Session;
  now = 0;

  constructor(config: SessionConfig = CONFIG) {
    this.session = new Session(config);
  }

  feed(input: SessionInput): string[] {
    return short(this.session.handle(input, this.now));
  }

  receive(bytes: Uint8Array, connection: number = DIALLED): string[] {
    return this.feed({ kind: 'received', connection, bytes });
  }

  /** Brings the session, over a dialled connection, into a state. */
  to(state: 'OpenSent' | 'OpenConfirm' | 'Established'): this {
    this.feed({ kind: 'start' });
    this.feed({ kind: 'connected', connection: DIALLED });
    if (state !== 'OpenSent') this.receive(BIRD_OPEN);
    if (state === 'Established') this.receive(KEEPALIVE);
    expect(this.session.state).toBe(state);
    return this;
  }
}

export const OPEN: OpenMessage = {
  kind: 'open',
  version: 4,
  myAs: 64512,
  holdTime: 90,
  bgpId: 0x7f4c0002,
  capabilities: [{ kind: 'four-octet-as', asn: 64512 }],
};

// A session in every state, and the RIB behind it: after each mutated message things are as the RFCs want them.
import { readUint16 } from '../../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import {
  decodeHeader,
  HEADER_LENGTH,
  KEEPALIVE as KEEPALIVE_TYPE,
  NOTIFICATION,
  OPEN,
  ROUTE_REFRESH,
  UPDATE,
} from '../../../protocol/bgp/message/header.ts';
import { decodeMessage } from '../../../protocol/bgp/message/message.ts';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RibPeerConfig } from '../../../protocol/bgp/rib/route.ts';
import type { SessionConfig } from '../../../protocol/bgp/session/config.ts';
import type { SessionOutput } from '../../../protocol/bgp/session/event.ts';
import {
  formatRecording,
  outputLine,
  parseRecording,
  type RecordedInput,
  replay,
} from '../../../protocol/bgp/session/recording.ts';
import { Session } from '../../../protocol/bgp/session/session.ts';
import type { SessionState } from '../../../protocol/bgp/session/state.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { BIRD_UPDATE, KEEPALIVE } from '../../unit/bgp/golden.ts';
import { CONFIG, DIALLED } from '../../unit/bgp/session-bench.ts';
import { mutateMessage } from '../mutate-message.ts';
import { ALL_FAMILIES, MESSAGES, OPENS, POOL, UPDATES } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';

type Stage = 'OpenSent' | 'OpenConfirm' | 'Established';

interface SessionCase {
  readonly stage: Stage;
  readonly external: boolean;
  readonly addPath: boolean;
  readonly fourOctetAs: boolean;
}

const LOCAL_AS = 64512;

function configOf({ external, addPath, fourOctetAs }: SessionCase): SessionConfig {
  return {
    ...CONFIG,
    peerAs: external ? 64513 : LOCAL_AS,
    families: ALL_FAMILIES,
    capabilities: {
      fourOctetAs,
      extendedMessage: true,
      addPath: addPath ? ALL_FAMILIES.map((family) => ({ family, send: true, receive: true })) : [],
      extendedNextHop: ['ipv4-unicast'],
    },
  };
}

/** The OPEN of a peer that can do everything that we ask for. */
function peerOpen(config: SessionConfig, session: Session): Uint8Array {
  const [asn] = [config.peerAs as number];
  const ours = session.outgoing.offered ?? [];
  const capabilities = ours.map((capability) =>
    capability.kind === 'four-octet-as' ? { ...capability, asn } : capability,
  );
  return encodeOpen({ version: 4, myAs: asn, holdTime: 90, bgpId: 0x0a000002, capabilities });
}

/** A session that is being recorded. */
class Bench {
  readonly session: Session;
  readonly config: SessionConfig;
  readonly inputs: RecordedInput[] = [];
  readonly lines: string[] = [];
  #now = 0;

  constructor(config: SessionConfig) {
    this.config = config;
    this.session = new Session(config);
  }

  feed(input: RecordedInput['input']): readonly SessionOutput[] {
    this.#now += 7;
    this.inputs.push({ at: this.#now, input });
    const outputs = this.session.handle(input, this.#now);
    for (const output of outputs) this.lines.push(outputLine(output));
    return outputs;
  }

  receive(bytes: Uint8Array): readonly SessionOutput[] {
    return this.feed({ kind: 'received', connection: DIALLED, bytes });
  }

  /** @throws Error where the session does not come so far. */
  to(stage: Stage): void {
    this.feed({ kind: 'start' });
    this.feed({ kind: 'connected', connection: DIALLED });
    if (stage !== 'OpenSent') this.receive(peerOpen(this.config, this.session));
    if (stage === 'Established') this.receive(KEEPALIVE);
    if (this.session.state !== stage) throw new Error(`${this.session.state} instead of ${stage}`);
  }

  /** @throws Error where a replay of the text of the recording gives anything else. */
  checkReplay(): void {
    const again: string[] = [];
    const recording = parseRecording(formatRecording({ config: this.config, inputs: this.inputs }));
    replay(recording, (outputs) => {
      for (const output of outputs) again.push(outputLine(output));
    });
    if (again.join('\n') !== this.lines.join('\n')) throw new Error('a replay gives other outputs');
  }
}

/** One message in one state: what comes of it is what the decoder says, and the next session is as good as any. */
export const sessionTarget: FuzzTarget<SessionCase> = {
  name: 'session',
  weight: 10,
  make(random) {
    const stage = random.pick<Stage>([
      'OpenSent',
      'OpenConfirm',
      'Established',
      'Established',
      'Established',
    ]);
    const seeds = random.oneIn(4) ? MESSAGES : stage === 'OpenSent' ? OPENS : UPDATES;
    return {
      bytes: mutateMessage(random.pick(seeds), random, POOL),
      stage,
      external: random.oneIn(2),
      addPath: random.oneIn(4),
      fourOctetAs: !random.oneIn(4),
    };
  },
  check(bytes, made) {
    const bench = new Bench(configOf(made));
    const rib = new RibBench();
    bench.to(made.stage);
    const { session } = bench;
    if (made.stage === 'Established') rib.up(session, made.external);
    const context = session.negotiated?.context;
    const outputs = bench.receive(bytes);
    for (const output of outputs) {
      if (output.kind === 'update') rib.update(output.message);
    }
    checkOutcome(bytes, made.stage, context, session.outgoing.state, outputs);
    rib.check();
    // Not in the middle of a message.
    if (session.state === 'Established' && isWhole(bytes)) {
      bench.receive(BIRD_UPDATE);
      if (session.state !== ('Established' as SessionState))
        throw new Error('a sound UPDATE ends the session');
    }
    bench.checkReplay();
    rib.down();
    const next = new Bench(bench.config);
    next.to('Established');
  },
};

function isWhole(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_LENGTH && readUint16(bytes, 16) === bytes.length;
}

/** What RFC 4271 §6 wants: the NOTIFICATION that the decoder names, or a session that goes on. */
function checkOutcome(
  bytes: Uint8Array,
  stage: Stage,
  context: CodecContext | undefined,
  state: SessionState,
  outputs: readonly SessionOutput[],
): void {
  const sent = outputs.filter((output) => output.kind === 'send').map(({ bytes: out }) => out);
  const notification = sent.find((out) => out[18] === 3);
  const closed = outputs.some(({ kind }) => kind === 'close');
  const down = outputs.some(({ kind }) => kind === 'down');
  if (closed !== (state === 'Idle')) throw new Error(`${state}, but ${closed ? '' : 'not '}closed`);
  if (down !== (closed && stage === 'Established')) throw new Error(`${down ? '' : 'not '}down in ${stage}`);
  if (notification !== undefined && !closed) throw new Error('a NOTIFICATION went out on an open connection');
  const expected = expectedNotification(bytes, stage, context);
  const got = notification === undefined ? 'none' : toHex(notification.subarray(HEADER_LENGTH));
  if (expected === 'any') return;
  if (expected === 'open') {
    if (closed || notification !== undefined) throw new Error(`closed with ${got}, expected to stay`);
  } else if (!closed || got !== expected)
    throw new Error(`${closed ? 'closed' : 'open'} with ${got}, expected ${expected}`);
}

/** `"open"`: stays; `"none"`: closed without one; `"any"`: whatever; otherwise what it says, in hex. */
function expectedNotification(bytes: Uint8Array, stage: Stage, known: CodecContext | undefined): string {
  if (bytes.length < HEADER_LENGTH) return 'open';
  // Before OPENs are exchanged, plain messages only.
  const context = known ?? { fourOctetAs: false, extendedMessage: false, peerType: 'external', families: [] };
  try {
    const { length } = decodeHeader(bytes, 0, context);
    if (length > bytes.length) return 'open';
    // What follows the first message is another one.
    if (length < bytes.length) return 'any';
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    // A NOTIFICATION is never answered with one (RFC 4271 §6.4).
    return bytes[18] === NOTIFICATION && error.notification.subcode === 2 ? 'none' : notificationHex(error);
  }
  const type = bytes[18]!;
  // The data of an FSM error is the type of the message that nobody expected.
  const unexpected = (subcode: number): string => toHex(Uint8Array.of(5, subcode, type));
  if (type === NOTIFICATION) return 'none';
  if (type === ROUTE_REFRESH) return 'any';
  if (stage === 'OpenSent') return type === OPEN ? openOutcome(bytes) : unexpected(1);
  if (stage === 'OpenConfirm')
    return type === KEEPALIVE_TYPE ? 'open' : type === OPEN ? 'any' : unexpected(2);
  if (type !== UPDATE) return type === KEEPALIVE_TYPE ? 'open' : 'any';
  try {
    decodeMessage(bytes, context);
    return 'open';
  } catch (error) {
    if (error instanceof BgpError) return notificationHex(error);
    throw error;
  }
}

/** A sound OPEN may still be refused for what it says. */
function openOutcome(bytes: Uint8Array): string {
  try {
    decodeMessage(bytes, { fourOctetAs: false, extendedMessage: false, peerType: 'external', families: [] });
    return 'any';
  } catch (error) {
    if (error instanceof BgpError) return notificationHex(error);
    throw error;
  }
}

function notificationHex({ notification: { code, subcode, data } }: BgpError): string {
  return toHex(Uint8Array.of(code, subcode, ...data)).slice(0, 2 * (4096 - HEADER_LENGTH));
}

const WITNESS: Omit<RibPeerConfig, 'name' | 'asn' | 'address' | 'routerId' | 'peerType'> = {
  localAddress: Uint8Array.of(10, 0, 0, 1),
  client: false,
  nextHopSelf: false,
  families: ALL_FAMILIES,
  fourOctetAs: true,
  maxMessageLength: 4096,
};

/** A RIB with the peer that sends what is mutated, and another one that is told about it. */
class RibBench {
  readonly #rib = new Rib({ asn: LOCAL_AS, routerId: 0x0a000001, clusterId: 0x0a000001 });
  readonly #witness: number;
  #peer: number | undefined;

  constructor() {
    const address = Uint8Array.of(10, 0, 0, 9);
    this.#witness = this.#rib.addPeer({
      ...WITNESS,
      name: 'witness',
      asn: 65009,
      address,
      routerId: 9,
      peerType: 'external',
    });
  }

  up(session: Session, external: boolean): void {
    const { families, context, peerAs } = session.negotiated!;
    this.#peer = this.#rib.addPeer({
      ...WITNESS,
      name: 'peer',
      asn: peerAs,
      address: Uint8Array.of(10, 0, 0, 2),
      routerId: 2,
      peerType: external ? 'external' : 'internal',
      client: !external,
      families,
      fourOctetAs: context.fourOctetAs,
    });
  }

  update(message: Parameters<Rib['update']>[1]): void {
    if (this.#peer !== undefined) this.#rib.update(this.#peer, message);
  }

  /** Counts agree with what is listed, and everything that goes to the other peer can be read by it. */
  check(): void {
    this.#flush();
    for (const id of [this.#witness, this.#peer]) {
      if (id === undefined) continue;
      const [received, sent] = [[...this.#rib.adjRibIn(id)].length, [...this.#rib.adjRibOut(id)].length];
      if (received !== this.#rib.receivedCount(id))
        throw new Error(`${received} received, counted ${this.#rib.receivedCount(id)}`);
      if (sent !== this.#rib.sentCount(id))
        throw new Error(`${sent} sent, counted ${this.#rib.sentCount(id)}`);
    }
    for (const _ of this.#rib.paths());
  }

  /** Nothing of the peer is left. */
  down(): void {
    if (this.#peer !== undefined) this.#rib.removePeer(this.#peer);
    this.#flush();
    if ([...this.#rib.paths()].length > 0) throw new Error('paths of a peer that is gone');
    if (this.#rib.sentCount(this.#witness) > 0)
      throw new Error('routes of a peer that is gone were not withdrawn');
    if (this.#rib.attributeSets !== 0) throw new Error(`${this.#rib.attributeSets} attribute sets are left`);
  }

  #flush(): void {
    for (;;) {
      const { deliveries, pending } = this.#rib.flush();
      for (const { peer, chunks } of deliveries) for (const chunk of chunks) this.#read(peer, chunk);
      if (!pending) return;
    }
  }

  /** @throws Error where a message to the witness has a fault. */
  #read(peer: number, chunk: Uint8Array): void {
    if (peer !== this.#witness) return;
    const context: CodecContext = {
      fourOctetAs: true,
      extendedMessage: false,
      peerType: 'external',
      families: ALL_FAMILIES,
    };
    for (let at = 0; at < chunk.length; ) {
      const { length } = decodeHeader(chunk, at, context);
      const message = decodeMessage(chunk.subarray(at, at + length), context);
      if (message.kind === 'update' && (message.faults.length > 0 || message.faultyRoutes.length > 0)) {
        const [fault] = [...message.faults, ...message.faultyRoutes];
        throw new Error(
          `what goes out has a fault: ${fault!.reason}: ${toHex(chunk.subarray(at, at + length))}`,
        );
      }
      at += length;
    }
  }
}

/** Tells who follows a speaker's sessions when they come up and go down, and which routes their peers speak of. */
import type { Family } from '../../protocol/bgp/family.ts';
import { announcedRoutes, type UpdateMessage, withdrawnRoutes } from '../../protocol/bgp/message/update.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import type { RibChange } from '../../protocol/bgp/rib/rib.ts';
import type { SessionCounters } from '../../protocol/bgp/session/counters.ts';
import type { NotificationRecord } from '../../protocol/bgp/session/event.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import type { Endpoint } from '../ports.ts';
import type { OpenPair } from './open-recorder.ts';

/** A session from Established until it is down. */
export interface MonitoredSession {
  /** Name of the peer in the configuration. */
  readonly name: string;
  /** Its number in the RIB. */
  readonly ribPeer: number;
  readonly negotiated: Negotiated;
  /** The two ends of its connection. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly opens: OpenPair;
  /** Wall-clock nanoseconds since which it is up. */
  readonly since: bigint;
  /** Of all sessions with this peer, as they go on. */
  readonly counters: SessionCounters;
}

/** How a session ended. */
export interface SessionEnd {
  /** The NOTIFICATION that went out or came in, if any did. */
  readonly notification: NotificationRecord | undefined;
  /** We ended it without one, on purpose; otherwise the connection was lost. */
  readonly silent: boolean;
}

/** Whoever follows sessions. What he is told has happened already: the RIB knows of it. */
export interface SessionListener {
  up(session: MonitoredSession): void;
  down(session: MonitoredSession, end: SessionEnd): void;
  /** The peer announced or withdrew routes: octets that are the listeners' own, to be left as they are. */
  routes(session: MonitoredSession, nlri: readonly Nlri[]): void;
  endOfRib(session: MonitoredSession, family: Family): void;
  /** UPDATEs and perhaps other messages went to the peer; octets that never change. */
  sent(session: MonitoredSession, chunks: readonly Uint8Array[]): void;
  /** Best routes changed; their numbers are valid during the call. Only where the RIB reports changes. */
  selected(changes: readonly RibChange[]): void;
  /** Import has judged all routes of the peer again. */
  judged(session: MonitoredSession): void;
  /** Routes went that the peer did not name: those that it did not repeat in a refresh (RFC 7313 §4). */
  purged(session: MonitoredSession): void;
}

export class SessionMonitors {
  /** Sessions that are up, by whose they are. */
  readonly #sessions = new Map<object, MonitoredSession>();
  readonly #listeners = new Set<SessionListener>();

  /** Sessions that are up. */
  get sessions(): Iterable<MonitoredSession> {
    return this.#sessions.values();
  }

  /** Tells a listener everything from now on; returns what ends that. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  up(peer: object, session: MonitoredSession): void {
    this.#sessions.set(peer, session);
    for (const listener of this.#listeners) listener.up(session);
  }

  down(peer: object, end: SessionEnd): void {
    const session = this.#sessions.get(peer);
    if (session === undefined) return;
    this.#sessions.delete(peer);
    for (const listener of this.#listeners) listener.down(session, end);
  }

  /** @param ended the family whose initial routes the message ends. */
  update(peer: object, message: UpdateMessage, ended: Family | undefined): void {
    if (this.#listeners.size === 0) return;
    const session = this.#sessions.get(peer);
    if (session === undefined) return;
    const nlri = [...withdrawnRoutes(message), ...announcedRoutes(message)].map(copied);
    for (const listener of this.#listeners) {
      if (nlri.length > 0) listener.routes(session, nlri);
      if (ended !== undefined) listener.endOfRib(session, ended);
    }
  }

  sent(peer: object, chunks: readonly Uint8Array[]): void {
    if (this.#listeners.size === 0) return;
    const session = this.#sessions.get(peer);
    if (session !== undefined) for (const listener of this.#listeners) listener.sent(session, chunks);
  }

  selected(changes: readonly RibChange[]): void {
    if (changes.length > 0) for (const listener of this.#listeners) listener.selected(changes);
  }

  judged(peer: object): void {
    const session = this.#sessions.get(peer);
    if (session !== undefined) for (const listener of this.#listeners) listener.judged(session);
  }

  purged(peer: object): void {
    const session = this.#sessions.get(peer);
    if (session !== undefined) for (const listener of this.#listeners) listener.purged(session);
  }
}

/** NLRI of a message, which is a view, to be kept. */
function copied({ family, bytes, addPath = false }: Nlri): Nlri {
  return { family, bytes: bytes.slice(), addPath };
}

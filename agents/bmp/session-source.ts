/** From what a speaker tells of its sessions to what a collector is to be told. */
import { ByteWriter, readUint16 } from '../../protocol/bgp/byte-writer.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import { HEADER_LENGTH, UPDATE } from '../../protocol/bgp/message/header.ts';
import { encodeNotification } from '../../protocol/bgp/message/notification.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import type { RibMonitor } from '../../protocol/bgp/rib/monitor.ts';
import type { RibChange } from '../../protocol/bgp/rib/rib.ts';
import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import type { DownCause } from '../../protocol/bmp/peer-down.ts';
import {
  LOCAL_NO_NOTIFICATION,
  LOCAL_NOTIFICATION,
  REMOTE_NO_NOTIFICATION,
  REMOTE_NOTIFICATION,
} from '../../protocol/bmp/types.ts';
import type { MonitoredSession, SessionEnd, SessionListener } from '../bgp/session-monitors.ts';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import { LOC_RIB_DOWN, LocRibPeer } from './loc-rib-peer.ts';
import type { RouteFeed } from './route-feed.ts';
import { SessionPeer } from './session-peer.ts';
import type { BmpTable } from './types.ts';

/** Number of the event in RFC 4271 §8.1.2 with which we end a session without a word. */
const MANUAL_STOP = 2;
/** Octets of NLRI of best routes that are told together. */
const BATCH = 4096;

/** Fills a feed with what a speaker has, and from then on with what changes. */
export class SessionSource implements SessionListener {
  readonly #speaker: BgpSpeaker;
  readonly #feed: RouteFeed;
  readonly #tables: readonly BmpTable[];
  readonly #now: () => RouteTime;
  /** Called when there is something to write. */
  readonly #changed: () => void;
  readonly #monitor: RibMonitor;
  readonly #locRib: LocRibPeer | undefined;
  readonly #stop: () => void;

  /** @param since when the speaker began. */
  constructor(
    speaker: BgpSpeaker,
    feed: RouteFeed,
    tables: readonly BmpTable[],
    since: RouteTime,
    now: () => RouteTime,
    changed: () => void,
  ) {
    this.#speaker = speaker;
    this.#feed = feed;
    this.#tables = tables;
    this.#now = now;
    this.#changed = changed;
    this.#monitor = speaker.table.monitor();
    if (tables.includes('loc-rib')) {
      this.#locRib = new LocRibPeer(speaker.table, since, feed.out);
      // From here on the RIB gathers changes, which costs something, for as long as it lives.
      speaker.table.reportChanges = true;
      feed.up(this.#locRib, this.#locRib, true);
    }
    for (const session of speaker.monitors.sessions) this.#up(session, true);
    this.#stop = speaker.monitors.listen(this);
  }

  /** Nothing more is to be told. @param time of the Peer Down of the Loc-RIB. */
  close(time: RouteTime): void {
    this.#stop();
    if (this.#locRib !== undefined) this.#feed.down(this.#locRib, LOC_RIB_DOWN, time);
  }

  up(session: MonitoredSession): void {
    this.#up(session, false);
    this.#changed();
  }

  down(session: MonitoredSession, end: SessionEnd): void {
    this.#feed.down(session, causeOf(end), this.#now());
    this.#changed();
  }

  routes(session: MonitoredSession, nlri: readonly Nlri[]): void {
    if (!this.#tables.includes('pre-policy') && !this.#tables.includes('post-policy')) return;
    const time = this.#now();
    for (const each of nlri) this.#feed.routes(session, each, time);
    this.#changed();
  }

  endOfRib(session: MonitoredSession, family: Family): void {
    this.#feed.endOfRib(session, family, this.#now());
    this.#changed();
  }

  sent(session: MonitoredSession, chunks: readonly Uint8Array[]): void {
    if (!this.#tables.includes('adj-rib-out')) return;
    const time = this.#now();
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const end = at + readUint16(chunk, at + 16);
        const isUpdate = chunk[at + HEADER_LENGTH - 1] === UPDATE;
        if (isUpdate) this.#feed.sent(session, chunk.subarray(at, end), time);
        at = end;
      }
    }
    this.#changed();
  }

  selected(changes: readonly RibChange[]): void {
    if (this.#locRib === undefined) return;
    const time = this.#now();
    const batches = new Map<Family, ByteWriter>();
    const flush = (family: Family, batch: ByteWriter): void => {
      if (batch.position > 0) this.#feed.routes(this.#locRib!, { family, bytes: batch.finish() }, time);
      batch.position = 0;
    };
    for (const { family, route } of changes) {
      let batch = batches.get(family);
      if (batch === undefined) {
        batch = new ByteWriter(BATCH);
        batches.set(family, batch);
      }
      batch.append(this.#monitor.nlri(family, route, undefined));
      if (batch.position >= BATCH) flush(family, batch);
    }
    for (const [family, batch] of batches) flush(family, batch);
    this.#changed();
  }

  judged(session: MonitoredSession): void {
    if (!this.#tables.includes('post-policy')) return;
    this.#feed.judged(session);
    this.#changed();
  }

  purged(session: MonitoredSession): void {
    this.#feed.forget(session);
    this.#changed();
  }

  #up(session: MonitoredSession, hasTable: boolean): void {
    const peer = new SessionPeer(session, this.#speaker.table, this.#tables, this.#feed.out);
    this.#feed.up(session, peer, hasTable, endsRib(session) ? [] : peer.families);
  }
}

/** Whether the peer will say when it has sent its initial routes (RFC 4724 §2: who knows graceful restart does). */
function endsRib({ negotiated }: MonitoredSession): boolean {
  return negotiated.peerCapabilities.some(({ kind }) => kind === 'graceful-restart');
}

function causeOf({ notification, silent }: SessionEnd): DownCause {
  if (notification !== undefined) {
    const reason = notification.direction === 'sent' ? LOCAL_NOTIFICATION : REMOTE_NOTIFICATION;
    return { reason, notification: encodeNotification(notification) };
  }
  return silent
    ? { reason: LOCAL_NO_NOTIFICATION, fsmEvent: MANUAL_STOP }
    : { reason: REMOTE_NO_NOTIFICATION };
}

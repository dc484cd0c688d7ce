/** A session with a peer as BMP reports it: Adj-RIB-In before and after import (RFC 7854), Adj-RIB-Out (RFC 8671). */
import type { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import { forEachRoute } from '../../protocol/bgp/nlri/walk.ts';
import { ELIGIBLE } from '../../protocol/bgp/rib/import.ts';
import type { MonitoredPath, RibMonitor } from '../../protocol/bgp/rib/monitor.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import { MonitoringWriter, type RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import type { DownCause } from '../../protocol/bmp/peer-down.ts';
import type { PeerHeader } from '../../protocol/bmp/peer-header.ts';
import { writePeerUp } from '../../protocol/bmp/peer-up.ts';
import { writeRouteMonitoring } from '../../protocol/bmp/route-monitoring.ts';
import type { Statistic } from '../../protocol/bmp/statistics.ts';
import {
  ADJ_RIB_OUT,
  GLOBAL_INSTANCE_PEER,
  LEGACY_AS_PATH,
  PEER_DECONFIGURED,
  POST_POLICY,
} from '../../protocol/bmp/types.ts';
import { addressBytes } from '../bgp/address.ts';
import type { MonitoredSession } from '../bgp/session-monitors.ts';
import type { Monitored } from './monitored.ts';
import { sessionStatistics } from './statistics.ts';
import { bmpTime, NO_TIME } from './time.ts';
import type { BmpTable } from './types.ts';

export class SessionPeer implements Monitored {
  readonly session: MonitoredSession;
  readonly ribPeer: number;
  readonly header: PeerHeader;
  readonly families: readonly Family[];
  readonly forget: DownCause = { reason: PEER_DECONFIGURED };
  readonly #rib: Rib;
  readonly #monitor: RibMonitor;
  readonly #out: ByteWriter;
  readonly #pre: MonitoringWriter | undefined;
  readonly #post: MonitoringWriter | undefined;
  readonly #adjOut: MonitoringWriter | undefined;
  /** Routes that were refused as they were reported, by reason (import.ts). */
  readonly #refused = new Map<number, number>();

  /** @param out where all messages go. */
  constructor(session: MonitoredSession, rib: Rib, tables: readonly BmpTable[], out: ByteWriter) {
    this.session = session;
    this.ribPeer = session.ribPeer;
    this.#rib = rib;
    this.#monitor = rib.monitor();
    this.#out = out;
    const { negotiated, remote } = session;
    this.families = negotiated.families;
    this.header = {
      peerType: GLOBAL_INSTANCE_PEER,
      flags: 0,
      distinguisher: new Uint8Array(8),
      address: addressBytes(remote.address),
      asn: negotiated.peerAs,
      bgpId: negotiated.peerId,
      ...NO_TIME,
    };
    const writer = (table: BmpTable, flags: number): MonitoringWriter | undefined =>
      tables.includes(table)
        ? new MonitoringWriter(out, { ...this.header, flags }, this.#monitor)
        : undefined;
    this.#pre = writer('pre-policy', 0);
    this.#post = writer('post-policy', POST_POLICY);
    this.#adjOut = writer('adj-rib-out', ADJ_RIB_OUT | POST_POLICY);
  }

  up(out: ByteWriter): void {
    const { local, remote, opens, since } = this.session;
    writePeerUp(out, {
      peer: { ...this.header, ...bmpTime(since) },
      localAddress: addressBytes(local.address),
      localPort: local.port,
      remotePort: remote.port,
      sentOpen: opens.sent,
      receivedOpen: opens.received,
      information: [],
    });
  }

  report({ family, bytes, addPath = false }: Nlri, time: RouteTime): void {
    if (this.#pre === undefined && this.#post === undefined) return;
    forEachRoute(family, bytes, addPath, (start, end, pathId) => {
      const route = this.#monitor.find(family, bytes, start, end);
      const path = this.#monitor.path(family, route, this.ribPeer, pathId);
      const identifier = addPath ? pathId : undefined;
      if (path === undefined || path.stale) {
        const nlri = bytes.subarray(start, end);
        this.#pre?.withdraw(family, nlri, identifier, time);
        this.#post?.withdraw(family, nlri, identifier, time);
        return;
      }
      this.#announce(this.#pre, family, route, path.received, identifier, time);
      this.#afterImport(family, route, path, identifier, time);
    });
  }

  path(family: Family, route: number, path: MonitoredPath, again: boolean): void {
    // The collector has not been told of routes from before the peer's restart, so none need be taken back.
    if (path.stale || (this.#pre === undefined && this.#post === undefined)) return;
    const identifier = this.session.negotiated.addPathReceive.includes(family) ? path.pathId : undefined;
    if (!again) this.#announce(this.#pre, family, route, path.received, identifier, NO_TIME);
    this.#afterImport(family, route, path, identifier, NO_TIME, !again);
  }

  *otherRoutes(): Generator<unknown> {
    if (this.#adjOut === undefined) return;
    const { addPathSend } = this.session.negotiated;
    for (const sent of this.#monitor.sent(this.ribPeer)) {
      if (sent !== undefined) {
        const { family, route, set, pathId } = sent;
        const identifier = addPathSend.includes(family) ? pathId : undefined;
        this.#announce(this.#adjOut, family, route, set, identifier, NO_TIME);
        // The number of the set may mean another one with the next route.
        this.#adjOut.close();
      }
      yield;
    }
  }

  endOfRib(family: Family, time: RouteTime, sent: boolean): void {
    this.#pre?.endOfRib(family, time);
    this.#post?.endOfRib(family, time);
    if (sent) this.#adjOut?.endOfRib(family, time);
  }

  sent(update: Uint8Array, { seconds, microseconds }: RouteTime): void {
    const legacy = this.session.negotiated.context.fourOctetAs ? 0 : LEGACY_AS_PATH;
    const flags = ADJ_RIB_OUT | POST_POLICY | legacy;
    writeRouteMonitoring(this.#out, { peer: { ...this.header, flags, seconds, microseconds }, update });
  }

  close(): void {
    for (const writer of [this.#pre, this.#post, this.#adjOut]) writer?.close();
  }

  statistics(): Statistic[] {
    return sessionStatistics(this.session, this.#rib, this.#refused);
  }

  /** @param isNew the collector does not have the route, so that a refused one need not be withdrawn. */
  #afterImport(
    family: Family,
    route: number,
    path: MonitoredPath,
    identifier: number | undefined,
    time: RouteTime,
    isNew = false,
  ): void {
    const { reason, selected, received } = path;
    if (reason === ELIGIBLE) {
      this.#announce(this.#post, family, route, selected, identifier, time);
      return;
    }
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    if (isNew || this.#post === undefined) return;
    const withData = FAMILIES[family].prefixes ? undefined : received;
    this.#post.withdraw(family, this.#monitor.nlri(family, route, withData), identifier, time);
  }

  #announce(
    writer: MonitoringWriter | undefined,
    family: Family,
    route: number,
    set: number,
    identifier: number | undefined,
    time: RouteTime,
  ): void {
    writer?.announce(family, set, this.#monitor.nlri(family, route, set), identifier, time);
  }
}

/** The best routes of a speaker as BMP reports them: a peer of its own, without a session (RFC 9069). */
import type { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { AS_TRANS, encodeOpen } from '../../protocol/bgp/message/open.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import { forEachRoute } from '../../protocol/bgp/nlri/walk.ts';
import type { RibMonitor } from '../../protocol/bgp/rib/monitor.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import { MonitoringWriter, type RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import type { DownCause } from '../../protocol/bmp/peer-down.ts';
import type { PeerHeader } from '../../protocol/bmp/peer-header.ts';
import { writePeerUp } from '../../protocol/bmp/peer-up.ts';
import type { Statistic } from '../../protocol/bmp/statistics.ts';
import { LOC_RIB_PEER, LOCAL_TLV } from '../../protocol/bmp/types.ts';
import type { Monitored } from './monitored.ts';
import { locRibStatistics } from './statistics.ts';
import { NO_TIME } from './time.ts';

const EVERY_FAMILY: readonly Family[] = Object.values(FAMILIES).map(({ family }) => family);

/**
 * The cause of the Peer Down of a Loc-RIB. The name of the table, which is optional (RFC 9069 §5.3) and always `global`
 * here, is left out of this and of Peer Up: Wireshark up to 4.0 takes what stands behind the OPENs for a BGP message.
 */
export const LOC_RIB_DOWN: DownCause = { reason: LOCAL_TLV, information: [] };

export class LocRibPeer implements Monitored {
  readonly ribPeer: undefined = undefined;
  readonly header: PeerHeader;
  readonly forget: DownCause = LOC_RIB_DOWN;
  readonly #rib: Rib;
  readonly #monitor: RibMonitor;
  readonly #since: RouteTime;
  readonly #writer: MonitoringWriter;

  /** @param since when the speaker began. @param out where all messages go. */
  constructor(rib: Rib, since: RouteTime, out: ByteWriter) {
    const { asn, routerId } = rib.config;
    this.#rib = rib;
    this.#monitor = rib.monitor();
    this.#since = since;
    this.header = {
      peerType: LOC_RIB_PEER,
      flags: 0,
      distinguisher: new Uint8Array(8),
      address: new Uint8Array(4),
      asn,
      bgpId: routerId,
      ...NO_TIME,
    };
    this.#writer = new MonitoringWriter(out, this.header, this.#monitor);
  }

  /** Those that there is anything of. */
  get families(): readonly Family[] {
    const known = this.#rib.counts().map(({ family }) => family);
    return known.length === 0 ? ['ipv4-unicast'] : known;
  }

  /** Both OPENs are made up, of what the routes need to be read (RFC 9069 §5.2). */
  up(out: ByteWriter): void {
    const { asn, routerId } = this.#rib.config;
    const open = encodeOpen({
      version: 4,
      myAs: asn > 0xffff ? AS_TRANS : asn,
      holdTime: 0,
      bgpId: routerId,
      capabilities: [
        ...EVERY_FAMILY.map((family) => {
          const { afi, safi } = FAMILIES[family];
          return { kind: 'multiprotocol', afi, safi } as const;
        }),
        { kind: 'four-octet-as', asn },
      ],
    });
    writePeerUp(out, {
      peer: { ...this.header, ...this.#since },
      localAddress: new Uint8Array(4),
      localPort: 0,
      remotePort: 0,
      sentOpen: open,
      receivedOpen: open,
      information: [],
    });
  }

  report({ family, bytes }: Nlri, time: RouteTime): void {
    forEachRoute(family, bytes, false, (start, end) => {
      const route = this.#monitor.find(family, bytes, start, end);
      const best = this.#monitor.best(family, route);
      if (best === undefined) this.#writer.withdraw(family, bytes.subarray(start, end), undefined, time);
      else {
        const nlri = this.#monitor.nlri(family, route, best.selected);
        this.#writer.announce(family, best.selected, nlri, undefined, time);
      }
    });
  }

  /** No paths are its own: it shows those of others. */
  path(): void {}

  *otherRoutes(): Generator<unknown> {
    for (const known of this.#monitor.bestRoutes()) {
      for (const { selected } of known?.paths ?? []) {
        const { family, route } = known!;
        const nlri = this.#monitor.nlri(family, route, selected);
        this.#writer.announce(family, selected, nlri, undefined, NO_TIME);
      }
      yield;
    }
  }

  endOfRib(family: Family, time: RouteTime): void {
    this.#writer.endOfRib(family, time);
  }

  /** Nobody is sent this table. */
  sent(): void {}

  close(): void {
    this.#writer.close();
  }

  statistics(): Statistic[] {
    return locRibStatistics(this.#rib);
  }
}

import type { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import type { MonitoredPath } from '../../protocol/bgp/rib/monitor.ts';
import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import type { DownCause } from '../../protocol/bmp/peer-down.ts';
import type { PeerHeader } from '../../protocol/bmp/peer-header.ts';
import type { Statistic } from '../../protocol/bmp/statistics.ts';

/** Something that Peer Up and Peer Down are about: a session with a peer, or the Loc-RIB. Writes whole BMP messages. */
export interface Monitored {
  /** Its number in the RIB; `undefined` where no paths are its own. */
  readonly ribPeer: number | undefined;
  /** What messages say of it, but for flags and time. */
  readonly header: PeerHeader;
  /** Families of which an End-of-RIB is due after the table. */
  readonly families: readonly Family[];
  /** The cause of a Peer Down that only says: forget the routes, they come again. */
  readonly forget: DownCause;
  /** Appends its Peer Up. */
  up(out: ByteWriter): void;
  /** Appends the newest state of these routes. */
  report(nlri: Nlri, time: RouteTime): void;
  /** Appends a path of its own, as part of its whole table. @param again only what import may have changed. */
  path(family: Family, route: number, path: MonitoredPath, again: boolean): void;
  /** Appends what its table has beside paths of its own, about one route with each step. */
  otherRoutes(): Iterable<unknown>;
  /** Appends the End-of-RIB of a family. @param sent also for what the peer is sent, which says that otherwise. */
  endOfRib(family: Family, time: RouteTime, sent: boolean): void;
  /** Appends an UPDATE that the peer was sent. */
  sent(update: Uint8Array, time: RouteTime): void;
  /** Completes messages that are open for more routes. */
  close(): void;
  /** What is counted at present. */
  statistics(): Statistic[];
}

// A BMP collector on a simulated network, which keeps what it is sent.
import type { TcpConnection } from '../../../agents/ports.ts';
import { type BmpMessage, decodeBmp } from '../../../protocol/bmp/message.ts';
import { type BmpRib, ribOf } from '../../../protocol/bmp/peer-header.ts';
import { BmpPeers } from '../../../protocol/bmp/peers.ts';
import { type MonitoredRouteText, monitoredUpdate } from '../../../protocol/bmp/routes.ts';
import { BmpStream } from '../../../protocol/bmp/stream.ts';
import { formatAddress } from '../../../protocol/ip/prefix.ts';
import type { RouteFields } from '../../../protocol/mrt/json.ts';
import type { SpeakerLab } from '../../support/speaker-lab.ts';

export const COLLECTOR = { address: '10.0.9.9', port: 5000 };

export class SimCollector {
  /** Of all connections, as they came. */
  readonly messages: BmpMessage[] = [];
  connections = 0;
  connection: TcpConnection | undefined;
  readonly #peers = new BmpPeers();
  /** Tables as the collector believes them: `rib address`, then prefix to what it knows. */
  readonly tables: Map<string, Map<string, RouteFields>> = new Map();
  /** `rib address family` for each End-of-RIB. */
  readonly ends: string[] = [];

  constructor(lab: SpeakerLab) {
    void lab.net.tcp(COLLECTOR.address).listen(COLLECTOR, (connection) => {
      this.connections += 1;
      this.connection = connection;
      this.tables.clear();
      const stream = new BmpStream();
      return {
        onData: (bytes) => {
          for (const frame of stream.messages(bytes)) {
            const message = decodeBmp(frame.bytes.slice(), frame.offset);
            if (message === undefined) throw new Error(`type ${frame.type}`);
            this.#take(message);
          }
        },
        onClose: () => {
          this.connection = undefined;
        },
      };
    });
  }

  /** Messages of a kind. */
  of<K extends BmpMessage['kind']>(kind: K): (BmpMessage & { readonly kind: K })[] {
    return this.messages.filter(
      (message): message is BmpMessage & { readonly kind: K } => message.kind === kind,
    );
  }

  /** Prefixes of a table, sorted. */
  prefixes(rib: BmpRib, address: string): string[] {
    return [...(this.tables.get(`${rib} ${address}`)?.keys() ?? [])].sort();
  }

  /** What a route came with last. */
  route(rib: BmpRib, address: string, prefix: string): RouteFields | undefined {
    return this.tables.get(`${rib} ${address}`)?.get(prefix);
  }

  #take(message: BmpMessage): void {
    this.messages.push(message);
    if (message.kind === 'peer-up') this.#peers.up(message);
    if (message.kind === 'peer-down') {
      this.#peers.down(message.peer);
      const address = formatAddress(message.peer.address);
      for (const key of [...this.tables.keys()]) if (key.endsWith(` ${address}`)) this.tables.delete(key);
    }
    if (message.kind !== 'route-monitoring') return;
    if (!this.#peers.isUp(message.peer)) throw new Error('routes of a peer that is not up');
    const { withdrawn, announced, endOfRib } = monitoredUpdate(message, this.#peers, 0);
    const key = `${ribOf(message.peer)} ${formatAddress(message.peer.address)}`;
    if (endOfRib !== undefined) this.ends.push(`${key} ${endOfRib}`);
    const table = this.tables.get(key) ?? new Map<string, RouteFields>();
    this.tables.set(key, table);
    for (const route of withdrawn) table.delete(nameOf(route));
    for (const { routes, attributes } of announced) {
      if (attributes.faults !== undefined) throw new Error(attributes.faults.join());
      for (const route of routes) table.set(nameOf(route), attributes);
    }
  }
}

function nameOf({ prefix, pathId }: MonitoredRouteText): string {
  return pathId === undefined ? prefix : `${prefix}#${pathId}`;
}

// The RIB and the model side by side, and what each peer believes after reading the bytes that it was sent.
import { expect } from 'vitest';
import type { PathAttributes } from '../../protocol/bgp/attribute/table.ts';
import { readUint32 } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import { ROUTE_REFRESH } from '../../protocol/bgp/message/header.ts';
import { plainUpdate } from '../../protocol/bgp/message/plain-update.ts';
import { MessageStream } from '../../protocol/bgp/message/stream.ts';
import {
  announcedRoutes,
  decodeUpdate,
  encodeUpdate,
  endOfRib,
  withdrawnRoutes,
} from '../../protocol/bgp/message/update.ts';
import type { Nlri } from '../../protocol/bgp/nlri/codec.ts';
import { nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import { NLRI_CODECS } from '../../protocol/bgp/nlri/table.ts';
import { forEachRoute } from '../../protocol/bgp/nlri/walk.ts';
import type { Policy } from '../../protocol/bgp/policy/policy.ts';
import { ELIGIBLE, UNREACHABLE_NEXT_HOP } from '../../protocol/bgp/rib/import.ts';
import { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { RibConfig, RibPeerConfig, RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { formatAddress, formatPrefix, parseAddress } from '../../protocol/ip/prefix.ts';
import {
  type ModelPeer,
  type ModelPolicy,
  type ModelRoute,
  modelRoute,
  RibModel,
  routeKey,
} from './bgp-model.ts';

const FAMILY = 'ipv4-unicast';

/** A peer of a test: its AS is put in front of what an external or confederation peer sends. */
export interface PeerSpec extends Omit<ModelPeer, 'order' | 'asn'> {
  readonly asn: number;
  /** It sends path identifiers (RFC 7911). */
  readonly sendsPathIds: boolean;
}

/** A policy for the RIB that does what one for the model does. */
export function policyOf(model: ModelPolicy | undefined, name: string): Policy | undefined {
  if (model === undefined) return undefined;
  return {
    name,
    usesPrefix: true,
    apply({ attributes, prefix }) {
      const before = modelRoute(attributes, attributes.nextHop);
      const text = formatPrefix({ version: 4, ...prefix! });
      const after = model(before, text);
      if (after === undefined || after === before) return after && attributes;
      return { ...attributes, ...attributesOf(after), nextHop: attributes.nextHop } as RouteAttributes;
    },
    explain: () => [],
  };
}

/** Attributes of a model's route, without the next hop. */
export function attributesOf(model: ModelRoute): PathAttributes {
  const { origin, path, confederation = [], med, localPref, communities, originatorId, clusterList } = model;
  return {
    origin,
    asPath: [
      ...(confederation.length === 0 ? [] : [{ kind: 'confed-sequence' as const, asns: confederation }]),
      ...(path.length === 0 ? [] : [{ kind: 'sequence' as const, asns: path }]),
    ],
    ...(med === undefined ? {} : { med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities === undefined ? {} : { communities }),
    ...(originatorId === undefined ? {} : { originatorId }),
    ...(clusterList === undefined ? {} : { clusterList }),
  };
}

/** What one peer has read. */
interface Reader {
  readonly stream: MessageStream;
  /** By prefix and path identifier. */
  readonly routes: Map<string, ModelRoute>;
  /** Not repeated since BoRR. */
  refreshing: Set<string> | undefined;
  endsOfRib: number;
}

export class RibPair {
  readonly rib: Rib;
  readonly model: RibModel;
  readonly #config: RibConfig;
  readonly #prefixes: readonly string[];
  readonly #numbers = new Map<string, number>();
  readonly #suspended = new Set<string>();
  readonly #blocked = new Set<string>();
  readonly #readers = new Map<string, Reader>();
  readonly #reported = new Map<string, string>();
  #order = 0;
  #now = 0;

  constructor(config: RibConfig, prefixes: readonly string[]) {
    this.#config = config;
    this.#prefixes = prefixes;
    this.rib = new Rib(config);
    this.model = new RibModel(config);
  }

  isUp(peer: PeerSpec): boolean {
    return this.#numbers.has(peer.name) && !this.#suspended.has(peer.name);
  }

  up(peer: PeerSpec): void {
    const { name } = peer;
    const known = this.#numbers.get(name);
    if (known === undefined) this.#numbers.set(name, this.rib.addPeer(ribPeer(peer)));
    else this.rib.resumePeer(known, ribPeer(peer));
    const order = this.model.peers.get(name)?.order ?? ++this.#order;
    this.model.up({ ...peer, order });
    this.#suspended.delete(name);
    this.#blocked.delete(name);
    this.#readers.set(name, {
      stream: new MessageStream(),
      routes: new Map(),
      refreshing: undefined,
      endsOfRib: 0,
    });
  }

  down(peer: PeerSpec): void {
    const number = this.#numbers.get(peer.name);
    if (number === undefined) return;
    this.rib.removePeer(number);
    this.model.down(peer.name);
    this.#numbers.delete(peer.name);
    this.#suspended.delete(peer.name);
    this.#readers.delete(peer.name);
  }

  suspend(peer: PeerSpec): void {
    if (!this.isUp(peer)) return;
    this.rib.suspendPeer(this.#numbers.get(peer.name)!, [FAMILY]);
    this.model.suspend(peer.name);
    this.#suspended.add(peer.name);
    this.#readers.delete(peer.name);
  }

  /** Calls for a peer that is up or suspended. */
  with(peer: PeerSpec, act: (number: number, name: string) => void): void {
    const number = this.#numbers.get(peer.name);
    if (number !== undefined) act(number, peer.name);
  }

  setWritable(peer: PeerSpec, writable: boolean): void {
    if (!this.isUp(peer)) return;
    this.rib.setWritable(this.#numbers.get(peer.name)!, writable);
    if (writable) this.#blocked.delete(peer.name);
    else this.#blocked.add(peer.name);
  }

  /** Gives a peer other policies while its session goes on. */
  setPolicies(peer: PeerSpec): void {
    this.with(peer, (number, name) => {
      this.rib.policyChanged(number, ribPeer(peer));
      this.model.up({ ...peer, order: this.model.peers.get(name)!.order });
    });
  }

  announce(from: PeerSpec, prefixes: readonly number[], pathId: number, route: ModelRoute): void {
    if (!this.isUp(from)) return;
    const shown = shownBy(from, route);
    const attributes = { ...attributesOf(shown), nextHop: parseAddress(shown.nextHop)! };
    const context = contextOf(from, this.#config, false);
    const nlri = this.#nlri(prefixes, from, pathId);
    const bytes = encodeUpdate({ withdrawn: new Uint8Array(0), attributes, nlri }, context);
    // As a session reads them.
    const update = plainUpdate(bytes, context) ?? decodeUpdate(bytes, context);
    expect(update.faults).toEqual([]);
    this.rib.update(this.#numbers.get(from.name)!, update);
    // The RIB must not keep views on the message.
    bytes.fill(0xee);
    const id = from.sendsPathIds ? pathId : 0;
    for (const index of prefixes) this.model.announce(from.name, this.#prefixes[index]!, id, shown);
  }

  withdraw(from: PeerSpec, prefixes: readonly number[], pathId: number): void {
    if (!this.isUp(from)) return;
    const withdrawn = this.#nlri(prefixes, from, pathId);
    const message = { withdrawn, attributes: {}, nlri: new Uint8Array(0) };
    const context = contextOf(from, this.#config, false);
    const bytes = encodeUpdate(message, context);
    const update = plainUpdate(bytes, context) ?? decodeUpdate(bytes, context);
    this.rib.update(this.#numbers.get(from.name)!, update);
    const id = from.sendsPathIds ? pathId : 0;
    for (const index of prefixes) this.model.withdraw(from.name, this.#prefixes[index]!, id);
  }

  own(prefix: number, route: ModelRoute | undefined): void {
    const text = this.#prefixes[prefix]!;
    if (route === undefined) this.rib.withdraw(nlriOf(text));
    else {
      const attributes = { ...attributesOf(route), nextHop: new Uint8Array(0) } as RouteAttributes;
      this.rib.announce(nlriOf(text), attributes);
    }
    this.model.own(text, route);
  }

  /** Next hops cost what `cost` says, or nothing is known of them any more. */
  setCosts(cost: ((nextHop: string) => number | undefined) | undefined): void {
    this.rib.nextHopChanged(cost && ((nextHop) => cost(formatAddress(nextHop))));
    this.model.cost = cost;
  }

  flush(limit: number): boolean {
    const { deliveries, changes, pending, nextFlushAt } = this.rib.flush(this.#now, limit);
    for (const { prefix, best } of changes) {
      if (best === undefined) this.#reported.delete(prefix);
      else this.#reported.set(prefix, best.peer?.name ?? '');
    }
    for (const { peer, chunks, messages } of deliveries) {
      const [name] = [...this.#numbers].find(([, value]) => value === peer)!;
      expect(this.#blocked.has(name)).toBe(false);
      let seen = 0;
      for (const chunk of chunks) seen += this.#read(name, chunk);
      expect(seen).toBe(messages);
    }
    this.#now = Math.max(this.#now + 1, nextFlushAt ?? 0);
    this.#checkCounts();
    return pending || nextFlushAt !== undefined;
  }

  /** What is counted all along, against counting it now. */
  #checkCounts(): void {
    const { rib } = this;
    const paths = [...rib.paths()];
    const prefixes = paths.filter(({ best }) => best).length;
    expect(rib.counts()).toEqual(
      paths.length === 0 ? [] : [{ family: FAMILY, prefixes, paths: paths.length }],
    );
    for (const number of this.#numbers.values()) {
      const received = [...rib.adjRibIn(number)];
      const accepted = received.filter(({ ineligible }) =>
        [ELIGIBLE, UNREACHABLE_NEXT_HOP].includes(ineligible),
      );
      expect(rib.receivedCount(number)).toBe(received.length);
      expect(rib.acceptedCount(number, FAMILY)).toBe(accepted.length);
      expect(rib.sentCount(number)).toBe([...rib.adjRibOut(number)].length);
    }
  }

  settle(): void {
    let turns = 0;
    while (this.flush(1000)) expect(turns++).toBeLessThan(30);
  }

  check(peers: readonly PeerSpec[]): void {
    const paths = [...this.rib.paths()];
    for (const text of this.#prefixes) {
      const best = paths.find((path) => path.best && path.prefix === text);
      const expected = this.model.best(text);
      const got = best && modelRoute(best.attributes, best.attributes.nextHop);
      expect(best?.peer?.name).toBe(expected?.peer?.name);
      expect(routeKey(got)).toBe(routeKey(expected?.route));
      expect(this.#reported.get(text)).toBe(expected === undefined ? undefined : (expected.peer?.name ?? ''));
    }
    for (const peer of peers) {
      this.with(peer, (number, name) => {
        expect(this.rib.receivedCount(number)).toBe(this.model.count(name));
        expect([...this.rib.adjRibIn(number)].length).toBe(this.model.count(name));
      });
      if (this.isUp(peer)) this.#checkReader(peer);
    }
  }

  #checkReader({ name }: PeerSpec): void {
    const number = this.#numbers.get(name)!;
    const to = this.model.peers.get(name)!;
    const reader = this.#readers.get(name)!;
    const out = [...this.rib.adjRibOut(number)];
    for (const text of this.#prefixes) {
      const expected = this.model.sent(text, to).map(routeKey).sort();
      const believed = [...reader.routes].filter(([key]) => key.startsWith(`${text}#`));
      expect([name, text, ...believed.map(([, route]) => routeKey(route)).sort()]).toEqual([
        name,
        text,
        ...expected,
      ]);
      const shown = out.filter(({ prefix }) => prefix === text);
      expect(
        shown.map(({ attributes }) => routeKey(modelRoute(attributes, attributes.nextHop))).sort(),
      ).toEqual(expected);
    }
    expect(this.rib.waitingCount(number, FAMILY)).toBe(0);
    expect(reader.endsOfRib).toBe(1);
    expect(reader.refreshing).toBeUndefined();
  }

  /** Prefixes by index, as the NLRI of one message. */
  #nlri(prefixes: readonly number[], from: PeerSpec, pathId: number): Uint8Array {
    return Uint8Array.from(
      prefixes.flatMap((index) => [
        ...(from.sendsPathIds ? [0, 0, 0, pathId] : []),
        ...nlriOf(this.#prefixes[index]!).bytes,
      ]),
    );
  }

  #read(name: string, chunk: Uint8Array): number {
    const context = contextOf(this.model.peers.get(name)!, this.#config, true);
    const reader = this.#readers.get(name)!;
    let messages = 0;
    reader.stream.push(
      chunk,
      () => context,
      (bytes) => {
        messages += 1;
        if (bytes[18] === ROUTE_REFRESH) readMarker(reader, bytes[21]!);
        else readUpdate(reader, bytes, context);
        return true;
      },
    );
    return messages;
  }
}

function readMarker(reader: Reader, subtype: number): void {
  if (subtype === 1) reader.refreshing = new Set(reader.routes.keys());
  else {
    // What a refresh does not repeat would be lost here, and missed later.
    for (const key of reader.refreshing!) reader.routes.delete(key);
    reader.refreshing = undefined;
  }
}

function readUpdate(reader: Reader, bytes: Uint8Array, context: CodecContext): void {
  const update = decodeUpdate(bytes, context);
  expect(update.faults).toEqual([]);
  if (endOfRib(update) !== undefined) reader.endsOfRib += 1;
  for (const routes of withdrawnRoutes(update)) {
    // A withdrawal of what was never announced would be waste.
    for (const key of routeKeys(routes)) {
      expect(reader.routes.delete(key)).toBe(true);
      reader.refreshing?.delete(key);
    }
  }
  for (const routes of announcedRoutes(update)) {
    for (const key of routeKeys(routes)) {
      reader.routes.set(key, modelRoute(update.attributes, routes.nextHop));
      reader.refreshing?.delete(key);
    }
  }
}

function routeKeys({ family, bytes, addPath = false }: Nlri): string[] {
  const keys: string[] = [];
  forEachRoute(family, bytes, addPath, (offset, end) => {
    const id = addPath ? readUint32(bytes, offset - 4) : 0;
    keys.push(`${NLRI_CODECS[family].text(bytes.subarray(offset, end))}#${id}`);
  });
  return keys;
}

/** A route as its peer shows it: its own AS in front, nothing that is meant for the inside of another AS. */
function shownBy({ peerType, asn }: PeerSpec, route: ModelRoute): ModelRoute {
  if (peerType === 'internal') return route;
  const { localPref, originatorId, clusterList, ...rest } = route;
  if (peerType === 'external') return { ...rest, path: [asn, ...route.path] };
  return { ...rest, ...(localPref === undefined ? {} : { localPref }), confederation: [asn] };
}

function ribPeer(peer: PeerSpec): RibPeerConfig {
  const { importPolicy, exportPolicy, ...rest } = peer;
  return {
    ...rest,
    address: parseAddress(peer.address)!,
    localAddress: parseAddress(peer.localAddress)!,
    importPolicy: policyOf(importPolicy, 'import'),
    exportPolicy: policyOf(exportPolicy, 'export'),
  };
}

function contextOf(
  peer: ModelPeer | PeerSpec,
  { asn, confederation }: RibConfig,
  sending: boolean,
): CodecContext {
  const addPath = sending ? (peer.addPathSend ?? []).length > 0 : 'sendsPathIds' in peer && peer.sendsPathIds;
  const ours = peer.peerType === 'external' ? (confederation?.id ?? asn) : asn;
  return {
    fourOctetAs: peer.fourOctetAs,
    extendedMessage: false,
    peerType: peer.peerType,
    families: [FAMILY],
    addPath: addPath ? [FAMILY] : [],
    ...(peer.peerType === 'external' ? { firstAs: sending ? ours : peer.asn! } : {}),
  };
}

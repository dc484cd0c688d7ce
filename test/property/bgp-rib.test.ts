import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PathAttributes } from '../../protocol/bgp/attribute/table.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import { MessageStream } from '../../protocol/bgp/message/stream.ts';
import {
  announcedRoutes,
  decodeUpdate,
  encodeUpdate,
  endOfRib,
  withdrawnRoutes,
} from '../../protocol/bgp/message/update.ts';
import { nlriOf, nlriText } from '../../protocol/bgp/nlri/prefixes.ts';
import { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { RibConfig, RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../protocol/ip/prefix.ts';
import { type ModelPeer, type ModelRoute, modelRoute, RibModel, routeKey } from '../support/bgp-model.ts';

const CONFIG: RibConfig = { asn: 64512, routerId: 0x0a000001, clusterId: 0x0a0000ff };
const LOCAL_ADDRESS = '10.0.0.1';
const FAMILIES: readonly Family[] = ['ipv4-unicast'];
const PREFIXES = ['0.0.0.0/0', '10.1.0.0/16', '10.1.0.0/24', '10.1.1.0/24', '10.1.1.128/25', '10.9.9.9/32'];

type PeerSpec = Omit<ModelPeer, 'order'>;

function spec(name: string, octet: number, more: Partial<PeerSpec>): PeerSpec {
  return {
    name,
    peerType: 'internal',
    routerId: 0x0a000000 + octet,
    address: `10.0.0.${octet}`,
    localAddress: LOCAL_ADDRESS,
    client: false,
    nextHopSelf: false,
    families: FAMILIES,
    fourOctetAs: true,
    maxMessageLength: 4096,
    ...more,
  };
}

/** Clients, a non-client, external peers (two of one AS, and a 2-octet speaker), and one with next-hop-self. */
const PEERS: readonly PeerSpec[] = [
  spec('client-a', 2, { client: true }),
  spec('client-b', 3, { client: true }),
  spec('plain-c', 4, {}),
  spec('plain-d', 5, { nextHopSelf: true }),
  spec('external-e', 6, { peerType: 'external' }),
  spec('external-f', 7, { peerType: 'external', fourOctetAs: false }),
  spec('external-g', 8, { peerType: 'external' }),
];
const AS_OF: Readonly<Record<string, number>> = {
  'external-e': 4200000001,
  'external-f': 65002,
  'external-g': 4200000001,
};

function contextOf(peer: PeerSpec, sending: boolean): CodecContext {
  const first = sending ? CONFIG.asn : AS_OF[peer.name];
  return {
    fourOctetAs: peer.fourOctetAs,
    extendedMessage: false,
    peerType: peer.peerType,
    families: FAMILIES,
    ...(peer.peerType === 'external' && first !== undefined ? { firstAs: first } : {}),
  };
}

type Op =
  | {
      readonly kind: 'announce';
      readonly peer: number;
      readonly prefixes: readonly number[];
      readonly route: number;
    }
  | { readonly kind: 'withdraw'; readonly peer: number; readonly prefixes: readonly number[] }
  | { readonly kind: 'own'; readonly prefix: number; readonly route: number }
  | { readonly kind: 'own-withdraw'; readonly prefix: number }
  | { readonly kind: 'toggle'; readonly peer: number }
  | { readonly kind: 'refresh'; readonly peer: number }
  | { readonly kind: 'flush'; readonly limit: number };

/** Routes of one run; few, so that different peers have equal ones. */
const POOL = 4;

const anyRoute: fc.Arbitrary<ModelRoute> = fc.record({
  origin: fc.constantFrom(0, 1, 2),
  path: fc.array(fc.constantFrom(65010, 65011, 4200000010, CONFIG.asn), { maxLength: 2 }),
  nextHop: fc.constantFrom('10.0.0.2', '10.0.0.3', '10.0.0.5', '10.0.9.9', '192.0.2.1', LOCAL_ADDRESS),
  med: fc.option(fc.constantFrom(0, 5, 10), { nil: undefined }),
  localPref: fc.option(fc.constantFrom(0, 100, 200), { nil: undefined }),
  communities: fc.option(
    fc.uniqueArray(fc.constantFrom(0xfc000001, 0xffffff01, 0xffffff02, 0xffffff03), {
      minLength: 1,
      maxLength: 2,
    }),
    { nil: undefined },
  ),
  originatorId: fc.option(fc.constantFrom(0x0a000001, 0x0a000002, 0x0a000009), { nil: undefined }),
  clusterList: fc.option(fc.array(fc.constantFrom(0x0a0000ff, 0x0a0000fe), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  }),
});

const route = fc.nat(POOL - 1);
const peer = fc.nat(PEERS.length - 1);
const prefix = fc.nat(PREFIXES.length - 1);
const some = fc.uniqueArray(prefix, { minLength: 1, maxLength: PREFIXES.length });

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('announce' as const), peer, prefixes: some, route }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), peer, prefixes: some }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('own' as const), prefix, route }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('own-withdraw' as const), prefix }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('toggle' as const), peer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refresh' as const), peer }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('flush' as const), limit: fc.integer({ min: 1, max: 8 }) }),
  },
);

function attributesOf(model: ModelRoute): PathAttributes {
  const { origin, path, med, localPref, communities, originatorId, clusterList } = model;
  return {
    origin,
    asPath: path.length === 0 ? [] : [{ kind: 'sequence', asns: path }],
    ...(med === undefined ? {} : { med }),
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities === undefined ? {} : { communities }),
    ...(originatorId === undefined ? {} : { originatorId }),
    ...(clusterList === undefined ? {} : { clusterList }),
  };
}

/** Prefixes by index, as the NLRI of one message. */
function nlriBytes(prefixes: readonly number[]): Uint8Array {
  return Uint8Array.from(prefixes.flatMap((index) => [...nlriOf(PREFIXES[index]!).bytes]));
}

/** The RIB and the model side by side, and what each peer believes after reading what it was sent. */
class Pair {
  readonly rib = new Rib(CONFIG);
  readonly model = new RibModel(CONFIG);
  readonly numbers = new Map<string, number>();
  readonly believed = new Map<string, Map<string, ModelRoute>>();
  readonly streams = new Map<string, MessageStream>();
  readonly endsOfRib = new Map<string, number>();
  readonly reported = new Map<string, string>();
  readonly pool: readonly ModelRoute[];
  order = 0;

  constructor(pool: readonly ModelRoute[]) {
    this.pool = pool;
  }

  apply(step: Op): void {
    switch (step.kind) {
      case 'announce':
        this.#announce(PEERS[step.peer]!, step.prefixes, this.pool[step.route]!);
        return;
      case 'withdraw':
        this.#withdraw(PEERS[step.peer]!, step.prefixes);
        return;
      case 'own': {
        const chosen = this.pool[step.route]!;
        const own = {
          origin: chosen.origin,
          path: [],
          nextHop: '',
          med: chosen.med,
          communities: chosen.communities,
        };
        this.rib.announce(nlriOf(PREFIXES[step.prefix]!), {
          ...attributesOf(own),
          nextHop: new Uint8Array(0),
        } as RouteAttributes);
        this.model.routes.get('')!.set(PREFIXES[step.prefix]!, own);
        return;
      }
      case 'own-withdraw':
        this.rib.withdraw(nlriOf(PREFIXES[step.prefix]!));
        this.model.routes.get('')!.delete(PREFIXES[step.prefix]!);
        return;
      case 'toggle':
        this.toggle(PEERS[step.peer]!);
        return;
      case 'refresh': {
        const number = this.numbers.get(PEERS[step.peer]!.name);
        if (number !== undefined) this.rib.refresh(number, 'ipv4-unicast');
        return;
      }
      case 'flush':
        this.flush(step.limit);
    }
  }

  toggle(target: PeerSpec): void {
    const { name } = target;
    const number = this.numbers.get(name);
    if (number !== undefined) {
      this.rib.removePeer(number);
      this.model.down(name);
      this.numbers.delete(name);
      return;
    }
    const address = parseAddress(target.address)!;
    const localAddress = parseAddress(target.localAddress)!;
    this.numbers.set(name, this.rib.addPeer({ ...target, address, localAddress }));
    this.model.up({ ...target, order: ++this.order });
    this.believed.set(name, new Map());
    this.streams.set(name, new MessageStream());
    this.endsOfRib.set(name, 0);
  }

  flush(limit: number): boolean {
    const { deliveries, changes, pending } = this.rib.flush(0, limit);
    for (const { prefix, best } of changes) {
      if (best === undefined) this.reported.delete(prefix);
      else this.reported.set(prefix, best.peer?.name ?? '');
    }
    for (const { peer: number, chunks, messages } of deliveries) {
      const [name] = [...this.numbers].find(([, value]) => value === number)!;
      let seen = 0;
      for (const chunk of chunks) seen += this.#read(name, chunk);
      expect(seen).toBe(messages);
    }
    return pending;
  }

  settle(): void {
    let turns = 0;
    while (this.flush(1000)) expect(turns++).toBeLessThan(10);
  }

  check(): void {
    for (const text of PREFIXES) {
      const best = [...this.rib.paths()].find((path) => path.best && path.prefix === text);
      const expected = this.model.best(text);
      const got =
        best === undefined
          ? undefined
          : { peer: best.peer?.name, route: modelRoute(best.attributes, best.attributes.nextHop) };
      const want = expected === undefined ? undefined : { peer: expected.peer?.name, route: expected.route };
      expect(got?.peer).toBe(want?.peer);
      expect(routeKey(got?.route)).toBe(routeKey(want?.route));
      expect(this.reported.get(text)).toBe(expected === undefined ? undefined : (expected.peer?.name ?? ''));
    }
    for (const [name, number] of this.numbers) {
      const to = this.model.peers.get(name)!;
      const out = new Map(
        [...this.rib.adjRibOut(number)].map((sent) => [
          sent.prefix,
          modelRoute(sent.attributes, sent.attributes.nextHop),
        ]),
      );
      for (const text of PREFIXES) {
        const expected = `${name} ${text} ${routeKey(this.model.sent(text, to))}`;
        expect(`${name} ${text} ${routeKey(this.believed.get(name)!.get(text))}`).toBe(expected);
        expect(`${name} ${text} ${routeKey(out.get(text))}`).toBe(expected);
      }
      expect(this.rib.sentCount(number)).toBe(out.size);
      expect(this.rib.receivedCount(number)).toBe(this.model.routes.get(name)!.size);
      expect([...this.rib.adjRibIn(number)].length).toBe(this.model.routes.get(name)!.size);
      expect(this.endsOfRib.get(name)).toBe(1);
    }
  }

  #announce(from: PeerSpec, prefixes: readonly number[], model: ModelRoute): void {
    const number = this.numbers.get(from.name);
    if (number === undefined) return;
    const as = AS_OF[from.name];
    const { localPref, originatorId, clusterList, ...external } = model;
    const shown: ModelRoute = as === undefined ? model : { ...external, path: [as, ...model.path] };
    const attributes = { ...attributesOf(shown), nextHop: parseAddress(shown.nextHop)! };
    const context = contextOf(from, false);
    const bytes = encodeUpdate(
      { withdrawn: new Uint8Array(0), attributes, nlri: nlriBytes(prefixes) },
      context,
    );
    const update = decodeUpdate(bytes, context);
    expect(update.faults).toEqual([]);
    this.rib.update(number, update);
    // The RIB must not keep views on the message.
    bytes.fill(0xee);
    for (const index of prefixes) this.model.routes.get(from.name)!.set(PREFIXES[index]!, shown);
  }

  #withdraw(from: PeerSpec, prefixes: readonly number[]): void {
    const number = this.numbers.get(from.name);
    if (number === undefined) return;
    const message = { withdrawn: nlriBytes(prefixes), attributes: {}, nlri: new Uint8Array(0) };
    this.rib.update(
      number,
      decodeUpdate(encodeUpdate(message, { fourOctetAs: true }), contextOf(from, false)),
    );
    for (const index of prefixes) this.model.routes.get(from.name)!.delete(PREFIXES[index]!);
  }

  #read(name: string, chunk: Uint8Array): number {
    const context = contextOf(PEERS.find((candidate) => candidate.name === name)!, true);
    const table = this.believed.get(name)!;
    let messages = 0;
    this.streams.get(name)!.push(
      chunk,
      () => context,
      (bytes) => {
        messages += 1;
        const update = decodeUpdate(bytes, context);
        expect(update.faults).toEqual([]);
        if (endOfRib(update) !== undefined) this.endsOfRib.set(name, this.endsOfRib.get(name)! + 1);
        for (const text of withdrawnRoutes(update).flatMap(nlriText)) {
          // A withdrawal of what was never announced would be waste.
          expect(table.delete(text)).toBe(true);
        }
        for (const routes of announcedRoutes(update)) {
          for (const text of nlriText(routes)) table.set(text, modelRoute(update.attributes, routes.nextHop));
        }
        return true;
      },
    );
    return messages;
  }
}

describe('RIB', () => {
  test('equals the model after any sequence of events, and so do the tables of all peers', () => {
    fc.assert(
      fc.property(
        fc.array(anyRoute, { minLength: POOL, maxLength: POOL }),
        fc.array(op, { maxLength: 40, size: 'max' }),
        (pool, steps) => {
          const pair = new Pair(pool);
          for (const target of PEERS.slice(1, 7)) pair.toggle(target);
          for (const step of steps) pair.apply(step);
          pair.settle();
          pair.check();
          // Nothing is left to say, and what all peers and own routes leave behind is nothing.
          expect(pair.rib.flush().deliveries).toEqual([]);
          for (const target of PEERS) if (pair.numbers.has(target.name)) pair.toggle(target);
          for (const text of PREFIXES) pair.rib.withdraw(nlriOf(text));
          pair.settle();
          expect(pair.rib.attributeSets).toBe(0);
          expect([...pair.rib.paths()]).toEqual([]);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

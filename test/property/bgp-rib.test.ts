import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RibConfig } from '../../protocol/bgp/rib/route.ts';
import type { ModelPolicy, ModelRoute } from '../support/bgp-model.ts';
import { type PeerSpec, RibPair } from '../support/bgp-rib-pair.ts';

const ASN = 64512;
const REFLECTOR: RibConfig = { asn: ASN, routerId: 0x0a000001, clusterId: 0x0a0000ff };
const CONFEDERATION: RibConfig = { ...REFLECTOR, confederation: { id: 65100, members: [ASN, 64513] } };
const LOCAL_ADDRESS = '10.0.0.1';
const PREFIXES = ['0.0.0.0/0', '10.1.0.0/16', '10.1.0.0/24', '10.1.1.0/24', '10.1.1.128/25', '10.9.9.9/32'];

function spec(name: string, octet: number, more: Partial<PeerSpec>): PeerSpec {
  return {
    name,
    peerType: 'internal',
    asn: ASN,
    routerId: 0x0a000000 + octet,
    address: `10.0.0.${octet}`,
    localAddress: LOCAL_ADDRESS,
    client: false,
    nextHopSelf: false,
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    maxMessageLength: 4096,
    sendsPathIds: false,
    ...more,
  };
}

const EXTERNAL = { peerType: 'external', asn: 4200000001 } as const;
const ADD_PATH = { addPathSend: [{ family: 'ipv4-unicast', max: 2 }], sendsPathIds: true } as const;

/** Clients, non-clients, external peers (two of one AS, a 2-octet speaker), with and without ADD-PATH and LLGR. */
const PEERS: readonly PeerSpec[] = [
  spec('client-a', 2, { client: true, enhancedRefresh: true }),
  spec('client-b', 3, { client: true, longLived: ['ipv4-unicast'] }),
  spec('client-c', 4, { client: true, longLived: ['ipv4-unicast'] }),
  spec('plain-d', 5, { nextHopSelf: true, sendsPathIds: true }),
  spec('plain-e', 6, { ...ADD_PATH, addPathSend: [{ family: 'ipv4-unicast', max: 100 }] }),
  spec('client-f', 7, { ...ADD_PATH, client: true, enhancedRefresh: true }),
  spec('external-g', 8, { ...EXTERNAL, enhancedRefresh: true }),
  spec('external-h', 9, { peerType: 'external', asn: 65002, fourOctetAs: false, mrai: 20 }),
  spec('external-i', 10, { ...EXTERNAL }),
];

/** The same in a confederation, with two peers in another member AS. */
const CONFEDERATION_PEERS: readonly PeerSpec[] = [
  ...PEERS.slice(0, 2),
  ...PEERS.slice(4, 7),
  spec('member-j', 11, { peerType: 'confederation', asn: 64513 }),
  spec('member-k', 12, { peerType: 'confederation', asn: 64513, nextHopSelf: true }),
];

/** Policies to choose from; those for the way in and out are the same. */
const POLICIES: readonly (ModelPolicy | undefined)[] = [
  undefined,
  (route, prefix) => (prefix === '10.9.9.9/32' ? undefined : route),
  (route) => (route.communities?.includes(0xfc000001) ? { ...route, localPref: 300, med: 77 } : route),
  (route) => (route.origin === 2 ? undefined : { ...route, communities: [0xfc000002] }),
];

/** What next hops cost; nothing is known where there is no function. */
const COSTS: readonly (((nextHop: string) => number | undefined) | undefined)[] = [
  undefined,
  () => 5,
  (nextHop) => (nextHop === '10.0.9.9' ? undefined : 10),
  (nextHop) => Number(nextHop.split('.')[3]),
];

type Op =
  | ({
      readonly kind: 'announce' | 'withdraw';
      readonly peer: number;
      readonly prefixes: readonly number[];
    } & {
      readonly pathId: number;
      readonly route: number;
    })
  | { readonly kind: 'own'; readonly prefix: number; readonly route: number | undefined }
  | {
      readonly kind: 'toggle' | 'suspend' | 'purge' | 'long-lived' | 'begin' | 'end' | 'refresh' | 'block';
      readonly peer: number;
    }
  | { readonly kind: 'policy'; readonly peer: number; readonly way: 'in' | 'out'; readonly policy: number }
  | { readonly kind: 'costs'; readonly costs: number }
  | { readonly kind: 'hold'; readonly on: boolean }
  | { readonly kind: 'flush'; readonly limit: number };

/** Routes of one run; few, so that different peers have equal ones. */
const POOL = 4;

const anyRoute: fc.Arbitrary<ModelRoute> = fc.record({
  origin: fc.constantFrom(0, 1, 2),
  path: fc.array(fc.constantFrom(65010, 65011, 4200000010, ASN, 65100), { maxLength: 2 }),
  nextHop: fc.constantFrom('10.0.0.2', '10.0.0.3', '10.0.0.5', '10.0.9.9', '192.0.2.1', LOCAL_ADDRESS),
  med: fc.option(fc.constantFrom(0, 5, 10), { nil: undefined }),
  localPref: fc.option(fc.constantFrom(0, 100, 200), { nil: undefined }),
  communities: fc.option(
    fc.uniqueArray(fc.constantFrom(0xfc000001, 0xffffff01, 0xffffff02, 0xffffff03, 0xffff0006, 0xffff0007), {
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

function anyOp(peers: number): fc.Arbitrary<Op> {
  const route = fc.nat(POOL - 1);
  const peer = fc.nat(peers - 1);
  const prefix = fc.nat(PREFIXES.length - 1);
  const prefixes = fc.uniqueArray(prefix, { minLength: 1, maxLength: PREFIXES.length });
  const pathId = fc.integer({ min: 1, max: 2 });
  const kind = <K extends string>(value: K): fc.Arbitrary<K> => fc.constant(value);
  const ofPeer = fc.constantFrom('suspend', 'purge', 'long-lived', 'begin', 'end', 'refresh', 'block');
  return fc.oneof(
    { weight: 9, arbitrary: fc.record({ kind: kind('announce'), peer, prefixes, pathId, route }) },
    { weight: 3, arbitrary: fc.record({ kind: kind('withdraw'), peer, prefixes, pathId, route }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: kind('own'), prefix, route: fc.option(route, { nil: undefined }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: kind('toggle'), peer }) },
    { weight: 5, arbitrary: fc.record({ kind: ofPeer, peer }) as fc.Arbitrary<Op> },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: kind('policy'),
        peer,
        way: fc.constantFrom('in', 'out'),
        policy: fc.nat(POLICIES.length - 1),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: kind('costs'), costs: fc.nat(COSTS.length - 1) }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('hold'), on: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ kind: kind('flush'), limit: fc.integer({ min: 1, max: 8 }) }) },
  );
}

/** Runs steps on a pair; peers change their policies on the way. */
class Run {
  readonly pair: RibPair;
  readonly peers: PeerSpec[];
  readonly #pool: readonly ModelRoute[];

  constructor(config: RibConfig, peers: readonly PeerSpec[], pool: readonly ModelRoute[]) {
    this.pair = new RibPair(config, PREFIXES);
    this.peers = [...peers];
    this.#pool = pool;
  }

  apply(op: Op): void {
    const { pair } = this;
    switch (op.kind) {
      case 'announce':
        pair.announce(this.peers[op.peer]!, op.prefixes, op.pathId, this.#pool[op.route]!);
        return;
      case 'withdraw':
        pair.withdraw(this.peers[op.peer]!, op.prefixes, op.pathId);
        return;
      case 'own':
        pair.own(op.prefix, op.route === undefined ? undefined : ownRoute(this.#pool[op.route]!));
        return;
      case 'policy':
        this.#policy(op.peer, op.way, POLICIES[op.policy]);
        return;
      case 'costs':
        pair.setCosts(COSTS[op.costs]);
        return;
      case 'hold':
        pair.rib.hold('ipv4-unicast', op.on);
        return;
      case 'flush':
        pair.flush(op.limit);
        return;
      default:
        this.#peer(op.kind, this.peers[op.peer]!);
    }
  }

  #policy(index: number, way: 'in' | 'out', policy: ModelPolicy | undefined): void {
    const peer = this.peers[index]!;
    const changed = way === 'in' ? { ...peer, importPolicy: policy } : { ...peer, exportPolicy: policy };
    this.peers[index] = changed;
    this.pair.setPolicies(changed);
  }

  #peer(kind: string, peer: PeerSpec): void {
    const { pair } = this;
    const { rib, model } = pair;
    if (kind === 'toggle') {
      if (pair.isUp(peer)) pair.down(peer);
      else pair.up(peer);
    } else if (kind === 'suspend') pair.suspend(peer);
    else if (kind === 'block') pair.setWritable(peer, false);
    else if (kind === 'refresh') pair.with(peer, (number) => rib.refresh(number, 'ipv4-unicast'));
    else if (kind === 'purge') {
      pair.with(peer, (number, name) => {
        rib.purgeStale(number, 'ipv4-unicast');
        model.purgeStale(name);
      });
    } else if (kind === 'long-lived') {
      pair.with(peer, (number, name) => {
        rib.startLongLived(number, 'ipv4-unicast');
        model.startLongLived(name);
      });
    } else if (kind === 'begin') {
      pair.with(peer, (number, name) => {
        rib.beginRefresh(number, 'ipv4-unicast');
        model.beginRefresh(name);
      });
    } else {
      pair.with(peer, (number, name) => {
        rib.endRefresh(number, 'ipv4-unicast');
        model.endRefresh(name);
      });
    }
  }

  /** Lets everything come to rest, and compares. */
  finish(): void {
    const { pair } = this;
    pair.settle();
    pair.rib.hold('ipv4-unicast', false);
    for (const peer of this.peers) pair.setWritable(peer, true);
    pair.settle();
    pair.check(this.peers);
    // Nothing is left to say, and what all peers and own routes leave behind is nothing.
    expect(pair.rib.flush(1e9).deliveries).toEqual([]);
    for (const peer of this.peers) pair.down(peer);
    for (let prefix = 0; prefix < PREFIXES.length; prefix++) pair.own(prefix, undefined);
    pair.settle();
    expect(pair.rib.attributeSets).toBe(0);
    expect([...pair.rib.paths()]).toEqual([]);
  }
}

function ownRoute({ origin, med, communities }: ModelRoute): ModelRoute {
  return { origin, path: [], nextHop: '', med, communities };
}

describe('RIB', () => {
  test.each([
    ['a reflector', REFLECTOR, PEERS],
    ['a member of a confederation', CONFEDERATION, CONFEDERATION_PEERS],
  ])(
    'of %s equals the model after any sequence of events, and so do the tables of all peers',
    (_name, config, peers) => {
      fc.assert(
        fc.property(
          fc.array(anyRoute, { minLength: POOL, maxLength: POOL }),
          fc.array(anyOp(peers.length), { maxLength: 50, size: 'max' }),
          (pool, steps) => {
            const run = new Run(config, peers, pool);
            for (const peer of peers.slice(1)) run.pair.up(peer);
            for (const step of steps) run.apply(step);
            run.finish();
          },
        ),
        { numRuns: 1000 },
      );
    },
  );
});

// The works that are measured: who announces what, and what receivers are to have after each phase.
import type { SpeakerSpec } from './speakers/speaker.ts';
import { addressBytes, type Slice, type View } from './table.ts';
import type { Expectation, TesterPeer } from './tester-messages.ts';

const ADDRESS = '127.116.0.1';
const PORT = 17_179;
const ASN = 65_000;
/** Batches of a second's changes in the churn. */
const BATCHES = 20;

export interface Phase {
  readonly name: string;
  readonly order: 'announce' | 'withdraw' | 'churn';
  /** Which tester processes send. */
  readonly senders: readonly number[];
  /** What every receiver has afterwards. */
  readonly table: readonly Expectation[];
}

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly speaker: SpeakerSpec;
  /** Prefixes that there are. */
  readonly size: number;
  /** Peers by tester process. */
  readonly processes: readonly (readonly TesterPeer[])[];
  readonly phases: readonly Phase[];
  /** Changes, sent by the first process, at this interval, ms. */
  readonly churn?: { readonly batches: readonly Slice[]; readonly interval: number };
}

export interface Scale {
  /** Routes of the full table, 1,000,000; what other works have shrinks with it. */
  readonly routes: number;
  /** Seconds of churn. */
  readonly seconds: number;
}

/** Names of the works, in order, with what they are made by. */
export const WORKS: Readonly<Record<string, (scale: Scale) => Work>> = {
  ebgp: ({ routes }) => through('ebgp', 4, routes, 8),
  'ebgp-1000-sets': ({ routes }) => through('ebgp-1000-sets', 4, routes, Math.ceil(routes / 1000)),
  'ebgp-ipv6': ({ routes }) => through('ebgp-ipv6', 6, routes, 8),
  'two-peers': twoPeers,
  'reflector-50': ({ routes }) => reflector('reflector-50', Math.ceil(routes / 10), 50),
  'reflector-500': ({ routes }) => reflector('reflector-500', Math.ceil(routes / 100), 500),
  'mesh-50': mesh,
  churn,
  start: () => ({ ...through('start', 4, 8, 8), title: 'start: process start to listening', phases: [] }),
};

/** Loopback address of a peer by number. */
function addressOf(peer: number): string {
  return `127.116.${1 + Math.floor(peer / 250)}.${1 + (peer % 250)}`;
}

/** Next hop of what a peer announces: GoBGP takes none in 127/8. */
function nextHopOf(peer: number): string {
  return `192.0.2.${1 + peer}`;
}

function speakerOf(version: 4 | 6, peers: readonly TesterPeer[]): SpeakerSpec {
  const speakers = peers.map(({ address, asn }) => ({ address, asn, client: asn === ASN }));
  return { address: ADDRESS, port: PORT, asn: ASN, version, peers: speakers };
}

function externalView(version: 4 | 6): View {
  return { prepend: ASN, nextHop: addressBytes(ADDRESS, version) };
}

function sliceOf(peer: number, version: 4 | 6, first: number, routes: number, perSet: number): Slice {
  const asPath = [asnOf(peer)];
  return { version, first, routes, perSet, asPath, nextHop: nextHopOf(peer), internal: false, edition: 0 };
}

function asnOf(peer: number): number {
  return 65_001 + peer;
}

function external(peer: number, slices: readonly Slice[], receives: boolean): TesterPeer {
  return { address: addressOf(peer), asn: asnOf(peer), slices, receives };
}

/** One eBGP peer in, one out. */
function through(name: string, version: 4 | 6, routes: number, perSet: number): Work {
  const slice = sliceOf(0, version, 0, routes, perSet);
  const processes = [[external(0, [slice], false)], [external(1, [], true)]];
  return {
    name,
    title: `${routes} IPv${version} routes in sets of ${perSet}, eBGP in, eBGP out`,
    speaker: speakerOf(version, processes.flat()),
    size: routes,
    processes,
    phases: [
      { name: 'announce', order: 'announce', senders: [0], table: [{ slice, view: externalView(version) }] },
      { name: 'withdraw', order: 'withdraw', senders: [0], table: [] },
    ],
  };
}

/** Two peers with the same prefixes, each the better way to one half. */
function twoPeers({ routes }: Scale): Work {
  const half = Math.ceil(routes / 16) * 8;
  const slices = [0, 1].map((peer) => {
    const near = sliceOf(peer, 4, peer === 0 ? 0 : half, peer === 0 ? half : routes - half, 8);
    const far = sliceOf(peer, 4, peer === 0 ? half : 0, peer === 0 ? routes - half : half, 8);
    return { near, far: { ...far, asPath: [...far.asPath, ...far.asPath] } };
  });
  const [one, two] = [slices[0]!, slices[1]!];
  const processes = [
    [external(0, [one.near, one.far], false)],
    [external(1, [two.near, two.far], false)],
    [external(2, [], true)],
  ];
  const view = externalView(4);
  const table = (...best: readonly Slice[]): Expectation[] => best.map((slice) => ({ slice, view }));
  return {
    name: 'two-peers',
    title: `two peers with the same ${routes} routes, each the better for one half; then one withdraws all`,
    speaker: speakerOf(4, processes.flat()),
    size: routes,
    processes,
    phases: [
      { name: 'announce', order: 'announce', senders: [0, 1], table: table(one.near, two.near) },
      { name: 'withdraw', order: 'withdraw', senders: [0], table: table(two.far, two.near) },
    ],
  };
}

function reflector(name: string, routes: number, clients: number): Work {
  const slice: Slice = { ...sliceOf(0, 4, 0, routes, 8), asPath: [], internal: true };
  const peer = (i: number, slices: readonly Slice[]): TesterPeer => ({
    address: addressOf(i),
    asn: ASN,
    slices,
    receives: slices.length === 0,
  });
  const processes = [[peer(0, [slice])], Array.from({ length: clients }, (_, i) => peer(i + 1, []))];
  const view: View = { reflected: { originator: addressOf(0), cluster: ADDRESS } };
  return {
    name,
    title: `reflector, ${routes} routes to ${clients} clients`,
    speaker: speakerOf(4, processes.flat()),
    size: routes,
    processes,
    phases: [{ name: 'announce', order: 'announce', senders: [0], table: [{ slice, view }] }],
  };
}

function mesh({ routes }: Scale): Work {
  const count = 50;
  const each = Math.ceil(routes / count / 8) * 8;
  const slices = Array.from({ length: count }, (_, i) => sliceOf(i, 4, i * each, each, 8));
  const processes = [slices.map((slice, i) => external(i, [slice], true))];
  const view = externalView(4);
  return {
    name: 'mesh-50',
    title: `${count} eBGP peers that announce ${each} routes each to one another`,
    speaker: speakerOf(4, processes.flat()),
    size: each * count,
    processes,
    phases: [
      {
        name: 'announce',
        order: 'announce',
        senders: [0],
        table: slices.map((slice) => ({ slice, view })),
      },
    ],
  };
}

function churn({ routes, seconds }: Scale): Work {
  const base = through('churn', 4, routes, 8);
  const slice = base.processes[0]![0]!.slices[0]!;
  const each = Math.max(8, Math.round(routes / 100 / BATCHES / 8) * 8);
  const places = Math.floor(routes / each);
  const batches = Array.from({ length: seconds * BATCHES }, (_, i) => ({
    ...slice,
    first: (i % places) * each,
    routes: each,
    edition: i + 1,
  }));
  const table = base.phases[0]!.table;
  const changed = batches.map((batch) => ({ slice: batch, view: externalView(4) }));
  return {
    ...base,
    title: `churn: ${each * BATCHES} of ${routes} routes replaced each second for ${seconds} s`,
    phases: [
      { name: 'load', order: 'announce', senders: [0], table },
      { name: 'churn', order: 'churn', senders: [0], table: [...table, ...changed] },
    ],
    churn: { batches, interval: 1000 / BATCHES },
  };
}

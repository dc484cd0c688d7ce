import type { TraceStepRow } from '../../agents/control/types.ts';
import type { Paint } from './context.ts';
import { alignColumns } from './table.ts';

/** One place on a packet's way, with what happened there. */
export interface Hop {
  readonly kind: 'pod' | 'host' | 'wire';
  /** Pod, host, or `host1 → host2`. */
  readonly name: string;
  readonly steps: readonly { readonly what: string; readonly text: string }[];
}

/** The way of one packet. */
export interface PacketPath {
  readonly packetId: string;
  readonly source: string;
  readonly destination: string;
  readonly hops: readonly Hop[];
}

const STEP_NAMES: Readonly<Record<string, string>> = {
  port: 'received',
  arp: 'ARP',
  route: 'route',
  neighbor: 'neighbor',
  fdb: 'FDB',
  encap: 'encapsulation',
  decap: 'decapsulation',
  ttl: 'TTL',
  fragment: 'fragment',
  icmp: 'ICMP',
  deliver: 'delivery',
  drop: 'drop',
};

/**
 * Puts the steps that agents reported for packets into the order of time and of places: pod, host, wire, host, pod.
 * Packets come in the order in which they were first seen (a ping's request, then its reply); ARP is left out.
 */
export function packetPaths(rows: readonly TraceStepRow[]): PacketPath[] {
  const packets = new Map<string, TraceStepRow[]>();
  for (const row of rows.toSorted(byTime)) {
    if (row.at === 'arp') continue;
    const own = packets.get(row.packetId) ?? [];
    own.push(row);
    packets.set(row.packetId, own);
  }
  return [...packets.values()].map((steps) => ({
    packetId: steps[0]!.packetId,
    source: steps[0]!.source,
    destination: steps[0]!.destination,
    hops: hopsOf(steps),
  }));
}

function byTime(a: TraceStepRow, b: TraceStepRow): number {
  const [first, second] = [BigInt(a.time), BigInt(b.time)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function hopsOf(rows: readonly TraceStepRow[]): Hop[] {
  const hops: Hop[] = [];
  let visit: TraceStepRow[] = [];
  const leave = (): void => {
    if (visit.length > 0) hops.push(...hostHops(visit));
  };
  for (const row of rows) {
    const last = visit.at(-1);
    if (last !== undefined && last.node !== row.node) {
      leave();
      hops.push(wireHop(last, row));
      visit = [];
    }
    visit.push(row);
  }
  leave();
  return hops;
}

/** A host, before it the pod that the packet came from, after it the pod that it was given to. */
function hostHops(visit: readonly TraceStepRow[]): Hop[] {
  const first = visit[0]!;
  const sender = /^from (\S+\/\S+) on /.exec(String(first.fields.from ?? ''))?.[1];
  const receiver = visit.findLast(({ at }) => at === 'deliver')?.fields.workload;
  const steps = visit.filter((row) => row !== first || sender === undefined).flatMap(stepLines);
  return [
    ...(sender === undefined ? [] : [pod(sender, String(first.fields.packet ?? first.text))]),
    { kind: 'host', name: first.node, steps },
    ...(receiver === undefined
      ? []
      : [pod(String(receiver), `${first.source} > ${first.destination} received`)]),
  ];
}

function pod(name: string, text: string): Hop {
  return { kind: 'pod', name, steps: [{ what: 'packet', text }] };
}

/** A step, and where its entry was learnt as a line of its own. */
function stepLines(row: TraceStepRow): { what: string; text: string }[] {
  const what = STEP_NAMES[row.at] ?? row.at;
  const origin = row.fields.origin;
  const suffix = ` — ${origin}`;
  if (origin === undefined || !row.text.endsWith(suffix)) return [{ what, text: row.text }];
  const text = row.text.slice(0, -suffix.length);
  return [
    { what, text: text.startsWith(`${row.at} `) ? text.slice(row.at.length + 1) : text },
    { what: '', text: `learnt: ${origin}` },
  ];
}

function wireHop(from: TraceStepRow, to: TraceStepRow): Hop {
  const { vtep, vni, sourcePort, nextHop } = from.fields;
  const text =
    vtep === undefined
      ? `IPv4 without encapsulation${nextHop === undefined ? '' : ` to ${nextHop}`}`
      : `UDP from port ${sourcePort} to VTEP ${vtep}, VXLAN VNI ${vni}`;
  const micros = Number(BigInt(to.time) - BigInt(from.time)) / 1000;
  return {
    kind: 'wire',
    name: `${from.node} → ${to.node}`,
    steps: [{ what: `${micros.toFixed(0)} µs`, text }],
  };
}

const HOP_STYLES = { pod: 'green', host: 'cyan', wire: 'yellow' } as const;

/** The paths as a list of hops for people. */
export function renderPaths(paths: readonly PacketPath[], paint: Paint): string {
  return paths.map((path) => renderPath(path, paint)).join('\n\n');
}

function renderPath(path: PacketPath, paint: Paint): string {
  const rows = path.hops.flatMap(({ kind, name, steps }) =>
    steps.map(({ what, text }, i) => [
      i === 0 ? `  ${paint(HOP_STYLES[kind], kind.padEnd(4))}` : '',
      i === 0 ? paint('bold', name) : '',
      paint('dim', what),
      what === '' ? paint('dim', text) : text,
    ]),
  );
  return `${paint('bold', `${path.source} → ${path.destination}`)}\n${alignColumns(rows, '  ')}`;
}

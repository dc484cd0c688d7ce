import type { LabInfo } from '../../agents/control/routes.ts';
import type {
  AgentStatus,
  FdbRow,
  IpamRow,
  NeighborRow,
  PodRow,
  RouteRow,
  StoreRow,
} from '../../agents/control/types.ts';
import { parsePrefix } from '../../protocol/ip/prefix.ts';
import type { OutputStream, Paint } from './context.ts';
import { alignColumns, boxTable, plainTable } from './table.ts';

/** Tables of `podwire inspect`, in the form of the tool that shows the same on a real node. */

/** The lab in a line, then a row per node. @param whole also name the nodes that do not run. */
export function overviewTable(
  info: LabInfo,
  statuses: readonly AgentStatus[],
  whole: boolean,
  paint: Paint,
): string {
  const facts = [
    info.phase,
    `runtime ${info.runtime}`,
    `${info.podKind} pods`,
    `store ${info.store}`,
    `BGP port ${info.bgpPort}`,
    ...(info.convergedMs === null ? [] : [`converged in ${info.convergedMs.toFixed(0)} ms`]),
  ];
  const byName = new Map(statuses.map((status) => [status.node, status]));
  const shown = info.nodes.filter(({ name }) => whole || byName.has(name));
  const rows = shown.map((node) => {
    const status = byName.get(node.name);
    if (status === undefined) {
      return [
        node.name,
        node.kind,
        node.address,
        '-',
        '-',
        '-',
        '-',
        node.running ? 'running' : paint('red', 'stopped'),
      ];
    }
    const { sessions, pods } = status;
    const state = status.ready ? paint('green', 'ready') : paint('yellow', status.message);
    return [
      node.name,
      status.kind,
      status.address,
      String(status.asn),
      `${sessions.established}/${sessions.total}`,
      status.blocks.join(',') || '-',
      status.kind === 'host' ? `${pods.ready}/${pods.total}` : '-',
      state,
    ];
  });
  const heading = ['NODE', 'KIND', 'ADDRESS', 'AS', 'SESSIONS', 'BLOCKS', 'PODS', 'STATE'];
  return `Lab ${paint('bold', info.name)}: ${facts.join(', ')}\n\n${plainTable(heading, rows)}`;
}

/** BIRD's word for a session's state, which `calicoctl node status` shows. */
const BIRD_STATES: Readonly<Record<string, string>> = { Established: 'up', Idle: 'down' };

/** `calicoctl node status`: peers of one node, or of several with a column for the node. */
export function bgpTable(rows: readonly NeighborRow[], several: boolean, paint: Paint): string {
  const heading = ['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO'];
  const cells = rows.map((row) => {
    const up = row.state === 'Established';
    const info = up || row.lastError === undefined ? row.state : `${row.state} (${row.lastError})`;
    const port = row.port === 179 ? '' : `:${row.port}`;
    return [
      ...(several ? [row.node_name] : []),
      `${row.address}${port}`,
      row.type ?? '-',
      paint(up ? 'green' : 'red', BIRD_STATES[row.state] ?? 'start'),
      since(row.since),
      info,
    ];
  });
  if (cells.length === 0) return 'IPv4 BGP status\nNo IPv4 peers found.';
  return `IPv4 BGP status\n${boxTable([...(several ? ['NODE'] : []), ...heading], cells)}`;
}

/** Time of day today, the date before, as BIRD prints it; local time. */
export function since(time: string, now: Date = new Date()): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (date.toDateString() === now.toDateString()) {
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  }
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Lines of `ip route`, each followed by where it was learnt. */
export function routesTable(rows: readonly RouteRow[], several: boolean, paint: Paint): string {
  if (rows.length === 0) return 'No routes.';
  return alignColumns(
    rows.map((row) => [
      ...(several ? [row.node] : []),
      routeText(row),
      ...(row.learnedFrom === '' ? [] : [paint('dim', `# ${row.learnedFrom}`)]),
    ]),
    '  ',
  );
}

/** A route as `ip route` prints it: protocol boot and scope global stay unsaid. */
export function routeText(row: RouteRow): string {
  return [
    row.type === 'unicast' ? '' : row.type,
    row.destination.replace(/\/32$/, ''),
    row.gateway === null ? '' : `via ${row.gateway}`,
    row.device === null ? '' : `dev ${row.device}`,
    row.protocol === 'boot' || row.protocol === '' ? '' : `proto ${row.protocol}`,
    row.scope === null || row.scope === 'global' ? '' : `scope ${row.scope}`,
    row.mtu === null ? '' : `mtu ${row.mtu}`,
    ...row.flags,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

/** Lines of `bridge fdb` and, below, of `ip neigh` for the addresses that lead to them. */
export function fdbTable(rows: readonly FdbRow[], several: boolean, paint: Paint): string {
  if (rows.length === 0) return 'No FDB entries.';
  const node = (row: FdbRow): string[] => (several ? [row.node] : []);
  const origin = (row: FdbRow): string[] =>
    row.learnedFrom === '' ? [] : [paint('dim', `# ${row.learnedFrom}`)];
  const fdb = rows.map((row) => [
    ...node(row),
    `${row.mac} dev ${row.device} dst ${row.destination} self ${row.state.toLowerCase()}`,
    ...origin(row),
  ]);
  const neighbors = rows.map((row) => [
    ...node(row),
    `${row.neighbor} dev ${row.device} lladdr ${row.mac} ${row.state.toUpperCase()}`,
  ]);
  return [
    paint('bold', 'bridge fdb'),
    alignColumns(fdb, '  '),
    '',
    paint('bold', 'ip neigh'),
    alignColumns(neighbors, '  '),
  ].join('\n');
}

/** Node of a block's affinity (`host:NODE`); another owner as it is; `-` where it has none. */
export function affineNode({ affinity }: IpamRow): string {
  return affinity?.replace(/^host:/, '') ?? '-';
}

/** `calicoctl ipam show --show-blocks` with the node of each block, and below it the borrowed addresses if any. */
export function ipamTable(rows: readonly IpamRow[]): string {
  if (rows.length === 0) return 'No blocks.';
  const pools = [...new Set(rows.map(({ pool }) => pool))];
  const cells = pools.flatMap((pool) => {
    const blocks = rows.filter((row) => row.pool === pool);
    return [
      ['IP Pool', pool, ...counts(poolTotals(pool, blocks)), ''],
      ...blocks.map((row) => ['Block', row.block, ...counts(row), affineNode(row)]),
    ];
  });
  const heading = ['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS RESERVED', 'IPS FREE', 'NODE'];
  const table = boxTable(heading, cells);
  const borrowed = rows.flatMap((row) =>
    row.borrowed.map(({ address, node, handle }) => [address, node, row.block, affineNode(row), handle]),
  );
  if (borrowed.length === 0) return table;
  return `${table}\n${boxTable(['IP', 'BORROWING-NODE', 'BLOCK', 'BLOCK OWNER', 'ALLOCATED-TO'], borrowed)}`;
}

type Counts = Pick<IpamRow, 'total' | 'inUse' | 'reserved' | 'free'>;

/** A pool counts all its addresses, also those of blocks that nobody has claimed. */
function poolTotals(pool: string, blocks: readonly IpamRow[]): Counts {
  const sum = (field: keyof Counts): number => blocks.reduce((total, row) => total + row[field], 0);
  const [inUse, reserved] = [sum('inUse'), sum('reserved')];
  const total = poolSize(pool) ?? sum('total');
  return { total, inUse, reserved, free: total - inUse - reserved };
}

function poolSize(pool: string): number | undefined {
  try {
    const { bytes, length } = parsePrefix(pool);
    return 2 ** (bytes.length * 8 - length);
  } catch {
    return undefined;
  }
}

function counts({ total, inUse, reserved, free }: Counts): string[] {
  const share = (value: number): string =>
    `${value} (${total === 0 ? 0 : Math.round((value / total) * 100)}%)`;
  return [String(total), share(inUse), String(reserved), share(free)];
}

/** `kubectl get pods -o wide --show-labels` with what the host knows of each pod. */
export function podsTable(rows: readonly PodRow[]): string {
  if (rows.length === 0) return 'No pods.';
  return plainTable(
    ['NAMESPACE', 'NAME', 'READY', 'KIND', 'IP', 'NODE', 'MAC', 'INTERFACE', 'LABELS'],
    rows.map((row) => [
      row.namespace,
      row.name,
      row.ready ? 'yes' : 'no',
      row.kind,
      row.addresses.map((address) => address.replace(/\/32$/, '')).join(',') || '<none>',
      row.node,
      row.mac,
      row.interface,
      Object.entries(row.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',') || '<none>',
    ]),
  );
}

/** Keys and values with their revisions; values are cut to the terminal's width, never elsewhere. */
export function storeTable(rows: readonly StoreRow[], output: OutputStream): string {
  if (rows.length === 0) return 'The store is empty.';
  const lines = plainTable(
    ['KEY', 'VERSION', 'MOD_REVISION', 'LEASE', 'VALUE'],
    rows.map((row) => [
      row.key,
      row.version,
      row.modRevision,
      row.lease === '0' ? '-' : row.lease,
      `${row.encoding === 'base64' ? 'base64:' : ''}${row.value.replaceAll(/\s*\n\s*/g, ' ')}`,
    ]),
  );
  const { columns } = output;
  if (output.isTTY !== true || columns === undefined) return lines;
  return lines
    .split('\n')
    .map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
    .join('\n');
}

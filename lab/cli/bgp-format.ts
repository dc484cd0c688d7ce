import type { PathView } from '../../agents/bgp/types.ts';
import type { BgpNeighbor, BgpSummary } from '../../agents/control/bgp.ts';

/** Tables of `podwire bgp` as `vtysh -c 'show bgp ...'` prints them. */

/** `show bgp summary`. */
export function summaryText(summary: BgpSummary, neighbors: readonly BgpNeighbor[], now: Date): string {
  const lines = [
    `BGP router identifier ${summary.routerId}, local AS number ${summary.asn}`,
    ...(summary.clusterId === null ? [] : [`Cluster identifier ${summary.clusterId}`]),
    ...summary.tables.map(
      ({ family, prefixes, paths }) => `${family}: ${prefixCount(prefixes)} with ${pathCount(paths)}`,
    ),
    '',
  ];
  const width = Math.max(15, ...neighbors.map(({ address, port }) => peerText(address, port).length)) + 1;
  lines.push(
    `${'Neighbor'.padEnd(width)}V         AS   MsgRcvd   MsgSent  Up/Down State/PfxRcd   PfxSnt Desc`,
  );
  for (const row of neighbors) {
    const up = row.state === 'Established';
    const state = up ? String(row.prefixesReceived) : idleText(row);
    lines.push(
      [
        peerText(row.address, row.port).padEnd(width - 1),
        '4',
        String(row.asn ?? '-').padStart(10),
        String(row.messagesReceived).padStart(9),
        String(row.messagesSent).padStart(9),
        upDown(row, now).padStart(8),
        state.padStart(12),
        String(row.prefixesSent).padStart(8),
        row.description ?? row.node ?? (row.name === row.address ? 'N/A' : row.name),
      ].join(' '),
    );
  }
  lines.push('', `Total number of neighbors ${neighbors.length}`);
  return lines.join('\n');
}

/** A state other than Established, with what keeps the session in it, as FRR shows it. */
function idleText({ state, shutDown, prefixLimit }: BgpNeighbor): string {
  if (shutDown) return `${state} (Admin)`;
  return prefixLimit === undefined ? state : `${state} (PfxCt)`;
}

/** `1 prefix`, `2 prefixes`. */
export function prefixCount(count: number): string {
  return `${count} ${count === 1 ? 'prefix' : 'prefixes'}`;
}

/** `1 path`, `2 paths`. */
export function pathCount(count: number): string {
  return `${count} ${count === 1 ? 'path' : 'paths'}`;
}

/** An address with its port, where that is not the one of BGP. */
export function peerText(address: string, port: number): string {
  return port === 179 ? address : `${address}:${port}`;
}

/** How long a session has been up, or down since it was; `never` before. */
function upDown({ since, state, established }: BgpNeighbor, now: Date): string {
  if (state !== 'Established' && established === 0) return 'never';
  return duration(Math.max(0, now.getTime() - new Date(since).getTime()));
}

/** `00:01:02`, from a day on `1d02h03m`, from a week on `3w4d05h`. */
export function duration(ms: number): string {
  const total = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [seconds, minutes, hours] = [total % 60, Math.floor(total / 60) % 60, Math.floor(total / 3600) % 24];
  const days = Math.floor(total / 86_400);
  if (days === 0) return `${two(hours)}:${two(minutes)}:${two(seconds)}`;
  if (days < 7) return `${days}d${two(hours)}h${two(minutes)}m`;
  return `${Math.floor(days / 7)}w${days % 7}d${two(hours)}h`;
}

/** What stands above a table of routes. */
export function routesHeading(summary: BgpSummary): string {
  return [
    `Local router ID is ${summary.routerId}, local AS ${summary.asn}`,
    'Status codes: * valid, > best, = multipath, i internal, c confederation, S stale, ! not eligible',
    'Origin codes: i - IGP, e - EGP, ? - incomplete',
    '',
    `    ${'Network'.padEnd(NETWORK)}${'Next Hop'.padEnd(NEXT_HOP)}${'Metric'.padStart(10)} ${'LocPrf'.padStart(6)} Path`,
  ].join('\n');
}

const NETWORK = 20;
const NEXT_HOP = 16;

/** A line of `show bgp ipv4 unicast`. @param repeated the prefix is that of the line above, and left out. */
export function routeLine(path: PathView, repeated: boolean): string {
  const network = repeated ? '' : path.pathId === undefined ? path.prefix : `${path.prefix} [${path.pathId}]`;
  // As routers do it: what does not fit has a line for itself.
  const first = network.length < NETWORK ? network.padEnd(NETWORK) : `${network}\n${' '.repeat(NETWORK + 4)}`;
  const hop =
    path.nextHop.length < NEXT_HOP
      ? path.nextHop.padEnd(NEXT_HOP)
      : `${path.nextHop}\n${' '.repeat(NETWORK + 4 + NEXT_HOP)}`;
  const med = path.med === undefined ? '' : String(path.med);
  const preference = path.localPref === undefined ? '' : String(path.localPref);
  const tail = [path.asPath, ORIGIN_CODES[path.origin]].filter((word) => word !== '').join(' ');
  return `${codes(path)}${first}${hop}${med.padStart(10)} ${preference.padStart(6)} ${tail}`;
}

const ORIGIN_CODES: Readonly<Record<PathView['origin'], string>> = { IGP: 'i', EGP: 'e', INCOMPLETE: '?' };

const SOURCE_CODES: Readonly<Record<PathView['source'], string>> = {
  local: ' ',
  external: ' ',
  internal: 'i',
  confederation: 'c',
};

function codes(path: PathView): string {
  const validity = path.ineligible !== undefined ? '!' : path.stale === true ? 'S' : '*';
  const choice = path.best ? '>' : path.multipath === true ? '=' : ' ';
  return `${validity}${choice}${SOURCE_CODES[path.source]} `;
}

import type { BgpNeighbor } from '../../agents/control/bgp.ts';
import { duration, peerText } from './bgp-format.ts';

/** `show bgp neighbors`: everything about each, in paragraphs. */
export function neighborsText(neighbors: readonly BgpNeighbor[], now: Date): string {
  if (neighbors.length === 0) return 'No BGP neighbors.';
  return neighbors.map((neighbor) => neighborText(neighbor, now)).join('\n\n');
}

/** What the OPENs settled, where it is not said elsewhere. */
function negotiatedLines({ negotiated }: BgpNeighbor): (readonly [string, string | undefined])[] {
  if (negotiated === undefined) return [];
  const { addPathSend, addPathReceive, extendedNextHop, maxMessageLength, peerCapabilities } = negotiated;
  const { gracefulRestart, longLived, role, fqdn, softwareVersion } = negotiated;
  const some = (names: readonly string[]): string | undefined =>
    names.length === 0 ? undefined : names.join(', ');
  const { receive, send } = maxMessageLength;
  return [
    ["Peer's capabilities", some(peerCapabilities)],
    ["Peer's role", role?.remote],
    ["Peer's host", fqdn === undefined ? undefined : some([fqdn.hostName, fqdn.domainName].filter(Boolean))],
    ["Peer's software", softwareVersion],
    ['Several paths', addPathText(addPathSend, addPathReceive)],
    ['IPv6 next hops', some(extendedNextHop)],
    ['Longest message', send === receive ? undefined : `${send} octets sent, ${receive} received`],
    [
      'Graceful restart',
      gracefulRestart === undefined
        ? undefined
        : `routes kept for ${gracefulRestart.restartTime} s: ${some(gracefulRestart.families.map(({ family }) => family)) ?? 'none'}${gracefulRestart.notification ? '; also after NOTIFICATIONs' : ''}`,
    ],
    [
      'Long-lived graceful restart',
      some(longLived?.families.map(({ family, staleTime }) => `${family} for ${staleTime} s`) ?? []),
    ],
  ];
}

function addPathText(send: readonly string[], receive: readonly string[]): string | undefined {
  const directions = [
    ...(send.length === 0 ? [] : [`sent in ${send.join(', ')}`]),
    ...(receive.length === 0 ? [] : [`received in ${receive.join(', ')}`]),
  ];
  return directions.length === 0 ? undefined : directions.join('; ');
}

function neighborText(row: BgpNeighbor, now: Date): string {
  const { received, sent, faults } = row.counters;
  const link = row.asn === undefined ? 'AS not known yet' : `remote AS ${row.asn}, local AS ${row.localAsn}`;
  const list = (names: readonly string[]): string => names.join(', ') || 'none';
  const age = duration(Math.max(0, now.getTime() - new Date(row.since).getTime()));
  const lines: (readonly [string, string | undefined])[] = [
    ['Description', row.description ?? row.node],
    ['Peer group', row.group === undefined ? undefined : `${row.group}${row.dynamic ? ' (dynamic)' : ''}`],
    [
      'BGP state',
      `${row.state}${row.shutDown ? ' (shut down)' : ''}${row.prefixLimit === undefined ? '' : ` (too many prefixes of ${row.prefixLimit})`}, for ${age}`,
    ],
    ['Remote router ID', row.routerId],
    ['Local address', row.localAddress],
    ['Role', row.role === undefined ? undefined : `we are its ${row.role}`],
    ['Route reflector client', row.routeReflectorClient ? 'yes' : undefined],
    ['Hold time', row.holdTime === undefined ? undefined : `${row.holdTime} s`],
    ['Families', list(row.families)],
    ['Capabilities of both', row.state === 'Established' ? list(row.capabilities) : undefined],
    ...negotiatedLines(row),
    ['Stale families', row.staleFamilies.length === 0 ? undefined : list(row.staleFamilies)],
    ['End-of-RIB', `received ${list(row.endOfRibReceived)}; sent ${list(row.endOfRibSent)}`],
    ['Prefixes', `${row.prefixesReceived} received, ${row.prefixesSent} sent`],
    ['Established', `${row.established} ${row.established === 1 ? 'time' : 'times'}`],
    ['Last error', row.lastError],
  ];
  const messages = (['open', 'update', 'keepalive', 'routeRefresh', 'notification'] as const).map(
    (kind) =>
      `    ${kind.padEnd(14)}${String(sent[kind]).padStart(10)}${String(received[kind]).padStart(10)}`,
  );
  const bad = Object.entries(faults).filter(([, count]) => count > 0);
  return [
    `BGP neighbor ${peerText(row.address, row.port)} (${row.name}), ${link}`,
    ...lines.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`])),
    `  Messages:           sent  received`,
    ...messages,
    ...(bad.length === 0
      ? []
      : [`  Faulty messages: ${bad.map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`]),
  ].join('\n');
}

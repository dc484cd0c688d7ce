/** A GoBGP configuration (TOML) that offers every peer of a profile, as far as GoBGP can. */
import { type Feature, isRange, type Profile, type ProfilePeer } from '../profile.ts';

/** What GoBGP 3.10 has no setting for. */
export const GOBGP_LACKS: readonly Feature[] = [
  'delay-open',
  'required-capability',
  'role-provider',
  'role-customer',
  'role-strict',
  'no-policy',
  'mrai',
  'large-open',
  'send-hold-timer',
  'third-party-off',
  'next-hop-self',
  'extended-next-hop',
  'no-extended-message',
];

const FAMILIES = ['ipv4-unicast', 'ipv6-unicast', 'l2vpn-evpn'];

/** The text of a gobgpd.conf. GoBGP takes no next hops in 127.0.0.0/8: give `--next-hops` a range outside of it. */
export function gobgpConfig(profile: Profile): string {
  const { target, asn, confederation } = profile;
  const members = [...new Set(profile.peers.filter(({ kind }) => kind === 'confed').map((peer) => peer.asn))];
  const head = `# GoBGP for podwire conformance bgp
[global.config]
  as = ${asn}
  router-id = "${target.address.includes(':') ? '192.0.2.1' : target.address}"
  port = ${target.port}
  local-address-list = ["${target.address}"]
[global.route-selection-options.config]
  external-compare-router-id = true
${
  confederation === undefined
    ? ''
    : `[global.confederation.config]
  enabled = true
  identifier = ${confederation}
  member-as-list = [${members.join(', ')}]
`
}`;
  return [head, ...profile.peers.map((peer, i) => gobgpPeer(profile, peer, i + 1))].join('\n');
}

function gobgpPeer(profile: Profile, peer: ProfilePeer, number: number): string {
  const range = isRange(peer);
  const table = range ? 'peer-groups' : 'neighbors';
  const name = range ? `peer-group-name = "p${number}"` : `neighbor-address = "${peer.address}"`;
  const passive = !peer.features.includes('dials');
  const lines = [
    `[[${table}]]`,
    `  [${table}.config]`,
    `    ${name}`,
    `    peer-as = ${peer.asn}`,
    `  [${table}.transport.config]`,
    `    local-address = "${profile.target.address}"`,
    `    remote-port = ${peer.port ?? profile.target.port}`,
    `    passive-mode = ${passive}`,
    ...(peer.asn === profile.asn
      ? []
      : [`  [${table}.ebgp-multihop.config]`, '    enabled = true', '    multihop-ttl = 255']),
    `  [${table}.timers.config]`,
    '    hold-time = 180',
    `    connect-retry = ${peer.settings.connectRetryTime ?? 2}`,
    '    idle-hold-time-after-reset = 1',
    ...(peer.features.includes('graceful-restart')
      ? [
          `  [${table}.graceful-restart.config]`,
          '    enabled = true',
          '    restart-time = 120',
          '    notification-enabled = true',
          '    long-lived-enabled = true',
        ]
      : []),
    ...(peer.kind === 'ibgp-client'
      ? [
          `  [${table}.route-reflector.config]`,
          '    route-reflector-client = true',
          `    route-reflector-cluster-id = "${profile.clusterId ?? profile.target.address}"`,
        ]
      : []),
    ...(peer.features.includes('allow-as-in')
      ? [`  [${table}.as-path-options.config]`, '    allow-own-as = 1']
      : []),
    ...FAMILIES.flatMap((family) => familyLines(table, peer, family)),
    ...(range
      ? [
          '[[dynamic-neighbors]]',
          '  [dynamic-neighbors.config]',
          `    prefix = "${peer.address}"`,
          `    peer-group = "p${number}"`,
        ]
      : []),
    '',
  ];
  return lines.join('\n');
}

function familyLines(table: string, peer: ProfilePeer, family: string): string[] {
  const evpn = family === 'l2vpn-evpn';
  const has = (feature: Feature): boolean => peer.features.includes(feature);
  if (evpn && !has('evpn')) return [];
  const at = `${table}.afi-safis`;
  return [
    `  [[${at}]]`,
    `    [${at}.config]`,
    `      afi-safi-name = "${family}"`,
    ...(has('graceful-restart') ? [`    [${at}.mp-graceful-restart.config]`, '      enabled = true'] : []),
    ...(has('long-lived-graceful-restart')
      ? [
          `    [${at}.long-lived-graceful-restart.config]`,
          '      enabled = true',
          '      restart-time = 3600',
        ]
      : []),
    ...(has('add-path') && !evpn
      ? [`    [${at}.add-paths.config]`, '      receive = true', '      send-max = 8']
      : []),
    ...(has('max-prefix')
      ? [`    [${at}.prefix-limit.config]`, `      max-prefixes = ${peer.settings.maxPrefixes ?? 5}`]
      : []),
  ];
}

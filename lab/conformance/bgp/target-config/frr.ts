/** An FRR bgpd configuration that offers every peer of a profile. */
import { type Feature, isRange, type Profile, type ProfilePeer } from '../profile.ts';

/** What FRR 8.4 has no setting for: it always offers extended messages. */
export const FRR_LACKS: readonly Feature[] = ['no-extended-message'];

/** The text of a bgpd.conf. Start bgpd with `-l ADDRESS -p PORT`, and `-Z` where no zebra runs. */
export function frrConfig(profile: Profile): string {
  const { target, asn, confederation } = profile;
  const groups = profile.peers.map((peer, i) => frrPeer(profile, peer, i + 1));
  const ibgpOnly = (profile.clusterId ?? '') === '' ? [] : [` bgp cluster-id ${profile.clusterId}`];
  return `! FRR for podwire conformance bgp
frr defaults traditional
route-map ALL permit 10
!
router bgp ${asn}
 bgp router-id ${target.address.includes(':') ? '192.0.2.1' : target.address}
${[
  ...ibgpOnly,
  ...(confederation === undefined
    ? []
    : [
        ` bgp confederation identifier ${confederation}`,
        ...[...new Set(profile.peers.filter(({ kind }) => kind === 'confed').map((peer) => peer.asn))].map(
          (member) => ` bgp confederation peers ${member}`,
        ),
      ]),
  ' bgp ebgp-requires-policy',
  // Our own addresses as next hops, which may be in 127.0.0.0/8.
  ...(profile.nextHops === undefined ? [' bgp allow-martian-nexthop'] : []),
  ' no bgp default ipv4-unicast',
  ' no bgp network import-check',
  ' bgp bestpath compare-routerid',
  ' bgp deterministic-med',
  // Otherwise it keeps changes to itself that it takes for duplicates: other labels of EVPN routes, for one.
  ' no bgp suppress-duplicates',
  ' bgp graceful-restart',
  ' bgp graceful-restart restart-time 120',
  ' bgp long-lived-graceful-restart stale-time 3600',
  ' bgp listen limit 5000',
  ' coalesce-time 0',
].join('\n')}
${groups.map(({ global }) => global.join('\n')).join('\n')}
 address-family ipv4 unicast
${groups.map(({ unicast }) => unicast.join('\n')).join('\n')}
 exit-address-family
 address-family ipv6 unicast
${groups.map(({ unicast }) => unicast.join('\n')).join('\n')}
 exit-address-family
 address-family l2vpn evpn
${groups.map(({ evpn }) => evpn.join('\n')).join('\n')}
 exit-address-family
!
`;
}

interface FrrLines {
  readonly global: readonly string[];
  readonly unicast: readonly string[];
  readonly evpn: readonly string[];
}

function frrPeer(profile: Profile, peer: ProfilePeer, number: number): FrrLines {
  const range = isRange(peer);
  const name = range ? `P${number}` : peer.address;
  const has = (feature: Feature): boolean => peer.features.includes(feature);
  const { settings } = peer;
  const internal = peer.asn === profile.asn;
  const neighbor = (rest: string): string => ` neighbor ${name} ${rest}`;
  const global = [
    ...(range ? [neighbor('peer-group')] : []),
    neighbor(`remote-as ${peer.asn}`),
    ...(internal ? [] : [neighbor('ebgp-multihop 255'), neighbor('enforce-first-as')]),
    neighbor('disable-connected-check'),
    neighbor(`advertisement-interval ${has('mrai') ? (settings.mrai ?? 3) : 0}`),
    neighbor(`timers connect ${settings.connectRetryTime ?? 2}`),
    ...(range
      ? [` bgp listen range ${peer.address} peer-group ${name}`]
      : [
          neighbor(`port ${peer.port ?? profile.target.port}`),
          neighbor(`update-source ${profile.target.address}`),
        ]),
    ...(!range && !has('dials') ? [neighbor('passive')] : []),
    ...(has('delay-open') ? [neighbor(`timers delayopen ${settings.delayOpenTime ?? 3}`)] : []),
    // The send hold time is twice the configured hold time.
    ...(has('send-hold-timer') ? [neighbor(`timers 3 ${Math.ceil((settings.sendHoldTime ?? 20) / 2)}`)] : []),
    ...(has('required-capability') ? [neighbor('strict-capability-match')] : []),
    ...(has('role-provider') ? [neighbor('local-role provider')] : []),
    ...(has('role-customer') ? [neighbor('local-role customer')] : []),
    ...(has('role-strict') ? [neighbor('local-role provider strict-mode')] : []),
    ...(has('large-open') ? [neighbor('extended-optional-parameters')] : []),
    ...(has('extended-next-hop') ? [neighbor('capability extended-nexthop')] : []),
  ];
  const unicast = [
    neighbor('activate'),
    ...(has('no-policy') ? [] : [neighbor('route-map ALL in'), neighbor('route-map ALL out')]),
    ...(peer.kind === 'ibgp-client' ? [neighbor('route-reflector-client')] : []),
    ...(has('add-path') ? [neighbor('addpath-tx-all-paths')] : []),
    ...(has('max-prefix') ? [neighbor(`maximum-prefix ${settings.maxPrefixes ?? 5}`)] : []),
    ...(has('allow-as-in') ? [neighbor('allowas-in 1')] : []),
    ...(has('third-party-off') ? [neighbor('next-hop-self')] : []),
    ...(has('next-hop-self') ? [neighbor('next-hop-self force')] : []),
  ].map((line) => ` ${line}`);
  const evpn = has('evpn')
    ? [
        neighbor('activate'),
        neighbor('route-map ALL in'),
        neighbor('route-map ALL out'),
        ...(peer.kind === 'ibgp-client' ? [neighbor('route-reflector-client')] : []),
      ].map((line) => ` ${line}`)
    : [];
  return { global, unicast, evpn };
}

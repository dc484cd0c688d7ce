/** A BIRD 2 configuration that offers every peer of a profile, as far as BIRD can. */
import type { Feature, Profile, ProfilePeer } from '../profile.ts';
import { isRange } from '../profile.ts';
import { FAR_COST, resolvablePrefixes } from './resolvable.ts';

/**
 * What BIRD 2.0 has no setting for. (`require enhanced route refresh` and `send hold time` came with later releases;
 * `connect delay time` is about dialling, not about DelayOpen.)
 */
export const BIRD_LACKS: readonly Feature[] = [
  'large-open',
  'mrai',
  'required-capability',
  'evpn',
  'send-hold-timer',
  'delay-open',
];

/** The text of a bird.conf. BIRD resolves no next hops in 127.0.0.0/8: give `--next-hops` a range outside of it. */
export function birdConfig(profile: Profile): string {
  const { target, asn } = profile;
  const { peers } = profile;
  // BIRD passes on routes whose next hop it cannot reach unless told otherwise: all, where next hops are in 127.0.0.0/8.
  const exported = profile.nextHops === undefined ? 'export all' : 'export where dest != RTD_UNREACHABLE';
  return `# BIRD 2 for podwire conformance bgp
router id ${target.address.includes(':') ? '192.0.2.1' : target.address};

protocol device {}

# Next hops of the tester must be resolvable.
protocol static {
  ipv4;
${resolvablePrefixes(profile)
  .map((prefix) => `  route ${prefix} via "lo" { igp_metric = 1; };`)
  .join(
    '\n',
  )}${profile.farNextHops === undefined ? '' : `\n  route ${profile.farNextHops} via "lo" { igp_metric = ${FAR_COST}; };`}
}
protocol static {
  ipv6;
  route ${profile.nextHops6} via "lo";
}

template bgp tester {
  local ${target.address} port ${target.port} as ${asn};
  strict bind yes;${
    profile.confederation === undefined
      ? ''
      : `
  confederation ${profile.confederation};`
  }
  multihop;
  hold time 180;
  startup hold time 20;
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 1;
  error forget time 1;
  graceful restart on;
  graceful restart time 120;
  long lived graceful restart on;
  enable extended messages on;
  enable route refresh on;
  allow bgp_local_pref off;
  deterministic med on;
  ipv4 { import all; ${exported}; add paths on; extended next hop on; };
  ipv6 { import all; export all; add paths on; next hop address 2001:db8:fffe::1; };
}
${peers.map((peer, i) => birdPeer(profile, peer, i + 1)).join('\n')}
`;
}

function birdPeer(profile: Profile, peer: ProfilePeer, number: number): string {
  const lines: string[] = [];
  const range = isRange(peer);
  if (range) {
    lines.push(
      `  neighbor range ${peer.address} as ${peer.asn};`,
      `  dynamic name "p${number}_";`,
      '  passive yes;',
    );
  } else {
    lines.push(`  neighbor ${peer.address} port ${peer.port ?? profile.target.port} as ${peer.asn};`);
    if (!peer.features.includes('dials')) lines.push('  passive yes;');
  }
  if (peer.kind === 'ibgp-client') lines.push('  rr client;');
  if (peer.kind === 'ebgp' || peer.kind === 'ebgp2') lines.push('  enforce first as on;');
  if (peer.kind === 'confed') {
    lines.push('  confederation member yes;');
  }
  for (const feature of peer.features) lines.push(...(LINES[feature]?.(peer) ?? []));
  return `# ${peer.kind}${peer.features.length > 0 ? `: ${peer.features.join(', ')}` : ''}
protocol bgp ${range ? `peer${number}` : `peer_${peer.address.replaceAll(/[.:]/g, '_')}`} from tester {
${lines.join('\n')}
}`;
}

const LINES: Readonly<Partial<Record<Feature, (peer: ProfilePeer) => readonly string[]>>> = {
  'role-provider': () => ['  local role provider;'],
  'role-customer': () => ['  local role customer;'],
  'role-strict': () => ['  local role provider;', '  require roles yes;'],
  'max-prefix': ({ settings }) => [
    `  ipv4 { import all; export all; import limit ${settings.maxPrefixes ?? 5} action disable; };`,
  ],
  'no-policy': () => ['  ipv4 { import none; export none; };'],
  'no-extended-message': () => ['  enable extended messages off;'],
  'allow-as-in': () => ['  allow local as 1;'],
  'third-party-off': () => ['  ipv4 { import all; export all; next hop self; };'],
  'next-hop-self': () => ['  ipv4 { import all; export all; next hop self; };'],
};

/**
 * What the tester must know about a target: where it listens, its AS, and which peers it is configured to talk to.
 *
 * A test asks for peers by kind and features (`t.establish('ebgp')`, `t.establish({ kind: 'ebgp', features: ['dials'] })`)
 * and gets an {@link Identity} out of the profile, or is not applicable where the profile has none.
 */
import type { AfiSafi } from './wire/capabilities.ts';

/**
 * How the target sees a peer: in another AS (two different ones, so that routes can pass from one to the other), in its
 * own AS, in its own AS as route reflector client, or in another member AS of its confederation.
 */
export type PeerKind = 'ebgp' | 'ebgp2' | 'ibgp' | 'ibgp-client' | 'confed';

export const PEER_KINDS: readonly PeerKind[] = ['ebgp', 'ebgp2', 'ibgp', 'ibgp-client', 'confed'];

export type Feature =
  | 'dials'
  | 'passive'
  | 'delay-open'
  | 'required-capability'
  | 'role-provider'
  | 'role-customer'
  | 'role-strict'
  | 'no-policy'
  | 'mrai'
  | 'large-open'
  | 'max-prefix'
  | 'allow-as-in'
  | 'third-party-off'
  | 'next-hop-self'
  | 'add-path'
  | 'graceful-restart'
  | 'long-lived-graceful-restart'
  | 'send-hold-timer'
  | 'evpn'
  | 'extended-next-hop'
  | 'no-extended-message';

/** What the target is configured to do with a peer beyond talking to it. Tests ask for peers that have these. */
export const FEATURES: Readonly<Record<Feature, string>> = {
  dials: 'the target dials the peer (and accepts connections from it)',
  passive: 'the target never dials the peer',
  'delay-open': 'the target delays its OPEN (DelayOpen, RFC 4271 §8.1.1)',
  'required-capability': 'the target insists on a capability that the tester can leave out (RFC 5492 §3)',
  'role-provider': 'the target is configured with the local role provider (RFC 9234 §4)',
  'role-customer': 'the target is configured with the local role customer (RFC 9234 §4)',
  'role-strict': 'the target insists on a role from the peer (RFC 9234 §4.2)',
  'no-policy': 'the target has no policy for this external peer, and none by default (RFC 8212)',
  mrai: 'the target waits MinRouteAdvertisementInterval between messages about a route (setting mrai)',
  'large-open': 'the target sends more than 255 octets of optional parameters (RFC 9072)',
  'max-prefix': 'the target ends the session beyond a number of prefixes (setting maxPrefixes)',
  'allow-as-in': 'the target accepts its own AS in AS_PATH',
  'third-party-off': 'the target always sends its own address as next hop',
  'next-hop-self': 'the target sends its own address as next hop to this internal peer',
  'add-path': 'the target negotiates ADD-PATH in both directions (RFC 7911)',
  'graceful-restart': 'the target has graceful restart with forwarding state (RFC 4724)',
  'long-lived-graceful-restart': 'the target has long-lived graceful restart (RFC 9494)',
  'send-hold-timer': 'the target has a send hold timer (RFC 9687)',
  evpn: 'the target negotiates L2VPN EVPN (RFC 7432)',
  'extended-next-hop': 'the target negotiates IPv6 next hops for IPv4 (RFC 8950)',
  'no-extended-message': 'the target does not offer extended messages to this peer (RFC 8654)',
};

export type Setting =
  | 'holdTime'
  | 'connectRetryTime'
  | 'delayOpenTime'
  | 'openHoldTime'
  | 'mrai'
  | 'maxPrefixes'
  | 'sendHoldTime'
  | 'staleTime'
  | 'deferralTime'
  | 'requiredCapability';

/** Numbers that a test needs about the target's configuration; seconds unless said otherwise. */
export const SETTINGS: Readonly<Record<Setting, string>> = {
  holdTime: "the target's configured hold time",
  connectRetryTime: 'ConnectRetryTime of a peer that the target dials',
  delayOpenTime: 'DelayOpenTime of a peer with feature delay-open',
  openHoldTime: 'how long the target waits for an OPEN (4 minutes suggested, RFC 4271 §8.2.2)',
  mrai: 'MinRouteAdvertisementInterval of peers with feature mrai',
  maxPrefixes: 'number of prefixes of peers with feature max-prefix',
  sendHoldTime: 'send hold time of peers with feature send-hold-timer',
  staleTime: 'longest time for which the target keeps stale routes',
  deferralTime: 'selection deferral timer of a restarting target',
  requiredCapability: 'code of the capability that peers with feature required-capability must have',
};

/** Peers that the target knows: one address, or a range of which any address is accepted (dynamic neighbours). */
export interface ProfilePeer {
  readonly kind: PeerKind;
  /** Our AS. */
  readonly asn: number;
  /** `"127.0.0.2"` or `"127.0.16.0/20"`. */
  readonly address: string;
  /** Where the target dials us; default the port of the target. */
  readonly port?: number | undefined;
  readonly features: readonly Feature[];
  readonly settings: Readonly<Partial<Record<Setting, number>>>;
}

export type CommandName =
  | 'stop'
  | 'start'
  | 'restart'
  | 'originate'
  | 'originate-end'
  | 'originate-mac'
  | 'igp-cost'
  | 'log';

/** Orders to the target that no BGP message can give: shell commands of the user, see docs/conformance.md. */
export const COMMANDS: Readonly<Record<CommandName, string>> = {
  stop: 'ends the session with the peer {address} in order (ManualStop, RFC 4271 §8.1.2)',
  start: 'starts it again (ManualStart)',
  restart:
    'ends the whole target without a word, as a crash does, and starts it again as one that comes back from a restart (RFC 4724 §4.1)',
  originate: 'originates the prefix {prefix}',
  'originate-end': 'stops originating it',
  'originate-mac':
    'advertises the MAC address {mac} in EVPN, tag 0, with route target {routeTarget}, as a PE that has learned it (RFC 7432 §9)',
  'igp-cost': 'sets the IGP cost of next hop {nextHop} to {cost}; no cost: unreachable',
  log: "prints the target's log since it started",
};

export interface Profile {
  readonly target: { readonly address: string; readonly port: number };
  /** The target's AS. */
  readonly asn: number;
  /** The confederation that it belongs to, if any: its AS as seen from outside; `asn` is then its member AS. */
  readonly confederation?: number | undefined;
  /** Its cluster id where known, dotted. */
  readonly clusterId?: string | undefined;
  readonly peers: readonly ProfilePeer[];
  /** Next hops that the target takes: each identity uses one of the range; absent: its own address. */
  readonly nextHops?: string | undefined;
  readonly nextHops6: string;
  /** IPv4 next hops that cost the target more in its IGP than the others do (RFC 4271 §9.1.2.2 e), if it has such. */
  readonly farNextHops?: string | undefined;
  /** Families that tests may use. */
  readonly families: readonly AfiSafi[];
  readonly settings: Readonly<Partial<Record<Setting, number>>>;
  readonly commands: Readonly<Partial<Record<CommandName, string>>>;
  /** Longest wait for a reaction, milliseconds. */
  readonly reactionTime: number;
  /** Hold time that we propose unless a test says otherwise, seconds. */
  readonly holdTime: number;
}

/** What a test asks for: peers of a kind that have all these features (and none of `without`). */
export interface Need {
  /** `observer`: any peer of another kind than `of`, to see what the target passes on. */
  readonly kind: PeerKind;
  readonly features?: readonly Feature[];
  readonly without?: readonly Feature[];
}

/** Features that set a peer apart, so that a test which does not ask for them must not get it. */
const SPECIAL: readonly Feature[] = [
  'dials',
  'delay-open',
  'required-capability',
  'role-provider',
  'role-customer',
  'role-strict',
  'no-policy',
  'mrai',
  'large-open',
  'max-prefix',
  'allow-as-in',
  'third-party-off',
  'next-hop-self',
  'send-hold-timer',
  'no-extended-message',
];

/**
 * Entries of a profile that serve a need, best first. Features that change what a plain peer sees count against an
 * entry, unless asked for: such an entry is taken only for `dials`, where no other serves.
 */
export function candidates(profile: Profile, need: Need): readonly ProfilePeer[] {
  const { kind, features = [], without = [] } = need;
  return profile.peers
    .filter((peer) => peer.kind === kind)
    .filter((peer) => features.every((feature) => peer.features.includes(feature)))
    .filter((peer) => !without.some((feature) => peer.features.includes(feature)))
    .filter((peer) => extras(peer, features).every((feature) => feature === 'dials'))
    .sort((a, b) => extras(a, features).length - extras(b, features).length);
}

function extras(peer: ProfilePeer, asked: readonly Feature[]): readonly Feature[] {
  return peer.features.filter((feature) => SPECIAL.includes(feature) && !asked.includes(feature));
}

/** Whether an entry is a range of which every test can take a fresh address. */
export function isRange(peer: ProfilePeer): boolean {
  return peer.address.includes('/');
}

/** `"ebgp with delay-open"`, for messages. */
export function needText({ kind, features = [] }: Need): string {
  return features.length === 0 ? kind : `${kind} with ${features.join(', ')}`;
}

/** A file for `podwire speaker` that offers every peer of a profile. */
import { stringify } from 'yaml';
import type { RawPeer } from '../../../speaker/peer-schema.ts';
import type { RawSpeaker } from '../../../speaker/schema.ts';
import { type Feature, isRange, type Profile, type ProfilePeer } from '../profile.ts';
import { addressBelow, FAR_COST, resolvablePrefixes } from './resolvable.ts';

/** Octets of a host name that push the optional parameters of an OPEN beyond 255. */
const LONG_NAME = 'a-host-name-of-64-octets-makes-the-parameters-longer-than-usual-';

/** The text of a speaker file. */
export function podwireConfig(profile: Profile): string {
  const { target, asn, confederation, clusterId } = profile;
  const members = [...new Set(profile.peers.filter(({ kind }) => kind === 'confed').map((peer) => peer.asn))];
  const speaker: RawSpeaker = {
    asn,
    routerId: target.address.includes(':') ? '192.0.2.1' : target.address,
    listen: [{ address: target.address, port: target.port }],
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(confederation === undefined ? {} : { confederation: { id: confederation, members } }),
    ebgpRequiresPolicy: true,
    nextHops: [
      ...resolvablePrefixes(profile),
      ...(target.address.includes(':') ? [] : [`${addressBelow(profile)}/32`]),
      profile.nextHops6,
      ...(profile.farNextHops === undefined ? [] : [{ prefix: profile.farNextHops, cost: FAR_COST }]),
    ],
    policies: { all: { statements: [], default: 'accept' } },
    peers: profile.peers.map((peer) => podwirePeer(profile, peer)),
  };
  return `# podwire speaker for podwire conformance bgp\n${stringify(speaker)}`;
}

function podwirePeer(profile: Profile, peer: ProfilePeer): RawPeer {
  const has = (feature: Feature): boolean => peer.features.includes(feature);
  const { settings } = peer;
  const internal = peer.asn === profile.asn;
  const unicast = {
    ...(has('add-path') ? { addPath: { send: 'all' as const, receive: true } } : {}),
    ...(has('max-prefix') ? { maxPrefixes: settings.maxPrefixes ?? 5 } : {}),
  };
  return {
    ...(isRange(peer)
      ? { range: peer.address, limit: 4096 }
      : {
          address: peer.address,
          port: peer.port ?? profile.target.port,
          passive: !has('dials'),
          connectRetry: settings.connectRetryTime ?? 2,
        }),
    asn: peer.asn,
    localAddress: profile.target.address,
    ...(internal ? {} : { multihop: true }),
    extendedMessage: !has('no-extended-message'),
    families: {
      'ipv4-unicast': { ...unicast, ...(has('extended-next-hop') ? { extendedNextHop: true } : {}) },
      'ipv6-unicast': unicast,
      ...(has('evpn') ? { 'l2vpn-evpn': {} } : {}),
    },
    ...(has('graceful-restart')
      ? {
          gracefulRestart: {
            restartTime: 120,
            ...(settings.staleTime === undefined ? {} : { staleTime: settings.staleTime }),
          },
        }
      : {}),
    ...(has('long-lived-graceful-restart') ? { longLivedGracefulRestart: { staleTime: 3600 } } : {}),
    ...(has('delay-open') ? { delayOpen: settings.delayOpenTime ?? 3 } : {}),
    ...(has('mrai') ? { advertisementInterval: settings.mrai ?? 3 } : {}),
    ...(has('send-hold-timer') ? { sendHoldTime: settings.sendHoldTime ?? 20, holdTime: 9 } : {}),
    ...(has('required-capability') ? { require: ['enhanced-route-refresh' as const] } : {}),
    ...(has('role-provider') || has('role-strict') ? { role: 'provider' as const } : {}),
    ...(has('role-customer') ? { role: 'customer' as const } : {}),
    ...(has('role-strict') ? { roleStrict: true } : {}),
    ...(has('large-open')
      ? {
          capabilities: {
            softwareVersion: LONG_NAME,
            fqdn: { host: LONG_NAME.repeat(2), domain: LONG_NAME },
          },
        }
      : {}),
    ...(has('allow-as-in') ? { allowAsIn: 1 } : {}),
    ...(has('third-party-off') || has('next-hop-self') ? { nextHopSelf: true } : {}),
    ...(peer.kind === 'ibgp-client' ? { routeReflectorClient: true } : {}),
    ...(has('no-policy') ? {} : { importPolicy: 'all', exportPolicy: 'all' }),
  };
}

/** What the schema cannot say about a speaker's file: values that have to fit each other. */
import { membership } from '../../agents/bgp/membership.ts';
import { ownRoute } from '../../agents/bgp/own-route.ts';
import { policyErrors } from '../../protocol/bgp/policy/compile.ts';
import type { PolicyDefinitions } from '../../protocol/bgp/policy/definition.ts';
import { parseAddress } from '../../protocol/ip/prefix.ts';
import { pathText, valueText } from '../file/issues.ts';
import type { Report } from '../file/report.ts';
import type { Path } from '../file/source.ts';
import { didYouMean } from '../file/suggest.ts';
import { given, ownAsn, withGroup } from './build-peers.ts';
import type { RawPeer } from './peer-schema.ts';
import type { RawSpeaker } from './schema.ts';

/** Reports everything about the file that makes no sense. */
export function checkSpeaker(raw: RawSpeaker, report: Report): void {
  for (const { path, message } of policyErrors(policyDefinitions(raw))) report.value(path, message);
  checkConfederation(raw, report);
  checkNetworks(raw, report);
  checkTargets(raw, report);
  checkEach(raw, report);
  checkNames(raw, report);
}

/** The file's policies and the sets that they refer to. */
export function policyDefinitions(raw: RawSpeaker): PolicyDefinitions {
  const { prefixSets, communitySets, asPathSets, neighborSets, policies } = raw;
  return given({
    prefixSets,
    communitySets,
    asPathSets,
    neighborSets,
    policies: policies ?? {},
  }) as PolicyDefinitions;
}

function checkConfederation({ asn, confederation }: RawSpeaker, report: Report): void {
  const own = confederation?.members.indexOf(asn) ?? -1;
  if (own >= 0) {
    report.value(
      ['confederation', 'members', own],
      `member ${asn} is our own asn, expected the others alone`,
    );
  }
  if (confederation !== undefined && confederation.id === asn) {
    report.value(['confederation', 'id'], `id ${asn} is our own asn, expected the AS that outsiders see`);
  }
}

function checkNetworks({ networks }: RawSpeaker, report: Report): void {
  const seen = new Set<string>();
  for (const [i, network] of (networks ?? []).entries()) {
    const { prefix, ...options } = typeof network === 'string' ? { prefix: network } : network;
    try {
      ownRoute(prefix, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      report.value(['networks', i], `networks[${i}]: ${error.message}`);
    }
    if (seen.has(prefix)) report.value(['networks', i], `second network ${prefix}, expected each once`);
    seen.add(prefix);
  }
}

function checkTargets({ asn, rtConstraint }: RawSpeaker, report: Report): void {
  const wanted = typeof rtConstraint === 'object' ? rtConstraint.import : undefined;
  if (wanted === undefined || wanted === 'default') return;
  for (const [i, target] of wanted.entries()) {
    try {
      membership(asn, target);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      report.value(
        ['rtConstraint', 'import', i],
        `rtConstraint.import[${i}] is ${valueText(target)}, expected a route target such as rt:65000:1`,
      );
    }
  }
}

/** A peer as it will be, and where each of its settings stands in the file. */
interface Placed {
  readonly peer: RawPeer;
  readonly path: Path;
  readonly at: (key: keyof RawPeer) => Path;
}

function placedPeers(raw: RawSpeaker): readonly Placed[] {
  return (raw.peers ?? []).map((written, i) => {
    const path: Path = ['peers', i];
    return {
      peer: withGroup(raw, written),
      path,
      at: (key) => {
        const inherited = !Object.hasOwn(written, key) && written.group !== undefined;
        return inherited ? ['peerGroups', written.group!, key] : [...path, key];
      },
    };
  });
}

function checkEach(raw: RawSpeaker, report: Report): void {
  for (const placed of placedPeers(raw)) {
    checkReferences(raw, placed, report);
    checkPlace(placed, report);
    checkAsn(raw, placed, report);
    checkExclusions(placed, report);
    checkFamilies(placed, report);
  }
}

function checkReferences(raw: RawSpeaker, { peer, at }: Placed, report: Report): void {
  const groups = Object.keys(raw.peerGroups ?? {});
  if (peer.group !== undefined && !groups.includes(peer.group)) {
    report.value(at('group'), unknownName(at('group'), peer.group, 'peerGroups', groups));
  }
  const policies = Object.keys(raw.policies ?? {});
  for (const key of ['importPolicy', 'exportPolicy'] as const) {
    const names = peer[key];
    for (const [i, name] of [names ?? []].flat().entries()) {
      if (policies.includes(name)) continue;
      const path = typeof names === 'string' ? at(key) : [...at(key), i];
      report.value(path, unknownName(path, name, 'policies', policies));
    }
  }
}

function unknownName(path: Path, name: string, among: string, known: readonly string[]): string {
  return `${pathText(path)} is ${valueText(name)}, expected a name among ${among}${didYouMean(name, known)}`;
}

function checkPlace({ peer, path, at }: Placed, report: Report): void {
  const { address, range, localAddress } = peer;
  if ((address === undefined) === (range === undefined)) {
    report.value(
      path,
      `${pathText(path)} has ${range === undefined ? 'neither' : 'both'}, expected address or range`,
    );
    return;
  }
  for (const key of range === undefined
    ? (['limit'] as const)
    : (['port', 'localPort', 'connectRetry'] as const)) {
    if (peer[key] === undefined) continue;
    const whose = range === undefined ? 'ranges' : 'peers that are dialled';
    report.key(at(key), `${pathText(at(key))} is for ${whose}, expected none here`);
  }
  if (range !== undefined && peer.passive === false) {
    report.value(at('passive'), 'passive is false, expected true: nobody can dial a range');
  }
  const version = (text: string): number | undefined => parseAddress(text.split('/')[0]!)?.length;
  const far = address ?? range!;
  if (localAddress !== undefined && version(localAddress) !== version(far)) {
    const ip = version(far) === 4 ? 'IPv4' : 'IPv6';
    report.value(
      at('localAddress'),
      `localAddress is ${valueText(localAddress)}, expected an ${ip} address like that of the peer`,
    );
  }
}

function checkAsn(raw: RawSpeaker, { peer, path, at }: Placed, report: Report): void {
  if (peer.asn === undefined) {
    report.value(
      path,
      `${pathText([...path, 'asn'])} is missing, expected the AS number of the peer, internal or any`,
    );
    return;
  }
  const own = ownAsn(raw, peer);
  const always = typeof peer.asn === 'number' ? peer.asn : peer.asn === 'internal' ? own : undefined;
  if (always === undefined) return;
  if (peer.routeReflectorClient === true && always !== own) {
    report.value(
      at('routeReflectorClient'),
      `routeReflectorClient is true in AS ${always}, expected a peer of AS ${own}`,
    );
  }
  if (peer.role !== undefined && always === own) {
    report.value(
      at('role'),
      `role is ${valueText(peer.role)} in our own AS ${own}, expected an external peer`,
    );
  }
}

/** Settings that cannot both be. */
const EXCLUSIVE = [
  ['md5', 'ao'],
  ['multihop', 'ttlSecurity'],
  ['nextHopSelf', 'nextHopUnchanged'],
] as const;

/** Settings that mean nothing without another. */
const NEEDS = [
  ['longLivedGracefulRestart', 'gracefulRestart'],
  ['roleStrict', 'role'],
] as const;

function checkExclusions({ peer, at }: Placed, report: Report): void {
  const on = (key: keyof RawPeer): boolean => peer[key] !== undefined && peer[key] !== false;
  for (const [first, second] of EXCLUSIVE) {
    if (on(first) && on(second)) {
      report.key(at(second), `${pathText(at(second))} stands beside ${first}, expected one of the two`);
    }
  }
  for (const [key, needed] of NEEDS) {
    if (on(key) && !on(needed)) {
      report.key(at(key), `${pathText(at(key))} stands alone, expected ${needed} as well`);
    }
  }
}

function checkFamilies({ peer, at }: Placed, report: Report): void {
  const { families, extendedNextHop } = peer;
  const names = Array.isArray(families) ? families : Object.keys(families ?? { 'ipv4-unicast': null });
  if (names.length === 0)
    report.value(at('families'), `${pathText(at('families'))} is empty, expected at least one`);
  if (extendedNextHop === true && !names.includes('ipv4-unicast')) {
    report.value(at('extendedNextHop'), 'extendedNextHop is true, expected ipv4-unicast among the families');
  }
  if (families === undefined || Array.isArray(families)) return;
  for (const [family, settings] of Object.entries(families)) {
    const path: Path = [...at('families'), family];
    if (settings?.extendedNextHop === true && !family.startsWith('ipv4-')) {
      const key = [...path, 'extendedNextHop'];
      report.value(key, `${pathText(key)} is true, expected an IPv4 family`);
    }
    const { maxPrefixes } = settings ?? {};
    if (
      typeof maxPrefixes === 'object' &&
      maxPrefixes.action === 'warn' &&
      maxPrefixes.restartAfter !== undefined
    ) {
      const key = [...path, 'maxPrefixes', 'restartAfter'];
      report.key(key, `${pathText(key)} stands beside action: warn, expected action: teardown`);
    }
  }
}

/** Peers must be told apart: by name, and by where they are. */
function checkNames(raw: RawSpeaker, report: Report): void {
  const names = new Set<string>();
  const places = new Set<string>();
  for (const { peer, path } of placedPeers(raw)) {
    const { address, range, port = 179 } = peer;
    const name = peer.name ?? address ?? range;
    const place = address === undefined ? range : `${address} port ${port}`;
    if (name === undefined || place === undefined) continue;
    if (places.has(place)) {
      report.value(path, `second peer ${place}, expected each once`);
    } else if (names.has(name)) {
      report.value(path, `second peer named ${valueText(name)}, expected a name of its own`);
    }
    names.add(name);
    places.add(place);
  }
}

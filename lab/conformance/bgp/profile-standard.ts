/**
 * A complete set of peers out of one IPv4 range, so that `--peers 127.0.0.0/16` and a target configuration printed with
 * `--print-config` agree without a profile written by hand. The range is cut into 32 blocks:
 *
 *   block 0  single addresses that the target dials: .16 upwards, external ones, then internal ones
 *   block 1… dynamic neighbours, one block for each entry of {@link BLOCKS}, in their order
 *
 * The target itself is expected at an address of block 0 below .16, or somewhere else altogether.
 */
import { formatIpv4, parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import type { Feature, PeerKind, ProfilePeer, Setting } from './profile.ts';

interface Block {
  readonly kind: PeerKind;
  readonly features: readonly Feature[];
}

/** What a plain peer of the standard profile can negotiate; whether it does depends on what the test offers. */
const USUAL: readonly Feature[] = [
  'passive',
  'add-path',
  'graceful-restart',
  'long-lived-graceful-restart',
  'evpn',
  'extended-next-hop',
];

const special = (kind: PeerKind, feature: Feature): Block => ({ kind, features: ['passive', feature] });

/** Dynamic neighbours of the standard profile; the position is the number of the block, less one. Only ever appended to. */
export const BLOCKS: readonly Block[] = [
  { kind: 'ebgp', features: USUAL },
  { kind: 'ebgp2', features: USUAL },
  { kind: 'ibgp', features: USUAL },
  { kind: 'ibgp-client', features: USUAL },
  /** Only where the target belongs to a confederation. */
  { kind: 'confed', features: USUAL },
  special('ebgp', 'required-capability'),
  special('ebgp', 'delay-open'),
  special('ebgp', 'role-provider'),
  special('ebgp', 'role-customer'),
  special('ebgp', 'role-strict'),
  special('ebgp', 'no-policy'),
  special('ebgp', 'mrai'),
  special('ebgp', 'large-open'),
  special('ebgp', 'max-prefix'),
  special('ebgp', 'allow-as-in'),
  special('ebgp', 'third-party-off'),
  special('ibgp', 'next-hop-self'),
  special('ebgp', 'send-hold-timer'),
  special('ebgp', 'no-extended-message'),
];

const BLOCK_COUNT = 32;
/** External and internal peers that the target dials. */
const DIALLED: readonly PeerKind[] = ['ebgp', 'ebgp', 'ebgp', 'ebgp', 'ebgp', 'ebgp', 'ibgp', 'ibgp'];

/** AS numbers of the kinds. */
export interface StandardAsns {
  readonly target: number;
  /** Of `ebgp`; `ebgp2` and `confed` have the two after it. */
  readonly local: number;
  /** Where the target belongs to a confederation, its AS; `target` is then the member AS. */
  readonly confederation?: number | undefined;
}

/**
 * Peers of the standard profile.
 * @throws RangeError where the range is no IPv4 range of /20 or larger.
 */
export function standardPeers(range: string, asns: StandardAsns, port: number): ProfilePeer[] {
  const [base, length] = range.split('/');
  const bits = Number(length);
  if (!Number.isInteger(bits) || bits < 8 || bits > 20) {
    throw new RangeError(`${range}: expected an IPv4 range of /8 to /20`);
  }
  const size = 2 ** (32 - bits) / BLOCK_COUNT;
  const first = parseIpv4(base!);
  const asnOf: Readonly<Record<PeerKind, number>> = {
    ebgp: asns.local,
    ebgp2: asns.local + 1,
    ibgp: asns.target,
    'ibgp-client': asns.target,
    confed: asns.local + 2,
  };
  const dialled = DIALLED.map(
    (kind, i): ProfilePeer => ({
      kind,
      asn: asnOf[kind],
      address: formatIpv4(first + 16 + i),
      port,
      features: ['dials', 'graceful-restart'],
      settings: { connectRetryTime: 2 },
    }),
  );
  const ranges = BLOCKS.map(
    ({ kind, features }, i): ProfilePeer => ({
      kind,
      asn: asnOf[kind],
      address: `${formatIpv4(first + (i + 1) * size)}/${bits + Math.log2(BLOCK_COUNT)}`,
      port,
      features,
      settings: SETTINGS_OF,
    }),
  );
  const all = [...ranges, ...dialled];
  return asns.confederation === undefined ? all.filter(({ kind }) => kind !== 'confed') : all;
}

/** Next hops with a higher IGP cost, where the printed configuration can set one: a range for documentation (RFC 5737). */
export const FAR_NEXT_HOPS = '198.51.100.0/24';

/** What the printed configurations set for peers with the features that these belong to. */
const SETTINGS_OF: Readonly<Partial<Record<Setting, number>>> = {
  delayOpenTime: 3,
  mrai: 3,
  maxPrefixes: 5,
  sendHoldTime: 20,
  staleTime: 8,
  requiredCapability: 70,
};

/** Configurations of programs that offer every peer of a profile, see `--print-config`. */
import type { Feature, Profile } from '../profile.ts';
import { BIRD_LACKS, birdConfig } from './bird.ts';
import { FRR_LACKS, frrConfig } from './frr.ts';
import { GOBGP_LACKS, gobgpConfig } from './gobgp.ts';
import { podwireConfig } from './podwire.ts';

export type ProgramName = 'podwire' | 'bird' | 'frr' | 'gobgp';

interface Program {
  /** Features that it has no setting for. */
  readonly lacks: readonly Feature[];
  /** Whether its configuration gives next hops IGP costs. */
  readonly igp: boolean;
  /** Its ConnectRetryTime in seconds, where it does not keep to that of the profile. */
  readonly connectRetryTime?: number;
  readonly config: (profile: Profile) => string;
}

const PROGRAMS: Readonly<Record<ProgramName, Program>> = {
  podwire: { lacks: [], igp: true, config: podwireConfig },
  bird: { lacks: BIRD_LACKS, igp: true, config: birdConfig },
  frr: { lacks: FRR_LACKS, igp: false, config: frrConfig },
  // GoBGP never dials more often than every 5 to 10 s.
  gobgp: { lacks: GOBGP_LACKS, igp: false, connectRetryTime: 10, config: gobgpConfig },
};

/** The text of a configuration file, for a profile from {@link offeredBy}. */
export function targetConfig(name: ProgramName, profile: Profile): string {
  return PROGRAMS[name].config(offeredBy(name, profile));
}

/** Features without which a peer is of no use: entries that exist for one of them alone. */
function isFor(features: readonly Feature[]): Feature | undefined {
  const [first, second, third] = features.filter((feature) => feature !== 'passive');
  return second === undefined && third === undefined ? first : undefined;
}

/**
 * The profile of a target that runs the configuration printed for a program: features that the program lacks are left
 * out, and peers that exist only for one of them as well.
 */
export function offeredBy(name: ProgramName, profile: Profile): Profile {
  const { lacks, igp, connectRetryTime } = PROGRAMS[name];
  const peers = profile.peers
    .filter(({ features }) => {
      const purpose = isFor(features);
      return purpose === undefined || !lacks.includes(purpose);
    })
    .map((peer) => ({
      ...peer,
      features: peer.features.filter((feature) => !lacks.includes(feature)),
      settings: {
        ...peer.settings,
        ...(connectRetryTime !== undefined && peer.features.includes('dials') ? { connectRetryTime } : {}),
      },
    }));
  return { ...profile, peers, farNextHops: igp ? profile.farNextHops : undefined };
}

/** What a speaker's file means, once it has been checked. */
import type { LogLevel } from '../../agents/log.ts';
import { compilePolicies } from '../../protocol/bgp/policy/compile.ts';
import { FileError } from '../file/problem.ts';
import { buildPeers, given } from './build-peers.ts';
import { policyDefinitions } from './check.ts';
import type { SpeakerSetup } from './process.ts';
import type { NextHopPrefix, RawSpeaker } from './schema.ts';

/** A speaker's file: the speaker, where it is to be controlled, and what it logs. */
export interface SpeakerFile extends SpeakerSetup {
  readonly api: { readonly socket: string } | undefined;
  readonly log: { readonly level: LogLevel } | undefined;
  /** Where next hops can be reached and at what cost; `undefined`: everywhere. */
  readonly nextHops: readonly NextHopPrefix[] | undefined;
}

/** A speaker's file that cannot be used. */
export class SpeakerFileError extends FileError {
  override readonly name = 'SpeakerFileError';
}

/** The speaker that a file describes; the file has been checked. */
export function buildSpeaker(raw: RawSpeaker): SpeakerFile {
  const { asn, routerId, listen, clusterId, confederation, ebgpRequiresPolicy, rtConstraint } = raw;
  const { multipath, restarting, networks, nextHops, api, mrt, bmp, metrics, log } = raw;
  const book = compilePolicies(policyDefinitions(raw));
  return {
    speaker: given({
      asn,
      routerId,
      listen: listen ?? [],
      clusterId,
      confederation,
      ebgpRequiresPolicy,
      multipath: typeof multipath === 'number' ? { ebgp: multipath, ibgp: multipath } : multipath,
      rtConstraint,
      restarting: restarting === true ? {} : restarting === false ? undefined : restarting,
    }) as SpeakerFile['speaker'],
    ...buildPeers(raw, (names) => book.policy(names)),
    networks: (networks ?? []).map((network) =>
      typeof network === 'string' ? { prefix: network } : network,
    ),
    nextHops: nextHops?.map((one) => (typeof one === 'string' ? { prefix: one } : one)),
    api,
    mrt,
    bmp: bmp ?? undefined,
    metrics,
    log: log?.level === undefined ? undefined : { level: log.level },
  };
}

/** Reads a speaker's file as far as sessions need it. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { PeerConfig, PeerRangeConfig } from '../../agents/bgp/types.ts';
import type { SpeakerSetup } from './process.ts';

type Raw = Record<string, unknown>;

/** A speaker's file: the speaker, and where it is to be controlled. */
export interface SpeakerFile extends SpeakerSetup {
  readonly api: { readonly socket: string } | undefined;
}

/** @throws Error where the file cannot be read or is no mapping. */
export function readSpeakerFile(path: string): SpeakerFile {
  const raw = parse(readFileSync(path, 'utf8')) as Raw;
  if (typeof raw !== 'object' || raw === null) throw new Error(`${path} is no mapping`);
  const peers: PeerConfig[] = [];
  const ranges: PeerRangeConfig[] = [];
  for (const each of (raw.peers ?? []) as Raw[]) {
    const { range, address, families = ['ipv4-unicast'], ...settings } = each;
    if (range === undefined) peers.push({ name: address, address, families, ...settings } as PeerConfig);
    else ranges.push({ name: range, range, families, ...settings } as PeerRangeConfig);
  }
  const {
    asn,
    routerId,
    listen,
    clusterId,
    confederation,
    networks = [],
    api,
  } = raw as Raw & SpeakerSetup['speaker'];
  return {
    speaker: {
      asn,
      routerId,
      listen,
      ...(clusterId === undefined ? {} : { clusterId }),
      ...(confederation === undefined ? {} : { confederation }),
    },
    peers,
    ranges,
    networks: (networks as (string | SpeakerSetup['networks'][number])[]).map((network) =>
      typeof network === 'string' ? { prefix: network } : network,
    ),
    api: api as SpeakerFile['api'],
  };
}

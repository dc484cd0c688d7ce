/** The profile that command line options and a YAML file make up. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  COMMANDS,
  type CommandName,
  FEATURES,
  type Feature,
  PEER_KINDS,
  type Profile,
  type ProfilePeer,
  SETTINGS,
  type Setting,
} from './profile.ts';
import { FAR_NEXT_HOPS, standardPeers } from './profile-standard.ts';
import { type AfiSafi, IPV4_UNICAST, IPV6_UNICAST, L2VPN_EVPN } from './wire/capabilities.ts';

/** Families by the names that `--family` takes. */
export const FAMILY_NAMES: Readonly<Record<string, AfiSafi>> = {
  'ipv4-unicast': IPV4_UNICAST,
  'ipv6-unicast': IPV6_UNICAST,
  'l2vpn-evpn': L2VPN_EVPN,
};

/** What the command line says; all of it may stand in the file as well, which it overrides. */
export interface ProfileOptions {
  readonly file?: string;
  readonly target?: { readonly address: string; readonly port: number };
  readonly asn?: number;
  readonly localAsn?: number;
  readonly confederation?: number;
  /** One external (or, with the target's own AS, internal) peer: its address or range. */
  readonly local?: string;
  /** Range for the standard set of peers. */
  readonly peers?: string;
  readonly families?: readonly string[];
  readonly nextHops?: string;
  /** Seconds. */
  readonly holdTime?: number;
  /** Seconds. */
  readonly reactionTime?: number;
}

/** What is wrong with the options or the file, in one line. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

const settings = z.partialRecord(
  z.enum(Object.keys(SETTINGS) as [Setting, ...Setting[]]),
  z.number().nonnegative(),
);

const schema = z.strictObject({
  target: z.string().optional(),
  asn: z.int().min(1).max(0xffffffff).optional(),
  confederation: z.int().min(1).max(0xffffffff).optional(),
  clusterId: z.ipv4().optional(),
  peers: z
    .array(
      z.strictObject({
        kind: z.enum(PEER_KINDS as [ProfilePeer['kind'], ...ProfilePeer['kind'][]]),
        asn: z.int().min(1).max(0xffffffff),
        address: z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),
        port: z.int().min(1).max(65535).optional(),
        features: z.array(z.enum(Object.keys(FEATURES) as [Feature, ...Feature[]])).default([]),
        settings: settings.default({}),
      }),
    )
    .optional(),
  nextHops: z.union([z.ipv4(), z.cidrv4()]).optional(),
  nextHops6: z.union([z.ipv6(), z.cidrv6()]).optional(),
  farNextHops: z.union([z.ipv4(), z.cidrv4()]).optional(),
  families: z.array(z.enum(Object.keys(FAMILY_NAMES))).optional(),
  settings: settings.default({}),
  commands: z
    .partialRecord(z.enum(Object.keys(COMMANDS) as [CommandName, ...CommandName[]]), z.string())
    .default({}),
  reactionTime: z.number().positive().optional(),
  holdTime: z.int().min(3).max(65535).optional(),
});

type ProfileFile = z.infer<typeof schema>;

const NEXT_HOPS6 = '2001:db8:ffff::/112';

/** @throws ProfileError naming what is missing or wrong. */
export async function loadProfile(options: ProfileOptions): Promise<Profile> {
  const file = options.file === undefined ? schema.parse({}) : await readProfile(options.file);
  const target = options.target ?? (file.target === undefined ? undefined : endpoint(file.target));
  if (target === undefined) throw new ProfileError('the target is missing: give --target HOST:PORT');
  const asn = options.asn ?? file.asn;
  if (asn === undefined) throw new ProfileError("the target's AS is missing: give --asn N");
  const names = options.families ?? file.families ?? ['ipv4-unicast'];
  const unknown = names.find((name) => FAMILY_NAMES[name] === undefined);
  if (unknown !== undefined) {
    throw new ProfileError(
      `unknown family ${unknown}, expected one of ${Object.keys(FAMILY_NAMES).join(', ')}`,
    );
  }
  const nextHops = options.nextHops ?? file.nextHops;
  return {
    target,
    asn,
    confederation: options.confederation ?? file.confederation,
    clusterId: file.clusterId,
    peers: peersOf(options, file, target, asn),
    nextHops,
    nextHops6: file.nextHops6 ?? NEXT_HOPS6,
    farNextHops: file.farNextHops ?? (options.peers === undefined ? undefined : FAR_NEXT_HOPS),
    families: names.map((name) => FAMILY_NAMES[name]!),
    settings: file.settings,
    commands: file.commands,
    reactionTime: (options.reactionTime ?? file.reactionTime ?? 10) * 1000,
    holdTime: options.holdTime ?? file.holdTime ?? 12,
  };
}

function peersOf(
  options: ProfileOptions,
  file: ProfileFile,
  target: Profile['target'],
  asn: number,
): readonly ProfilePeer[] {
  const { localAsn, local, peers } = options;
  if (peers !== undefined) {
    try {
      return standardPeers(
        peers,
        { target: asn, local: localAsn ?? 65001, confederation: options.confederation ?? file.confederation },
        target.port,
      );
    } catch (error) {
      throw new ProfileError(`--peers ${(error as Error).message}`);
    }
  }
  if (local !== undefined || file.peers === undefined) {
    if (localAsn === undefined)
      throw new ProfileError('our AS is missing: give --local-asn N, --peers or --profile');
    if (local === undefined)
      throw new ProfileError('our address is missing: give --local ADDRESS, or a range');
    return [
      { kind: localAsn === asn ? 'ibgp' : 'ebgp', asn: localAsn, address: local, features: [], settings: {} },
    ];
  }
  return file.peers;
}

async function readProfile(path: string): Promise<ProfileFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ProfileError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ProfileError(`${path}: ${(error as Error).message.split('\n')[0]}`);
  }
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ProfileError(`${path}: ${issue!.path.join('.') || 'file'}: ${issue!.message}`);
}

function endpoint(text: string): Profile['target'] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined) throw new ProfileError(`target ${JSON.stringify(text)}: expected HOST:PORT`);
  return { address, port: Number(port) };
}

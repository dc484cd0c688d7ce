/** The shape of a speaker's file; whatever needs more than one value to judge is in check.ts. */
import { z } from 'zod';
import type { NetworkConfig, SpeakerConfig } from '../../agents/bgp/types.ts';
import type { BmpCollectorConfig } from '../../agents/bmp/types.ts';
import { LOG_LEVELS, type LogLevel } from '../../agents/log.ts';
import type { Endpoint } from '../../agents/ports.ts';
import type { PolicyDefinitions } from '../../protocol/bgp/policy/definition.ts';
import type { MrtConfig } from '../mrt/dumps.ts';
import { FILE_FIELDS } from '../mrt/file-name.ts';
import { bmpSchema } from './bmp-schema.ts';
import { groupSchema, peerSchema, type RawPeer, type RawSettings } from './peer-schema.ts';
import { policySchema, prefixSetSchema, textSetSchema } from './policy-schema.ts';
import {
  address,
  asn,
  boolean,
  dottedQuad,
  formatted,
  integer,
  oneOf,
  port,
  prefix,
  seconds,
  text,
} from './values.ts';

/** A prefix that next hops can be reached in, with what that costs (RFC 4271 §9.1.2.1). */
export interface NextHopPrefix {
  readonly prefix: string;
  readonly cost?: number | undefined;
}

/** The file as written. A key without a value counts as left out. */
export interface RawSpeaker extends Partial<Omit<PolicyDefinitions, 'policies'>> {
  readonly asn: number;
  readonly routerId: string;
  readonly listen?: readonly { readonly address: string; readonly port: number }[] | null | undefined;
  readonly clusterId?: string | undefined;
  readonly confederation?: SpeakerConfig['confederation'] | undefined;
  readonly ebgpRequiresPolicy?: boolean | undefined;
  readonly multipath?: number | { readonly ebgp: number; readonly ibgp: number } | undefined;
  readonly rtConstraint?: SpeakerConfig['rtConstraint'];
  readonly restarting?: boolean | { readonly deferral?: number } | undefined;
  readonly nextHops?: readonly (string | NextHopPrefix)[] | undefined;
  readonly peerGroups?: Readonly<Record<string, RawSettings | null>> | null | undefined;
  readonly peers?: readonly RawPeer[] | null | undefined;
  readonly networks?: readonly (string | NetworkConfig)[] | null | undefined;
  readonly policies?: PolicyDefinitions['policies'] | null | undefined;
  readonly api?: { readonly socket: string } | undefined;
  readonly mrt?: MrtConfig | undefined;
  readonly bmp?: readonly BmpCollectorConfig[] | null | undefined;
  readonly metrics?: Endpoint | undefined;
  readonly log?: { readonly level?: LogLevel | undefined } | undefined;
}

const listen = z.strictObject({
  address: address.describe('Address to accept connections on; also next hop of what is announced on them.'),
  port: port.describe('Default: 179.').default(179),
});

const paths = integer(1, 256);
const multipath = z.union([paths, z.strictObject({ ebgp: paths.default(1), ibgp: paths.default(1) })], {
  error: (issue) =>
    typeof issue.input === 'object' && issue.input !== null
      ? undefined
      : 'a number of paths from 1 to 256, or a mapping with ebgp and ibgp',
});

const network = z.union(
  [
    text,
    z.strictObject({
      prefix: text.describe('Prefix to announce.'),
      nextHop: address.describe('Default: our address on each session.').optional(),
      communities: z
        .array(text, { error: 'a list of communities' })
        .describe('"65000:1", "65000:1:2" or a well-known name.')
        .optional(),
      med: integer(0, 4294967295).describe('MULTI_EXIT_DISC.').optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a prefix such as 192.0.2.0/24, or a mapping with prefix',
  },
);

const nextHop = z.union(
  [
    prefix,
    z.strictObject({
      prefix: prefix.describe('Prefix that the next hops are in.'),
      cost: integer(0, 4294967295).describe('Metric to them; the lower, the better. Default: 0.').optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a prefix without host bits, or a mapping with prefix and cost',
  },
);

const rtConstraint = z.union(
  [
    boolean,
    z.strictObject({
      import: z
        .union(
          [z.literal('default'), z.array(text, { error: 'a list of route targets such as rt:65000:1' })],
          {
            error: 'default, which asks for everything, or a list of route targets such as rt:65000:1',
          },
        )
        .describe('Route targets to ask for. Default: all where we are a route reflector, otherwise none.')
        .optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'true, false or a mapping with import',
  },
) as z.ZodType<NonNullable<SpeakerConfig['rtConstraint']>>;

const dump = z.strictObject({
  file: formatted('file-pattern', `a file name, with the time as ${FILE_FIELDS}`).describe(
    `File to write; the time in UTC as strftime has it: ${FILE_FIELDS}.`,
  ),
  interval: seconds(1, 31_536_000)
    .describe('A new file at each multiple of so many seconds. Default: never by itself.')
    .optional(),
});

function named<T>(value: z.ZodType<T>, expected: string): z.ZodType<Record<string, T>> {
  return z.record(z.string(), value, { error: expected });
}

/** The whole file. */
export const speakerSchema: z.ZodType<RawSpeaker> = z
  .strictObject({
    asn: asn.describe('Our AS number; in a confederation that of our member.'),
    routerId: dottedQuad.describe('BGP identifier, a dotted quad.'),
    listen: z
      .array(listen, { error: 'a list of mappings with address and port' })
      .describe('Where to accept connections. Default: nowhere.')
      .nullable()
      .optional(),
    clusterId: dottedQuad
      .describe('Cluster id of a route reflector (RFC 4456). Default: routerId.')
      .optional(),
    confederation: z
      .strictObject({
        id: asn.describe('AS of the confederation, which outsiders see.'),
        members: z.array(asn, { error: 'a list of AS numbers' }).describe('The other member ASes.'),
      })
      .describe('RFC 5065.')
      .optional(),
    ebgpRequiresPolicy: boolean
      .describe('Without a policy nothing comes from or goes to an external peer (RFC 8212). Default: false.')
      .optional(),
    multipath: multipath.describe('Most paths of equal cost to use. Default: 1.').optional(),
    rtConstraint: rtConstraint
      .describe(
        'On sessions that carry the family rt-constraint, send only what the peer asked for (RFC 4684). Default: true.',
      )
      .optional(),
    restarting: z
      .union(
        [
          boolean,
          z.strictObject({
            deferral: seconds(1, 3600).describe('Longest wait for End-of-RIBs. Default: 360.').optional(),
          }),
        ],
        { error: 'true, false or a mapping with deferral' },
      )
      .describe(
        'We come back from a restart (RFC 4724 §4.1): routes are selected when all peers have sent theirs.',
      )
      .optional(),
    nextHops: z
      .array(nextHop, { error: 'a list of prefixes' })
      .describe('Where next hops can be reached. Default: everywhere.')
      .optional(),
    peerGroups: named(groupSchema.nullable(), 'a mapping of group names to settings')
      .describe('Settings that peers inherit by group.')
      .nullable()
      .optional(),
    peers: z
      .array(peerSchema, { error: 'a list of peers' })
      .describe('Neighbours, and ranges of dynamic ones.')
      .nullable()
      .optional(),
    networks: z
      .array(network, { error: 'a list of prefixes' })
      .describe('Prefixes to announce.')
      .nullable()
      .optional(),
    prefixSets: named(prefixSetSchema, 'a mapping of names to lists of prefixes')
      .describe('Sets for prefixSet in policies.')
      .optional(),
    communitySets: named(textSetSchema, 'a mapping of names to lists of communities')
      .describe('Sets for communitySet in policies.')
      .optional(),
    asPathSets: named(textSetSchema, 'a mapping of names to lists of regular expressions')
      .describe('Sets for asPathSet in policies.')
      .optional(),
    neighborSets: named(textSetSchema, 'a mapping of names to lists of peers')
      .describe('Sets for neighborSet in policies: addresses, prefixes and names.')
      .optional(),
    policies: named(policySchema, 'a mapping of names to policies')
      .describe('Policies by name, for importPolicy and exportPolicy.')
      .nullable()
      .optional(),
    api: z
      .strictObject({ socket: text.describe('Path of the Unix socket.') })
      .describe('Where podwire bgp reaches the speaker. Default: a path of its own, which it finds.')
      .optional(),
    mrt: z
      .strictObject({
        rib: dump.describe('The RIB, as TABLE_DUMP_V2; also on SIGUSR1.').optional(),
        updates: dump.describe('What the sessions receive, as BGP4MP_ET.').optional(),
      })
      .describe('Dumps in MRT (RFC 6396).')
      .optional(),
    bmp: z
      .array(bmpSchema, { error: 'a list of mappings with address and port' })
      .describe('Collectors that are told of sessions and routes (BMP, RFC 7854).')
      .nullable()
      .optional(),
    metrics: z
      .strictObject({
        address: address.describe('Address to listen on. Default: 127.0.0.1.').default('127.0.0.1'),
        port: port.describe('TCP port.'),
      })
      .describe('Where Prometheus finds metrics, at /metrics; --metrics overrides it. Default: nowhere.')
      .optional(),
    log: z
      .strictObject({
        level: oneOf(...LOG_LEVELS)
          .describe('How much is logged; --log-level overrides it. Default: info.')
          .optional(),
      })
      .describe('The log, on standard error.')
      .optional(),
  })
  .describe('A BGP speaker for podwire speaker.') as unknown as z.ZodType<RawSpeaker>;

/** JSON Schema of the file; what occurs in several places is there once. */
export function speakerJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(speakerSchema, { io: 'input', target: 'draft-7', reused: 'ref' }) as Record<
    string,
    unknown
  >;
}

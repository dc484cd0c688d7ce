/** The shape of a peer, and of a group of peers, in a speaker's file. */
import { z } from 'zod';
import type {
  CapabilityConfig,
  GracefulRestartConfig,
  LongLivedGracefulRestartConfig,
  MaxPrefixes,
  PeerSettings,
  RequiredCapability,
} from '../../agents/bgp/types.ts';
import type { TcpAoKey } from '../../agents/ports.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import {
  address,
  asn,
  boolean,
  byFamily,
  dottedQuad,
  family,
  integer,
  oneOf,
  port,
  prefix,
  seconds,
  text,
} from './values.ts';

/** What one family of a session is set to. */
export interface RawFamily {
  readonly addPath?:
    | { readonly send?: number | 'all' | undefined; readonly receive?: boolean | undefined }
    | undefined;
  readonly maxPrefixes?: number | MaxPrefixes | undefined;
  readonly extendedNextHop?: boolean | undefined;
  readonly required?: boolean | undefined;
}

type Converted =
  | 'families'
  | 'familySettings'
  | 'importPolicy'
  | 'exportPolicy'
  | 'ao'
  | 'gracefulRestart'
  | 'longLivedGracefulRestart'
  | 'group'
  | 'type'
  | 'node'
  | 'multihop'
  | 'ttlSecurity';

/** Settings as written: what peers and groups have in common. */
export interface RawSettings extends Omit<PeerSettings, Converted> {
  readonly asn?: number | 'internal' | 'any' | readonly number[] | undefined;
  readonly multihop?: number | boolean | undefined;
  readonly ttlSecurity?: number | boolean | undefined;
  readonly ao?: { readonly keys: readonly TcpAoKey[] } | undefined;
  readonly families?: readonly Family[] | Partial<Record<Family, RawFamily | null>> | undefined;
  readonly extendedNextHop?: boolean | undefined;
  readonly gracefulRestart?: boolean | GracefulRestartConfig | undefined;
  readonly longLivedGracefulRestart?: LongLivedGracefulRestartConfig | undefined;
  readonly importPolicy?: string | readonly string[] | undefined;
  readonly exportPolicy?: string | readonly string[] | undefined;
}

export interface RawPeer extends RawSettings {
  readonly address?: string | undefined;
  readonly range?: string | undefined;
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly port?: number | undefined;
  readonly limit?: number | undefined;
}

const holdTimeError = { error: '0 or a number of seconds from 3 to 65535' };
const uint16Seconds = z.int(holdTimeError).min(0, holdTimeError).max(65535, holdTimeError);

const peerAsn: z.ZodType<RawSettings['asn']> = z.union(
  [
    asn,
    oneOf('internal', 'any'),
    z.array(asn, { error: 'a list of AS numbers' }).min(1, { error: 'at least one AS number' }),
  ],
  {
    error: (issue) =>
      Array.isArray(issue.input)
        ? undefined
        : 'an AS number from 1 to 4294967295, a list of them, internal or any',
  },
);

const prefixCount = integer(1, 4294967295);
const maxPrefixes: z.ZodType<number | MaxPrefixes> = z.union(
  [
    prefixCount,
    z.strictObject({
      limit: prefixCount.describe('Most prefixes that the peer may announce.'),
      action: oneOf('teardown', 'warn')
        .describe('Beyond: end the session with Cease (RFC 4486), or only log it. Default: teardown.')
        .optional(),
      warnAt: integer(1, 100)
        .describe('Percent of the limit from which on it is logged. Default: 75.')
        .optional(),
      restartAfter: seconds(1, 86400)
        .describe('When a session that was ended is tried again. Default: when somebody clears it.')
        .optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a number of prefixes, or a mapping with limit',
  },
) as z.ZodType<number | MaxPrefixes>;

const familySettings: z.ZodType<RawFamily> = z.strictObject({
  addPath: z
    .strictObject({
      send: z
        .union([integer(1, 65535), z.literal('all')], { error: 'a number of paths, or all' })
        .describe('Send so many of the best paths of each prefix.')
        .optional(),
      receive: boolean.describe('Take several paths of a prefix. Default: false.').optional(),
    })
    .describe('Several paths of one prefix (RFC 7911).')
    .optional(),
  maxPrefixes: maxPrefixes.describe('How many prefixes the peer may announce.').optional(),
  extendedNextHop: boolean.describe('Routes of this IPv4 family over IPv6 next hops (RFC 8950).').optional(),
  required: boolean.describe('Refuse a peer that does not carry the family.').optional(),
});

const families: z.ZodType<RawSettings['families']> = z.union(
  [
    z.array(family, { error: 'a list of address families' }).min(1, { error: 'at least one address family' }),
    byFamily(familySettings.nullable()),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? undefined
        : 'a list of address families, or a mapping from families to settings',
  },
);

const gracefulRestart: z.ZodType<boolean | GracefulRestartConfig> = z.union(
  [
    boolean,
    z.strictObject({
      restartTime: seconds(0, 4095).describe('How long the peer shall wait for us. Default: 120.').optional(),
      staleTime: seconds(1, 86400)
        .describe('How long routes of a restarted peer stay stale without its End-of-RIB. Default: 360.')
        .optional(),
      helperOnly: boolean
        .describe("Keep the peer's routes while it restarts, but promise nothing of ours. Default: false.")
        .optional(),
      notification: boolean
        .describe('Also across NOTIFICATIONs that are no hard reset (RFC 8538). Default: true.')
        .optional(),
      families: z.array(family, { error: 'a list of address families' }).describe('Default: all.').optional(),
    }),
  ],
  {
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null ? undefined : 'true, false or a mapping',
  },
) as z.ZodType<boolean | GracefulRestartConfig>;

const longLived = z.strictObject({
  staleTime: seconds(1, 16777215).describe('How long stale routes are kept, least preferred.'),
  families: z.array(family, { error: 'a list of address families' }).describe('Default: all.').optional(),
}) as z.ZodType<LongLivedGracefulRestartConfig>;

const ao = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        sendId: integer(0, 255).describe('KeyID of what we send; the RecvID of the peer.'),
        receiveId: integer(0, 255).describe('KeyID of what we receive; the SendID of the peer.'),
        key: text.describe('Up to 80 octets.'),
        algorithm: oneOf('hmac-sha-1-96', 'aes-128-cmac-96', 'hmac-sha-256')
          .describe('Default: hmac-sha-1-96.')
          .default('hmac-sha-1-96'),
        excludeOptions: boolean.describe('Do not cover the other TCP options. Default: false.').optional(),
      }),
      { error: 'a list of keys' },
    )
    .min(1, { error: 'at least one key' })
    .describe('The one to sign with first.'),
}) as unknown as z.ZodType<{ readonly keys: readonly TcpAoKey[] }>;

const capabilities = z.strictObject({
  fourOctetAs: boolean.describe('RFC 6793. Default: true.').optional(),
  routeRefresh: boolean.describe('RFC 2918. Default: true.').optional(),
  enhancedRouteRefresh: boolean.describe('RFC 7313. Default: true.').optional(),
  softwareVersion: text.describe('Text to advertise. Default: none.').optional(),
  fqdn: z
    .strictObject({ host: text, domain: text.optional() })
    .describe('Host and domain name to advertise. Default: none.')
    .optional(),
}) as z.ZodType<CapabilityConfig>;

const require: z.ZodType<readonly RequiredCapability[]> = z.array(
  oneOf(
    'four-octet-as',
    'route-refresh',
    'enhanced-route-refresh',
    'extended-message',
    'graceful-restart',
    'role',
  ),
  { error: 'a list of capabilities' },
);

const policyNames = z.union([z.array(text, { error: 'a list of policies' }), text], {
  error: 'the name of a policy, or a list of names',
});

function switchOr(number: z.ZodType<number>, expected: string): z.ZodType<number | boolean> {
  return z.union([number, z.boolean()], { error: expected });
}

const settings = {
  asn: peerAsn
    .describe('AS of the peer; internal: our own; any, or a list: whoever is there may have one of them.')
    .optional(),
  description: text.describe('Shown by podwire bgp neighbors.').optional(),
  shutdown: boolean.describe('Configured, but not started. Default: false.').optional(),
  localAsn: asn.describe('AS that we are for this peer. Default: asn of the speaker.').optional(),
  localAddress: address.describe('Address to dial from, and the only one to accept the peer on.').optional(),
  localAddresses: z
    .strictObject({ ipv4: dottedQuad.optional(), ipv6: address.optional() })
    .describe('Next hops of the IP version that the session does not have.')
    .optional() as unknown as z.ZodType<RawSettings['localAddresses']>,
  localPort: port.describe('TCP port to dial from. Default: any.').optional(),
  passive: boolean.describe('Wait for the peer to dial. Default: false; ranges always wait.').optional(),
  multihop: switchOr(integer(1, 255), 'a TTL from 1 to 255, or true for 255')
    .describe('TTL towards a peer that is not directly connected; true: 255.')
    .optional(),
  ttlSecurity: switchOr(integer(1, 254), 'a number of hops from 1 to 254, or true for 1')
    .describe('GTSM (RFC 5082): take segments that came over at most so many hops; true: 1.')
    .optional(),
  md5: z
    .string({ error: 'a key of 1 to 80 characters' })
    .min(1, { error: 'a key of 1 to 80 characters' })
    .max(80, { error: 'a key of 1 to 80 characters' })
    .describe('Key of TCP-MD5 signatures (RFC 2385).')
    .optional(),
  ao: ao.describe('TCP-AO (RFC 5925).').optional(),
  holdTime: uint16Seconds
    .refine((value) => value === 0 || value >= 3, holdTimeError)
    .meta({ not: { enum: [1, 2] } })
    .describe('Hold time to offer, seconds; 0: no keepalives. Default: 240.')
    .optional(),
  sendHoldTime: integer(0, 86400, ' of seconds')
    .describe(
      'End the session when the peer takes nothing for so long (RFC 9687); 0: never. Default: 8 minutes or twice the hold time.',
    )
    .optional(),
  connectRetry: seconds(1, 65535).describe('Longest wait before dialling again. Default: 5.').optional(),
  delayOpen: integer(0, 3600, ' of seconds')
    .describe("Wait so long for the peer's OPEN before sending ours. Default: 0.")
    .optional(),
  advertisementInterval: integer(0, 3600, ' of seconds')
    .describe('MinRouteAdvertisementInterval (RFC 4271 §9.2.1.1). Default: 0.')
    .optional(),
  families: families
    .describe('Address families, as a list, or a mapping to more about each. Default: ipv4-unicast.')
    .optional(),
  extendedNextHop: boolean
    .describe('IPv4 unicast over IPv6 next hops (RFC 8950). Default: false.')
    .optional(),
  routeReflectorClient: boolean
    .describe('We reflect routes to this internal peer (RFC 4456). Default: false.')
    .optional(),
  nextHopSelf: boolean.describe('Our address as next hop of all that we send. Default: false.').optional(),
  nextHopUnchanged: boolean.describe('Next hops stay, also towards another AS. Default: false.').optional(),
  allowAsIn: integer(0, 255).describe('How often our own AS may stand in AS_PATH. Default: 0.').optional(),
  role: oneOf('provider', 'rs-server', 'rs-client', 'customer', 'peer')
    .describe('What we are to the peer (RFC 9234).')
    .optional(),
  roleStrict: boolean.describe('Refuse a peer that states no role. Default: false.').optional(),
  extendedMessage: boolean
    .describe('Take messages of up to 65535 octets (RFC 8654). Default: false.')
    .optional(),
  gracefulRestart: gracefulRestart.describe('RFC 4724. Default: false.').optional(),
  longLivedGracefulRestart: longLived.describe('RFC 9494; needs gracefulRestart.').optional(),
  enforceFirstAs: boolean
    .describe('Refuse routes of an external peer whose AS_PATH does not begin with its AS. Default: true.')
    .optional(),
  importPolicy: policyNames
    .describe('Policies for what it sends, asked in order. Default: everything comes in.')
    .optional(),
  exportPolicy: policyNames
    .describe('Policies for what it is sent, asked in order. Default: everything goes out.')
    .optional(),
  gracefulShutdown: boolean
    .describe(
      'We are about to leave (RFC 8326): GRACEFUL_SHUTDOWN out, local preference 0 in. Default: false.',
    )
    .optional(),
  capabilities: capabilities.describe('Capabilities to advertise or not.').optional(),
  require: require.describe('Capabilities without which the peer is refused.').optional(),
};

/** A group: settings that its peers inherit and may override, each as a whole. */
export const groupSchema: z.ZodType<RawSettings> = z.strictObject(
  settings,
) as unknown as z.ZodType<RawSettings>;

/** A peer, or a range of dynamic ones. */
export const peerSchema: z.ZodType<RawPeer> = z.strictObject({
  address: address.describe('Address of the peer.').optional(),
  range: prefix.describe('Instead: whoever connects from this prefix (dynamic neighbours).').optional(),
  name: text.describe('Name of the peer. Default: its address or range.').optional(),
  group: text.describe('One of peerGroups, whose settings it inherits.').optional(),
  port: port.describe('TCP port to dial. Default: 179.').optional(),
  limit: integer(1, 65535).describe('Most peers of a range at a time. Default: 256.').optional(),
  ...settings,
}) as unknown as z.ZodType<RawPeer>;

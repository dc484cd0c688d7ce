/** The attributes that a peer of a kind sends with a route of its own. */
import type { Identity } from './identity.ts';
import {
  AS_CONFED_SEQUENCE,
  asPath,
  localPref,
  med,
  nextHop,
  origin,
  type Segment,
  sequence,
} from './wire/attributes.ts';
import { nlri } from './wire/bytes.ts';

/** What to change about plausible attributes. */
export interface AttributeOptions {
  readonly origin?: number;
  /** Whole path, our own AS included; default: as our kind of peer sends a route of its own. */
  readonly path?: readonly Segment[];
  /** AS numbers that follow our own in the default path. */
  readonly through?: readonly number[];
  readonly nextHop?: Uint8Array;
  readonly med?: number;
  /** Default 100 to internal peers, absent to external ones. */
  readonly localPref?: number;
  /** Whole attributes to add; one of a type that would be there anyway replaces it. */
  readonly extra?: readonly Uint8Array[];
  /** Types to leave out. */
  readonly omit?: readonly number[];
}

const AS_TRANS = 23456;

/** Whole attributes in order of type. */
export function attributesOf(identity: Identity, asnOctets: 2 | 4, options: AttributeOptions): Uint8Array[] {
  const external = identity.kind === 'ebgp' || identity.kind === 'ebgp2';
  const preference = options.localPref ?? (external ? undefined : 100);
  const extra = options.extra ?? [];
  const usual = [
    origin(options.origin ?? 0),
    asPath(options.path ?? defaultPath(identity, asnOctets, options.through ?? []), asnOctets),
    nextHop(options.nextHop ?? identity.nextHop),
    ...(options.med === undefined ? [] : [med(options.med)]),
    ...(preference === undefined ? [] : [localPref(preference)]),
  ];
  return [...usual.filter((one) => !extra.some((other) => other[1] === one[1])), ...extra]
    .filter((one) => !options.omit?.includes(one[1]!))
    .sort((a, b) => a[1]! - b[1]!);
}

function defaultPath(identity: Identity, asnOctets: 2 | 4, through: readonly number[]): readonly Segment[] {
  const own = asnOctets === 2 && identity.asn > 0xffff ? AS_TRANS : identity.asn;
  switch (identity.kind) {
    case 'ebgp':
    case 'ebgp2':
      return sequence(own, ...through);
    case 'confed':
      return [{ type: AS_CONFED_SEQUENCE, asns: [own] }, ...sequence(...through)];
    default:
      return sequence(...through);
  }
}

/** NLRI of prefixes of one version. @throws RangeError where IPv4 and IPv6 are mixed. */
export function splitPrefixes(prefixes: string | readonly string[]): {
  readonly list: readonly Uint8Array[];
  readonly ipv6: boolean;
} {
  const texts = typeof prefixes === 'string' ? [prefixes] : prefixes;
  const ipv6 = texts.some((text) => text.includes(':'));
  if (texts.some((text) => text.includes(':') !== ipv6))
    throw new RangeError('IPv4 and IPv6 prefixes are mixed');
  return { list: texts.map(nlri), ipv6 };
}

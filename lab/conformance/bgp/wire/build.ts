/**
 * Messages and their parts as octets, right or wrong: every length and type may be forced to another value.
 * Capabilities are in capabilities.ts, path attributes in attributes.ts.
 */
import { bytes, type Octets, u16, u32 } from './bytes.ts';

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;
export const ROUTE_REFRESH = 5;

/** A header that says something else than is true. */
export interface HeaderOverrides {
  /** 16 octets instead of all ones. */
  readonly marker?: Uint8Array;
  /** What the length field says. */
  readonly length?: number;
}

/** Header and body, RFC 4271 §4.1. */
export function message(type: number, body: Uint8Array, overrides: HeaderOverrides = {}): Uint8Array {
  const marker = overrides.marker ?? new Uint8Array(16).fill(0xff);
  const length = overrides.length ?? 19 + body.length;
  return bytes(marker, u16(length), type, body);
}

/** What an OPEN says, RFC 4271 §4.2. */
export interface OpenFields {
  /** Default 4. */
  readonly version?: number;
  /** The 2-octet field as it stands. */
  readonly myAs: number;
  /** Seconds. */
  readonly holdTime: number;
  readonly bgpId: number;
  /** Whole optional parameters, see {@link parameter}; each after the other. */
  readonly parameters?: readonly Uint8Array[];
  /** What the length field of the parameters says. */
  readonly parametersLength?: number;
}

/** OPEN with parameters of the common form. */
export function open(fields: OpenFields): Uint8Array {
  const parameters = bytes(...(fields.parameters ?? []));
  const length = fields.parametersLength ?? parameters.length;
  return message(OPEN, bytes(openHead(fields), length, parameters));
}

/** OPEN in the extended form of RFC 9072 §2: parameters have 2-octet lengths, see {@link extendedParameter}. */
export function extendedOpen(fields: OpenFields & { readonly shortLength?: number }): Uint8Array {
  const parameters = bytes(...(fields.parameters ?? []));
  const length = fields.parametersLength ?? parameters.length;
  return message(OPEN, bytes(openHead(fields), fields.shortLength ?? 255, 255, u16(length), parameters));
}

function openHead({ version, myAs, holdTime, bgpId }: OpenFields): Uint8Array {
  return bytes(version ?? 4, u16(myAs), u16(holdTime), u32(bgpId));
}

/** Optional parameter with a 1-octet length; `length` overrides what that says. Type 2 holds capabilities. */
export function parameter(type: number, value: Uint8Array, length: number = value.length): Uint8Array {
  return bytes(type, length, value);
}

/** Optional parameter with a 2-octet length, RFC 9072 §2. */
export function extendedParameter(
  type: number,
  value: Uint8Array,
  length: number = value.length,
): Uint8Array {
  return bytes(type, u16(length), value);
}

/** KEEPALIVE, RFC 4271 §4.4. */
export function keepalive(): Uint8Array {
  return message(KEEPALIVE, new Uint8Array(0));
}

/** NOTIFICATION, RFC 4271 §4.5. */
export function notification(code: number, subcode: number, data: Octets = []): Uint8Array {
  return message(NOTIFICATION, bytes(code, subcode, data));
}

/** ROUTE-REFRESH, RFC 2918 §3; subtype (RFC 7313 §3.2) 0 request, 1 BoRR, 2 EoRR. */
export function routeRefresh(afi: number, safi: number, subtype = 0): Uint8Array {
  return message(ROUTE_REFRESH, bytes(u16(afi), subtype, safi));
}

/** What an UPDATE holds, RFC 4271 §4.3. */
export interface UpdateFields {
  /** NLRI octets, each a prefix (see `nlri` in bytes.ts). */
  readonly withdrawn?: readonly Uint8Array[];
  /** Whole attributes, see `attribute` in attributes.ts, in the order in which they are sent. */
  readonly attributes?: readonly Uint8Array[];
  readonly nlri?: readonly Uint8Array[];
  /** What the two length fields say. */
  readonly withdrawnLength?: number;
  readonly attributesLength?: number;
}

/** UPDATE; with no fields the End-of-RIB marker of IPv4 unicast (RFC 4724 §2). */
export function update(fields: UpdateFields = {}): Uint8Array {
  const withdrawn = bytes(...(fields.withdrawn ?? []));
  const attributes = bytes(...(fields.attributes ?? []));
  return message(
    UPDATE,
    bytes(
      u16(fields.withdrawnLength ?? withdrawn.length),
      withdrawn,
      u16(fields.attributesLength ?? attributes.length),
      attributes,
      ...(fields.nlri ?? []),
    ),
  );
}

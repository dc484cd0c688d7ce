/** The OPEN of an identity. */
import type { Identity } from './identity.ts';
import type { Profile } from './profile.ts';
import { extendedOpen, extendedParameter, open } from './wire/build.ts';
import { bytes } from './wire/bytes.ts';
import {
  type AfiSafi,
  capabilities,
  fourOctetAs,
  multiprotocol,
  routeRefreshCapability,
} from './wire/capabilities.ts';

/** What to change about a plausible OPEN. */
export interface OpenOptions {
  readonly version?: number;
  /** AS of capability 65, and of the 2-octet field where it fits. */
  readonly asn?: number;
  /** The 2-octet field alone. */
  readonly myAs?: number;
  /** Seconds. */
  readonly holdTime?: number;
  readonly bgpId?: number;
  /** Families to offer; default: those of the profile. */
  readonly families?: readonly AfiSafi[];
  /** Codes of usual capabilities to leave out. */
  readonly without?: readonly number[];
  /** Whole capabilities to add behind the usual ones. */
  readonly capabilities?: readonly Uint8Array[];
  /** All optional parameters, in place of the one with the capabilities. */
  readonly parameters?: readonly Uint8Array[];
}

const AS_TRANS = 23456;

/** The capabilities that we offer unless a test says otherwise: families, route refresh, 4-octet AS numbers. */
export function usualCapabilities(profile: Profile, asn: number, options: OpenOptions = {}): Uint8Array[] {
  const usual = [
    ...(options.families ?? profile.families).map((family) => multiprotocol(family)),
    routeRefreshCapability(),
    fourOctetAs(asn),
  ];
  return [...usual.filter((one) => !options.without?.includes(one[0]!)), ...(options.capabilities ?? [])];
}

/** A whole OPEN; in the form of RFC 9072 where its capabilities need that. */
export function openOf(profile: Profile, identity: Identity, options: OpenOptions = {}): Uint8Array {
  const asn = options.asn ?? identity.asn;
  const list = usualCapabilities(profile, asn, options);
  const fields = {
    ...(options.version === undefined ? {} : { version: options.version }),
    myAs: options.myAs ?? (asn > 0xffff ? AS_TRANS : asn),
    holdTime: options.holdTime ?? profile.holdTime,
    bgpId: options.bgpId ?? identity.bgpId,
  };
  if (options.parameters !== undefined) return open({ ...fields, parameters: options.parameters });
  const octets = bytes(...list);
  if (octets.length > 253) return extendedOpen({ ...fields, parameters: [extendedParameter(2, octets)] });
  return open({ ...fields, parameters: list.length === 0 ? [] : [capabilities(...list)] });
}

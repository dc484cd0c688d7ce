/** What we advertise in OPEN: capabilities by configuration, and what a peer's refusals leave of them (RFC 5492 §3). */

import { toHex } from '../../bytes/hex.ts';
import { ByteWriter } from '../byte-writer.ts';
import { type Capability, encodeCapability } from '../capability/capability.ts';
import { ROLE_NAMES } from '../capability/role.ts';
import type { NotificationBody } from '../error.ts';
import { type AfiSafi, FAMILIES, type Family } from '../family.ts';
import {
  OPEN_MESSAGE_ERROR,
  UNSUPPORTED_CAPABILITY,
  UNSUPPORTED_OPTIONAL_PARAMETER,
} from '../message/notification-codes.ts';
import { AS_TRANS, encodeOpen } from '../message/open.ts';
import type { CompleteConfig } from './config.ts';

/** AFI of IPv6, as a next hop. */
const IPV6 = 2;

/**
 * The capabilities that a configuration asks for.
 * @param restarting the R bit of graceful restart (RFC 4724 §3).
 */
export function configuredCapabilities(config: CompleteConfig, restarting: boolean): Capability[] {
  const { capabilities, families, localAs } = config;
  const { addPath, gracefulRestart, longLivedGracefulRestart } = capabilities;
  const list: Capability[] = families.map((family) => ({ kind: 'multiprotocol', ...afiSafi(family) }));
  if (capabilities.routeRefresh) list.push({ kind: 'route-refresh' });
  if (capabilities.extendedNextHop.length > 0) {
    list.push({
      kind: 'extended-next-hop',
      families: capabilities.extendedNextHop.map((family) => ({ ...afiSafi(family), nextHopAfi: IPV6 })),
    });
  }
  if (capabilities.extendedMessage) list.push({ kind: 'extended-message' });
  // RFC 9234 §4: not to a peer of our own AS.
  if (capabilities.role !== undefined && config.peerAs !== localAs) {
    list.push({ kind: 'role', role: ROLE_NAMES.indexOf(capabilities.role) });
  }
  if (gracefulRestart !== undefined) {
    list.push({
      kind: 'graceful-restart',
      restarting,
      notification: gracefulRestart.notification,
      restartTime: gracefulRestart.restartTime,
      families: inOffer(gracefulRestart.families, families),
    });
  }
  if (capabilities.fourOctetAs) list.push({ kind: 'four-octet-as', asn: localAs });
  const addPathFamilies = addPath.flatMap(({ family, send, receive }) =>
    send || receive ? [{ ...afiSafi(family), sendReceive: (receive ? 1 : 0) | (send ? 2 : 0) }] : [],
  );
  if (addPathFamilies.length > 0) list.push({ kind: 'add-path', families: addPathFamilies });
  if (capabilities.enhancedRouteRefresh) list.push({ kind: 'enhanced-route-refresh' });
  // RFC 9494 §3.1: without graceful restart it would be ignored.
  if (longLivedGracefulRestart !== undefined && gracefulRestart !== undefined) {
    list.push({
      kind: 'long-lived-graceful-restart',
      families: inOffer(longLivedGracefulRestart.families, families),
    });
  }
  if (capabilities.fqdn !== undefined) list.push({ kind: 'fqdn', ...capabilities.fqdn });
  if (capabilities.softwareVersion !== undefined) {
    list.push({ kind: 'software-version', version: capabilities.softwareVersion });
  }
  if (capabilities.pathsLimit.length > 0) {
    list.push({ kind: 'paths-limit', families: inOffer(capabilities.pathsLimit, families) });
  }
  return list;
}

/** Entries of families that the session offers, with their numbers instead of names. */
function inOffer<T extends { readonly family: Family }>(
  entries: readonly T[],
  families: readonly Family[],
): (AfiSafi & Omit<T, 'family'>)[] {
  return entries
    .filter(({ family }) => families.includes(family))
    .map(({ family, ...rest }) => ({ ...afiSafi(family), ...rest }));
}

function afiSafi(family: CompleteConfig['families'][number]): {
  readonly afi: number;
  readonly safi: number;
} {
  const { afi, safi } = FAMILIES[family];
  return { afi, safi };
}

/**
 * Our OPEN as bytes.
 * @throws RangeError where a capability does not fit into its 255 octets.
 */
export function buildOpen(config: CompleteConfig, capabilities: readonly Capability[]): Uint8Array {
  return encodeOpen({
    version: 4,
    myAs: config.localAs > 0xffff ? AS_TRANS : config.localAs,
    holdTime: config.holdTime,
    bgpId: config.localId,
    capabilities,
  });
}

/** Code, length and value of a capability, as in OPEN and in the data of 2/7 (RFC 5492 §4, §5). */
export function capabilityBytes(capability: Capability): Uint8Array {
  const writer = new ByteWriter(16);
  encodeCapability(capability, writer);
  return writer.finish();
}

/** The capabilities that a session offers at present. */
export class Offer {
  readonly #config: CompleteConfig;
  /** R bit. */
  restarting: boolean;
  /** Encoded capabilities that the peer refused, as hex. */
  readonly #refused = new Set<string>();
  /** The peer does not know capabilities at all. */
  #noParameter = false;

  constructor(config: CompleteConfig) {
    this.#config = config;
    this.restarting = config.capabilities.gracefulRestart?.restarting ?? false;
  }

  /** What the next OPEN offers. */
  capabilities(): readonly Capability[] {
    if (this.#noParameter) return [];
    const all = configuredCapabilities(this.#config, this.restarting);
    if (this.#refused.size === 0) return all;
    return all.filter((capability) => !this.#refused.has(toHex(capabilityBytes(capability))));
  }

  /** Offers everything again. */
  reset(): void {
    this.#refused.clear();
    this.#noParameter = false;
  }

  /**
   * Takes note of a NOTIFICATION that answered our OPEN. The parameter as a whole (2/4), or single capabilities (2/7), are
   * left out of the next OPEN, unless the session is no use without them.
   */
  refusedBy({ code, subcode, data }: NotificationBody): void {
    if (code !== OPEN_MESSAGE_ERROR) return;
    const { required, families } = this.#config;
    if (
      subcode === UNSUPPORTED_OPTIONAL_PARAMETER &&
      required.length === 0 &&
      families.includes('ipv4-unicast')
    ) {
      this.#noParameter = true;
    }
    if (subcode !== UNSUPPORTED_CAPABILITY) return;
    for (const refused of splitCapabilities(data)) {
      const ours = this.capabilities().find((each) => toHex(capabilityBytes(each)) === refused);
      if (ours === undefined || ours.kind === 'unknown' || required.includes(ours.kind)) continue;
      this.#refused.add(refused);
    }
  }
}

/** Capabilities in the data of 2/7, as hex; stops where the list is cut off. */
function splitCapabilities(data: Uint8Array): string[] {
  const result: string[] = [];
  for (let at = 0; at + 2 <= data.length; ) {
    const end = at + 2 + data[at + 1]!;
    if (end > data.length) break;
    result.push(toHex(data.subarray(at, end)));
    at = end;
  }
  return result;
}

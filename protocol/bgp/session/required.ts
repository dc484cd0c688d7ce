/** Capabilities that a peer must have, RFC 5492 §3. */
import { concatBytes } from '../../bytes/concat.ts';
import { type Capability, capabilityCode } from '../capability/capability.ts';
import { capabilityByKind, capabilityName } from '../capability/table.ts';
import { BgpError, type NotificationBody } from '../error.ts';
import { FAMILIES, familyText } from '../family.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import { OPEN_MESSAGE_ERROR, UNSUPPORTED_CAPABILITY } from '../message/notification-codes.ts';
import { capabilitySet } from './capability-set.ts';
import type { CapabilityKind, CompleteConfig } from './config.ts';
import { capabilityBytes } from './offer.ts';

/**
 * Makes sure that the peer has every required capability.
 * @throws BgpError 2/7; its data lists what the peer lacks, as our OPEN has it, or else without a value.
 */
export function requireCapabilities(
  config: CompleteConfig,
  offered: readonly Capability[],
  received: readonly Capability[],
): void {
  const missing = config.required.flatMap((kind) => lacking(kind, config, offered, received));
  if (missing.length === 0) return;
  const names = missing.map((capability) => nameOf(capability)).join(', ');
  throw new BgpError(
    'OPEN',
    HEADER_LENGTH + 9,
    `capabilities must include ${names}`,
    OPEN_MESSAGE_ERROR,
    UNSUPPORTED_CAPABILITY,
    concatBytes(missing.map(capabilityBytes)),
  );
}

function lacking(
  kind: CapabilityKind,
  config: CompleteConfig,
  offered: readonly Capability[],
  received: readonly Capability[],
): Capability[] {
  if (kind !== 'multiprotocol') {
    if (received.some((capability) => capability.kind === kind)) return [];
    const ours = offered.filter((capability) => capability.kind === kind);
    if (ours.length > 0) return ours;
    return [{ kind: 'unknown', code: capabilityByKind(kind).code, value: new Uint8Array(0) }];
  }
  const { families } = capabilitySet(received);
  return config.families
    .filter((family) => !families.includes(family))
    .map((family) => ({ kind: 'multiprotocol', afi: FAMILIES[family].afi, safi: FAMILIES[family].safi }));
}

function nameOf(capability: Capability): string {
  if (capability.kind !== 'multiprotocol') return capabilityName(capabilityCode(capability));
  return `${capabilityName(1)} ${familyText(capability.afi, capability.safi)}`;
}

/** Whether a NOTIFICATION refuses a peer for want of a capability. */
export function isCapabilityRefusal({ code, subcode }: NotificationBody): boolean {
  return code === OPEN_MESSAGE_ERROR && subcode === UNSUPPORTED_CAPABILITY;
}

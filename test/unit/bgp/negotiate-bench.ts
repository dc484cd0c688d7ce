// Two OPENs put together, for tests of negotiation.
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import type { AfiSafi } from '../../../protocol/bgp/family.ts';
import { decodeOpen, encodeOpen, type OpenMessage } from '../../../protocol/bgp/message/open.ts';
import {
  type CapabilityConfig,
  completeConfig,
  type SessionConfig,
} from '../../../protocol/bgp/session/config.ts';
import { negotiate } from '../../../protocol/bgp/session/negotiate.ts';
import type { Negotiated } from '../../../protocol/bgp/session/negotiated.ts';
import { configuredCapabilities } from '../../../protocol/bgp/session/offer.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { CONFIG, OPEN } from './session-bench.ts';

export const IPV4: AfiSafi = { afi: 1, safi: 1 };
export const IPV6: AfiSafi = { afi: 2, safi: 1 };
export const EXTERNAL: SessionConfig = { ...CONFIG, peerAs: 64513 };

/** What we and a peer with this OPEN agree on. */
export function agree(settings: Partial<SessionConfig>, open: Partial<OpenMessage>): Negotiated {
  const config = completeConfig({ ...CONFIG, ...settings });
  const offered = configuredCapabilities(config, config.capabilities.gracefulRestart?.restarting ?? false);
  // Through the codec, as on the wire.
  return negotiate(config, offered, decodeOpen(encodeOpen({ ...OPEN, ...open })));
}

export function withCapabilities(capabilities: CapabilityConfig, peer: readonly Capability[]): Negotiated {
  return agree(
    { capabilities, families: ['ipv4-unicast', 'ipv6-unicast'] },
    { capabilities: [...BOTH, ...peer] },
  );
}

export const BOTH: readonly Capability[] = [
  { kind: 'multiprotocol', ...IPV4 },
  { kind: 'multiprotocol', ...IPV6 },
  { kind: 'four-octet-as', asn: 64512 },
];

/** Code, subcode and data of the refusal, e.g. `2/2` or `2/7 0200`. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    const { code, subcode, data } = error.notification;
    return `${code}/${subcode}${data.length > 0 ? ` ${toHex(data)}` : ''}`;
  }
  return 'accepted';
}

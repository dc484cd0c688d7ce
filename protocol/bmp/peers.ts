/** What a collector knows of the peers that a sender reported: how their UPDATEs are to be read. */

import type { CodecContext } from '../bgp/context.ts';
import { BgpError } from '../bgp/error.ts';
import { FAMILIES, type Family } from '../bgp/family.ts';
import { decodeOpen } from '../bgp/message/open.ts';
import { type CapabilitySet, capabilitySet } from '../bgp/session/capability-set.ts';
import { toHex } from '../bytes/hex.ts';
import { hasFourOctetAs, type PeerHeader } from './peer-header.ts';
import type { PeerUp } from './peer-up.ts';
import { ADJ_RIB_OUT, LOC_RIB_PEER } from './types.ts';

const EVERY_FAMILY: readonly Family[] = Object.values(FAMILIES).map(({ family }) => family);
const IPV4_FAMILIES: readonly Family[] = Object.values(FAMILIES)
  .filter(({ afi }) => afi === 1)
  .map(({ family }) => family);

/** Families with path identifiers, as the two OPENs of a Peer Up settle them (RFC 7911 §4). */
interface PathIdentifiers {
  readonly received: readonly Family[];
  readonly sent: readonly Family[];
}

/** What tells a peer from others: type, distinguisher, address and, in a Loc-RIB, nothing more. */
export function peerKey({ peerType, distinguisher, address }: PeerHeader): string {
  return `${peerType} ${toHex(distinguisher)} ${toHex(address)}`;
}

export class BmpPeers {
  readonly #peers = new Map<string, PathIdentifiers>();

  /** How many are up. */
  get count(): number {
    return this.#peers.size;
  }

  /** Whether a Peer Up has come, and no Peer Down since. */
  isUp(peer: PeerHeader): boolean {
    return this.#peers.has(peerKey(peer));
  }

  /** A Peer Up came. OPENs that cannot be read settle nothing. */
  up({ peer, sentOpen, receivedOpen }: PeerUp): void {
    const ours = capabilitiesOf(sentOpen);
    const theirs = capabilitiesOf(receivedOpen);
    const meet = (a: readonly Family[] = [], b: readonly Family[] = []): readonly Family[] =>
      a.filter((family) => b.includes(family));
    this.#peers.set(peerKey(peer), {
      received: meet(ours?.addPathReceive, theirs?.addPathSend),
      sent: meet(ours?.addPathSend, theirs?.addPathReceive),
    });
  }

  /** A Peer Down came. */
  down(peer: PeerHeader): void {
    this.#peers.delete(peerKey(peer));
  }

  /**
   * How to read an UPDATE under this header: the A flag decides about AS numbers (RFC 7854 §4.2), the OPENs of Peer Up
   * about path identifiers. What only internal peers may send is taken from all of them, since policies may have put it
   * there.
   */
  context(peer: PeerHeader): CodecContext {
    const known = this.#peers.get(peerKey(peer));
    const out = peer.peerType !== LOC_RIB_PEER && (peer.flags & ADJ_RIB_OUT) !== 0;
    return {
      fourOctetAs: hasFourOctetAs(peer),
      extendedMessage: true,
      peerType: 'internal',
      families: EVERY_FAMILY,
      addPath: (out ? known?.sent : known?.received) ?? [],
      extendedNextHop: IPV4_FAMILIES,
    };
  }
}

function capabilitiesOf(open: Uint8Array): CapabilitySet | undefined {
  try {
    return capabilitySet(decodeOpen(open).capabilities);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return undefined;
  }
}

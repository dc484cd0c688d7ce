/** Which members of an update group must not get a route. */
import { type Family, isFlowspec } from '../family.ts';
import { type AttributeTable, hostAddress } from './attribute-table.ts';
import { NOBODY } from './delivery.ts';
import type { GroupMember } from './group-member.ts';
import { LOCAL } from './route.ts';

const NONE = -1;

/**
 * A route goes neither back to the peer that it came from nor to the one whose address is its next hop (RFC 4271 §5.1.3).
 *
 * What was found last is remembered until {@link forget}, since neighbouring routes nearly always have one source, and
 * most sets have many routes.
 */
export class SplitHorizon {
  readonly #members: ReadonlyMap<number, GroupMember>;
  readonly #attributes: AttributeTable;
  /** Next hops mean nothing. */
  readonly #anyNextHop: boolean;
  readonly #byAddress = new Map<number | string, number>();
  /** There are members with IPv6 addresses, so that it is worth while to look for one. */
  #ipv6 = false;
  /** The source asked for last, and the member that it is. */
  #source = NONE;
  #origin: readonly number[] = NOBODY;
  /** The set asked for last, its next hop (`undefined`: none was asked for), and the member that has that address. */
  #set = NONE;
  #hop: number | string | undefined;
  #hopMember = LOCAL;

  constructor(family: Family, members: ReadonlyMap<number, GroupMember>, attributes: AttributeTable) {
    this.#anyNextHop = isFlowspec(family);
    this.#members = members;
    this.#attributes = attributes;
  }

  /** A member came; `address` is that of its end of the session. */
  add(peer: number, address: Uint8Array): void {
    this.#byAddress.set(addressKey(address), peer);
    if (address.length !== 4) this.#ipv6 = true;
    this.forget();
  }

  /** A member goes. */
  remove(peer: number, address: Uint8Array): void {
    const key = addressKey(address);
    if (this.#byAddress.get(key) === peer) this.#byAddress.delete(key);
    this.forget();
  }

  /** Members and numbers of sets may be others from now on. */
  forget(): void {
    this.#source = NONE;
    this.#set = NONE;
    this.#hop = undefined;
  }

  /** Members that must not get routes of a set that came from `source`. */
  except(set: number, source: number): readonly number[] {
    const origin = this.#originOf(source);
    if (this.#anyNextHop) return origin;
    const hop = this.#nextHopOf(set);
    if (hop === LOCAL || hop === source) return origin;
    const other = this.#members.get(hop)!.alone;
    return origin === NOBODY ? other : [...origin, ...other];
  }

  #originOf(source: number): readonly number[] {
    if (source === this.#source) return this.#origin;
    this.#source = source;
    this.#origin = this.#members.get(source)?.alone ?? NOBODY;
    return this.#origin;
  }

  /** The member that is the next hop of a set, {@link LOCAL} for none. */
  #nextHopOf(set: number): number {
    if (set === this.#set) return this.#hopMember;
    const hop = this.#attributes.ipv4NextHop(set) ?? this.#otherNextHop(set);
    if (hop !== this.#hop) {
      this.#hopMember = this.#byAddress.get(hop) ?? LOCAL;
      this.#hop = hop;
    }
    this.#set = set;
    return this.#hopMember;
  }

  /** As {@link addressKey}; that of no address where no member can be it. */
  #otherNextHop(set: number): number | string {
    const vpnOverIpv4 = this.#attributes.nextHopLength(set) === 12;
    return this.#ipv6 || vpnOverIpv4 ? addressKey(hostAddress(this.#attributes.nextHop(set))) : '-';
  }
}

/** Tells addresses apart; a number for IPv4, which costs no string. */
function addressKey(address: Uint8Array): number | string {
  if (address.length !== 4) return address.join('.');
  return (address[0]! << 24) | (address[1]! << 16) | (address[2]! << 8) | address[3]!;
}

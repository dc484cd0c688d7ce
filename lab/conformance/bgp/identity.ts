/** Who the tester is on a connection: one of the peers that the target knows, with an address of its own. */
import { formatIpv4, parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import {
  candidates,
  type Feature,
  isRange,
  type Need,
  needText,
  type PeerKind,
  type Profile,
  type ProfilePeer,
  type Setting,
} from './profile.ts';
import { NotApplicable } from './verdict.ts';
import { address } from './wire/bytes.ts';

export interface Identity {
  /** `"ebgp 127.0.16.1"`, in records. */
  readonly label: string;
  readonly kind: PeerKind;
  readonly asn: number;
  readonly address: string;
  /** Where the target dials us. */
  readonly port: number;
  /** Unique among identities of a run. */
  readonly bgpId: number;
  /** What we announce as next hop unless a test says otherwise: 4 octets. */
  readonly nextHop: Uint8Array;
  /** The same for IPv6: 16 octets. */
  readonly nextHop6: Uint8Array;
  readonly features: readonly Feature[];
  readonly settings: Readonly<Partial<Record<Setting, number>>>;
}

/** The identities of one test. Addresses outside of ranges are its own until {@link Lease.release}. */
export interface Lease {
  /**
   * An identity for a need: a fresh address where the profile has a range, else one of those that the test declared.
   * @throws NotApplicable where the profile has none, or not so many.
   */
  take(need: Need): Identity;
  /** What {@link take} gave out may be given out again: a step is over. */
  rewind(): void;
  release(): void;
}

/** Hands out the identities of a profile to tests that run at the same time. */
export class Identities {
  readonly #profile: Profile;
  readonly #busy = new Set<ProfilePeer>();
  readonly #next = new Map<ProfilePeer, number>();
  #waiting: (() => void)[] = [];
  #count = 0;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Waits until every single address among `needs` is free, and takes them all at once, so that tests never deadlock. */
  async acquire(needs: readonly Need[]): Promise<Lease> {
    for (;;) {
      const reserved = this.#tryReserve(needs);
      if (reserved !== undefined) return this.#lease(reserved);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Entries for the needs that no range serves; `undefined` where one of them is in use. */
  #tryReserve(needs: readonly Need[]): ReadonlyMap<string, readonly ProfilePeer[]> | undefined {
    const reserved = new Map<string, ProfilePeer[]>();
    const taken = new Set<ProfilePeer>();
    for (const need of needs) {
      const found = candidates(this.#profile, need);
      if (found.length === 0 || found.some(isRange)) continue;
      const open = found.filter((peer) => !taken.has(peer));
      const free = open.find((peer) => !this.#busy.has(peer));
      if (free === undefined && open.length > 0) return undefined;
      // Fewer addresses than the test wants at once: `take` will tell.
      if (free === undefined) continue;
      taken.add(free);
      const key = needText(need);
      reserved.set(key, [...(reserved.get(key) ?? []), free]);
    }
    for (const peer of taken) this.#busy.add(peer);
    return reserved;
  }

  #lease(reserved: ReadonlyMap<string, readonly ProfilePeer[]>): Lease {
    let given = new Set<ProfilePeer>();
    return {
      take: (need) => {
        const found = candidates(this.#profile, need);
        if (found.length === 0)
          throw new NotApplicable(`needs a peer of kind ${needText(need)} in the profile`);
        const range = found.find(isRange);
        if (range !== undefined) return this.#identity(range);
        const own = reserved.get(needText(need)) ?? [];
        const free = own.find((peer) => !given.has(peer));
        if (free === undefined) {
          throw new NotApplicable(
            `needs more than ${own.length} peers of kind ${needText(need)} in the profile`,
          );
        }
        given.add(free);
        return this.#identity(free);
      },
      rewind: () => {
        given = new Set();
      },
      release: () => {
        for (const peers of reserved.values()) for (const peer of peers) this.#busy.delete(peer);
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const resolve of waiting) resolve();
      },
    };
  }

  #identity(peer: ProfilePeer): Identity {
    const own = isRange(peer) ? this.#fresh(peer) : peer.address;
    const number = ++this.#count;
    return {
      label: `${peer.kind} ${own}`,
      kind: peer.kind,
      asn: peer.asn,
      address: own,
      port: peer.port ?? this.#profile.target.port,
      bgpId: own.includes(':') ? 0x0a_00_00_00 + number : parseIpv4(own),
      nextHop: this.#nextHop(own, number),
      nextHop6: address(nth(this.#profile.nextHops6, number)),
      features: peer.features,
      settings: { ...this.#profile.settings, ...peer.settings },
    };
  }

  #nextHop(own: string, number: number): Uint8Array {
    const { nextHops } = this.#profile;
    if (nextHops !== undefined) return address(nth(nextHops, number));
    return own.includes(':') ? address('192.0.2.1') : address(own);
  }

  /** The next address of a range that ends in neither 0 nor 255; starts over at the end. */
  #fresh(peer: ProfilePeer): string {
    for (;;) {
      const number = (this.#next.get(peer) ?? 0) + 1;
      this.#next.set(peer, number);
      const text = nth(peer.address, number);
      if (!text.endsWith('.0') && !text.endsWith('.255')) return text;
    }
  }
}

/** The n-th address of a range, counting round; of IPv6 only the last 16 bits count. */
export function nth(range: string, number: number): string {
  const [base, length] = range.split('/');
  if (base!.includes(':')) {
    const octets = address(base!);
    octets[14] = (number >>> 8) & 255;
    octets[15] = number & 255;
    return formatIpv6Plain(octets);
  }
  const size = 2 ** (32 - Number(length ?? 32));
  return formatIpv4((parseIpv4(base!) + (number % size)) >>> 0);
}

function formatIpv6Plain(octets: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((octets[i]! << 8) | octets[i + 1]!).toString(16));
  return groups.join(':');
}

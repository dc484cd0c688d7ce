/** From runs of bytes that are meant for some members to the bytes of each: written once, shared by all readers. */

/** Messages for one peer, in order; the bytes are shared with other peers and never change. */
export interface Delivery {
  readonly peer: number;
  readonly chunks: readonly Uint8Array[];
  readonly messages: number;
  /** The last message is the End-of-RIB of the group's family. */
  readonly endOfRib: boolean;
}

/** Who reads: all members but some, or just some. */
export interface Audience {
  readonly except: readonly number[];
  readonly only: readonly number[] | undefined;
}

/** No members. */
export const NOBODY: readonly number[] = [];

interface Segment extends Audience {
  readonly start: number;
  end: number;
  messages: number;
}

/** Runs of one buffer with their readers. */
export class Segments {
  readonly #segments: Segment[] = [];
  readonly #endOfRib = new Set<number>();

  /** Adds the bytes from `start` to `end`, which begin where the ones before end. */
  add(audience: Audience, start: number, end: number, messages: number): void {
    const last = this.#segments.at(-1);
    if (last !== undefined && sameAudience(last, audience)) {
      last.end = end;
      last.messages += messages;
    } else this.#segments.push({ except: audience.except, only: audience.only, start, end, messages });
  }

  /** Notes that these members' last message is an End-of-RIB. */
  endsWithEndOfRib(members: readonly number[]): void {
    for (const member of members) this.#endOfRib.add(member);
  }

  /** The deliveries to those of `members` that there is anything for. */
  deliver(members: Iterable<number>, bytes: Uint8Array): Delivery[] {
    const deliveries: Delivery[] = [];
    if (this.#segments.length === 0) return deliveries;
    for (const peer of members) {
      const delivery = this.#cut(peer, bytes);
      if (delivery.messages > 0) deliveries.push(delivery);
    }
    return deliveries;
  }

  #cut(peer: number, bytes: Uint8Array): Delivery {
    const chunks: Uint8Array[] = [];
    let messages = 0;
    let start = 0;
    let end = 0;
    for (const segment of this.#segments) {
      if (!reads(segment, peer)) continue;
      if (segment.start !== end) {
        if (end > start) chunks.push(bytes.subarray(start, end));
        start = segment.start;
      }
      end = segment.end;
      messages += segment.messages;
    }
    if (end > start) chunks.push(bytes.subarray(start, end));
    return { peer, chunks, messages, endOfRib: this.#endOfRib.has(peer) };
  }
}

function reads({ except, only }: Audience, peer: number): boolean {
  return only === undefined ? !except.includes(peer) : only.includes(peer);
}

function sameAudience(a: Audience, b: Audience): boolean {
  if (a.only === undefined || b.only === undefined) {
    return a.only === b.only && sameMembers(a.except, b.except);
  }
  return sameMembers(a.only, b.only);
}

/** Whether two lists of peers are the same. */
export function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((member, i) => member === b[i]));
}

import { readUint16, readUint32, writeUint16 } from '../bytes/uint.ts';
import { ipv4DataLength } from './fragment.ts';
import { IPV4_MAX_LENGTH, ipv4FragmentOffset, ipv4HeaderLength, updateIpv4Checksum } from './header.ts';

/** Linux keeps an unfinished datagram for 30 s (net.ipv4.ipfrag_time). */
const LIFETIME = 30_000;
const MAX_DATAGRAMS = 16;
const MAX_PIECES = 1024;

interface Datagram {
  readonly key: string;
  readonly deadline: number;
  data: Uint8Array;
  /** Disjoint [start, end) ranges that are filled, ascending. */
  readonly pieces: { readonly start: number; readonly end: number }[];
  /** Length of the data, known once the last fragment is there. */
  total: number | undefined;
  /** Header and first data of the first fragment: header of the result, and what a time-exceeded error quotes. */
  header: Uint8Array | undefined;
  first: Uint8Array | undefined;
}

/**
 * Puts fragments together (RFC 791 §3.2, "Reassembly"). Bounded: 16 datagrams, the oldest goes first. An overlap
 * discards the datagram, exact duplicates are ignored (the rule of RFC 5722 for IPv6, that Linux applies to IPv4 too).
 * Times are milliseconds from one monotonic clock.
 */
export class Reassembler {
  readonly #datagrams = new Map<string, Datagram>();

  /**
   * Takes the fragment at `at`, whose header was checked.
   * @returns the whole packet, header checksum right, once this fragment completes it.
   */
  add(bytes: Uint8Array, at: number, now: number): Uint8Array | undefined {
    const start = ipv4FragmentOffset(bytes, at);
    const length = ipv4DataLength(bytes, at);
    const more = (bytes[at + 6]! & 0x20) !== 0;
    const end = start + length;
    if (length === 0 || (more && length % 8 !== 0) || end > IPV4_MAX_LENGTH) return undefined;
    const datagram = this.#datagram(bytes, at, now);
    if (!this.#place(datagram, start, end, more)) return undefined;
    store(datagram, bytes, at, start, end);
    if (!more) datagram.total = end;
    return this.#finish(datagram);
  }

  /**
   * Forgets datagrams whose time is over.
   * @returns for each of them whose first fragment came, that fragment (to quote in ICMP "reassembly time exceeded").
   */
  expire(now: number): Uint8Array[] {
    const firsts: Uint8Array[] = [];
    for (const datagram of this.#datagrams.values()) {
      if (datagram.deadline > now) break; // insertion order is deadline order
      this.#datagrams.delete(datagram.key);
      if (datagram.first !== undefined) firsts.push(datagram.first);
    }
    return firsts;
  }

  /** When {@link expire} next has something to do, or `undefined`. */
  nextTimeout(): number | undefined {
    for (const datagram of this.#datagrams.values()) return datagram.deadline;
    return undefined;
  }

  #datagram(bytes: Uint8Array, at: number, now: number): Datagram {
    const key = `${readUint32(bytes, at + 12)} ${readUint32(bytes, at + 16)} ${bytes[at + 9]} ${readUint16(bytes, at + 4)}`;
    const known = this.#datagrams.get(key);
    if (known !== undefined && known.deadline > now) return known;
    this.#datagrams.delete(key);
    if (this.#datagrams.size >= MAX_DATAGRAMS) this.#datagrams.delete(this.#datagrams.keys().next().value!);
    const fresh: Datagram = {
      key,
      deadline: now + LIFETIME,
      data: new Uint8Array(4096),
      pieces: [],
      total: undefined,
      header: undefined,
      first: undefined,
    };
    this.#datagrams.set(key, fresh);
    return fresh;
  }

  /** Whether [start, end) is new; discards the datagram where the range contradicts what is there. */
  #place(datagram: Datagram, start: number, end: number, more: boolean): boolean {
    const { pieces, total } = datagram;
    const duplicate = pieces.some((piece) => piece.start === start && piece.end === end);
    if (duplicate && (more ? total !== end : total === undefined || total === end)) return false;
    const overlap = pieces.some((piece) => start < piece.end && piece.start < end);
    const beyond = total !== undefined && (end > total || (!more && end !== total));
    const cut = !more && pieces.some((piece) => piece.end > end);
    if (overlap || beyond || cut || pieces.length >= MAX_PIECES) {
      this.#datagrams.delete(datagram.key);
      return false;
    }
    return true;
  }

  #finish(datagram: Datagram): Uint8Array | undefined {
    const { total, header, pieces } = datagram;
    if (total === undefined || header === undefined) return undefined;
    let covered = 0;
    for (const piece of pieces) {
      if (piece.start !== covered) return undefined;
      covered = piece.end;
    }
    if (covered !== total) return undefined;
    this.#datagrams.delete(datagram.key);
    if (header.length + total > IPV4_MAX_LENGTH) return undefined;
    const packet = new Uint8Array(header.length + total);
    packet.set(header);
    packet.set(datagram.data.subarray(0, total), header.length);
    writeUint16(packet, 2, packet.length);
    writeUint16(packet, 6, 0);
    updateIpv4Checksum(packet, 0);
    return packet;
  }
}

function store(datagram: Datagram, bytes: Uint8Array, at: number, start: number, end: number): void {
  const dataAt = at + ipv4HeaderLength(bytes, at);
  if (end > datagram.data.length) {
    const larger = new Uint8Array(Math.max(end, 2 * datagram.data.length));
    larger.set(datagram.data);
    datagram.data = larger;
  }
  datagram.data.set(bytes.subarray(dataAt, dataAt + end - start), start);
  const next = datagram.pieces.findIndex((piece) => piece.start > start);
  datagram.pieces.splice(next < 0 ? datagram.pieces.length : next, 0, { start, end });
  if (start === 0) {
    datagram.header = bytes.slice(at, dataAt);
    datagram.first = bytes.slice(at, dataAt + end);
  }
}

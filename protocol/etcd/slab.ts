/** Octets of a slab, and of the largest value that is put into one. */
const SLAB: number = 64 * 1024;
const LARGEST: number = SLAB / 8;

let slab: Uint8Array = new Uint8Array(SLAB);
let used = 0;

/** Where octets are: the buffer may hold others' too. */
export interface Place {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
  readonly length: number;
}

/** The place of no octets. */
export const NOWHERE: Place = { buffer: new ArrayBuffer(0), offset: 0, length: 0 };

/**
 * Copies octets that are to stay. Many share a slab, as each buffer by itself costs more than a small value's octets: objects that the
 * garbage collector has to visit, and bookkeeping outside the heap. A slab is free when nothing in it is used any more: what outlives
 * its neighbours has to leave it ({@link inSlab}, {@link outOfSlab}).
 */
export function toSlab(bytes: Uint8Array): Place {
  const { length } = bytes;
  if (length === 0) return NOWHERE;
  if (length > LARGEST) return { buffer: new Uint8Array(bytes).buffer, offset: 0, length };
  if (used + length > SLAB) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  const offset = used;
  slab.set(bytes, offset);
  used += length;
  return { buffer: slab.buffer, offset, length };
}

/** Whether octets share their memory with others'. */
export function inSlab({ buffer }: Pick<Place, 'buffer'>): boolean {
  return buffer.byteLength === SLAB;
}

/** A copy that shares its memory with nothing. */
export function outOfSlab({ buffer, offset, length }: Place): Place {
  return { buffer: buffer.slice(offset, offset + length), offset: 0, length };
}

/** Octets of a slab, and of the largest record that is put into one. */
const SLAB: number = 64 * 1024;
const LARGEST: number = SLAB / 8;

let slab: ArrayBuffer = new ArrayBuffer(SLAB);
let used = 0;

/** A place for octets: the buffer may hold others' too. */
export interface Place {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
}

/**
 * Room for a record. Many share a slab, as each buffer by itself costs more than a small record's octets: objects that the garbage
 * collector has to visit, and bookkeeping outside the heap. A slab is free when nothing in it is used any more: what outlives
 * its neighbours has to leave it ({@link inSlab}).
 */
export function roomFor(length: number): Place {
  if (length > LARGEST) return { buffer: new ArrayBuffer(length), offset: 0 };
  if (used + length > SLAB) {
    slab = new ArrayBuffer(SLAB);
    used = 0;
  }
  const offset = used;
  used += length;
  return { buffer: slab, offset };
}

/** Whether octets share their memory with others'. */
export function inSlab(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength === SLAB;
}

/**
 * CRC-32C (Castagnoli): polynomial 0x1EDC6F41, reflected, initial and final value all ones (RFC 3720 §12.1). Eight bytes at a
 * time by tables ("slicing by 8").
 */

const REFLECTED_POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** 8 tables of 256: table k holds the checksum's change by a byte that k more bytes follow. */
const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & REFLECTED_POLYNOMIAL);
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = tables[before & 0xff]! ^ (before >>> 8);
  }
  return tables;
}

/**
 * The checksum of what `crc` is the checksum of (0: nothing) followed by `bytes` from `start` up to `end`; unsigned.
 */
export function crc32c(bytes: Uint8Array, crc = 0, start = 0, end: number = bytes.length): number {
  const tables = TABLES;
  let state = ~crc;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    state ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    state =
      tables[1792 + (state & 0xff)]! ^
      tables[1536 + ((state >>> 8) & 0xff)]! ^
      tables[1280 + ((state >>> 16) & 0xff)]! ^
      tables[1024 + (state >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < end; i++) state = tables[(state ^ bytes[i]!) & 0xff]! ^ (state >>> 8);
  return ~state >>> 0;
}

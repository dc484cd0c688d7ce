import { BlockWriter } from './block-writer.ts';
import type { BodyReader } from './body-reader.ts';
import { comments, decodeOptions } from './option.ts';

/**
 * Name Resolution Block (draft-ietf-opsawg-pcapng, "Name Resolution Block"):
 *
 *   u32 type 4 | u32 total length | records | options | u32 total length
 *   record: u16 type | u16 length | address, then names, each ended by a zero byte | padding to 32 bits
 *   last record: type 0, length 0
 */
export interface NameResolution {
  readonly kind: 'name-resolution';
  readonly names: readonly ResolvedName[];
  readonly comments?: readonly string[];
}

export interface ResolvedName {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly names: readonly string[];
}

export const NAME_RESOLUTION_TYPE = 4;

const RECORD_END = 0;
const RECORD_IPV4 = 1;
const RECORD_IPV6 = 2;

/** Bytes of a name resolution block, little-endian. @throws RangeError for an address that is not 4 or 16 bytes. */
export function encodeNameResolution(block: Omit<NameResolution, 'kind'>): Uint8Array {
  const writer = new BlockWriter(NAME_RESOLUTION_TYPE, 32 + 48 * block.names.length);
  for (const { address, names } of block.names) {
    if (address.length !== 4 && address.length !== 16) {
      throw new RangeError(`name resolution: address of ${address.length} bytes, expected 4 or 16`);
    }
    const text = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''));
    writer.u16(address.length === 4 ? RECORD_IPV4 : RECORD_IPV6);
    writer.u16(address.length + text.length);
    writer.padded(address, text);
  }
  writer.u16(RECORD_END);
  writer.u16(0);
  writer.comments(block.comments);
  return writer.finish();
}

/** Decodes the body; records of other types are skipped. @throws DecodeError on short records. */
export function decodeNameResolution(body: BodyReader): NameResolution {
  const names: ResolvedName[] = [];
  while (body.remaining > 0) {
    const type = body.u16('record type');
    const record = body.padded(body.u16('record length'), 'record value');
    if (type === RECORD_END) break;
    if (type !== RECORD_IPV4 && type !== RECORD_IPV6) continue;
    const address = record.bytes(type === RECORD_IPV4 ? 4 : 16, 'address');
    names.push({
      address,
      names: record
        .text()
        .split('\0')
        .filter((name) => name !== ''),
    });
  }
  return { kind: 'name-resolution', names, ...comments(decodeOptions(body)) };
}

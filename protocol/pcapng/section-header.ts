import { BlockWriter } from './block-writer.ts';
import type { BodyReader } from './body-reader.ts';
import { comments, decodeOptions } from './option.ts';

/**
 * Section Header Block (draft-ietf-opsawg-pcapng, "Section Header Block"):
 *
 *   u32 type 0x0A0D0D0A | u32 total length | u32 byte-order magic 0x1A2B3C4D | u16 major 1 | u16 minor 0 |
 *   i64 section length (-1: unknown, as in a live stream) | options | u32 total length
 */
export interface SectionHeader {
  readonly kind: 'section-header';
  readonly majorVersion: number;
  readonly minorVersion: number;
  /** Bytes of the section after this block; undefined where it was not known in advance. */
  readonly sectionLength?: bigint;
  readonly hardware?: string;
  readonly os?: string;
  /** Program that wrote the section, e.g. `podwire 0.1.0`. */
  readonly userApplication?: string;
  readonly comments?: readonly string[];
}

export const SECTION_HEADER_TYPE = 0x0a0d0d0a;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const HARDWARE = 2;
const OS = 3;
const USER_APPLICATION = 4;

/** Bytes of a section header, little-endian. */
export function encodeSectionHeader(header: Omit<SectionHeader, 'kind'>): Uint8Array {
  const writer = new BlockWriter(SECTION_HEADER_TYPE);
  writer.u32(BYTE_ORDER_MAGIC);
  writer.u16(header.majorVersion);
  writer.u16(header.minorVersion);
  writer.u64(BigInt.asUintN(64, header.sectionLength ?? -1n));
  writer.optionText(HARDWARE, header.hardware);
  writer.optionText(OS, header.os);
  writer.optionText(USER_APPLICATION, header.userApplication);
  writer.comments(header.comments);
  return writer.finish();
}

/** Decodes the body (from the byte-order magic on). @throws DecodeError on another major version than 1. */
export function decodeSectionHeader(body: BodyReader): SectionHeader {
  body.u32('byte-order magic');
  const majorVersion = body.u16('major version');
  const minorVersion = body.u16('minor version');
  // 1.2 was once written by mistake and means 1.0 (same section of the draft).
  if (majorVersion !== 1 || (minorVersion !== 0 && minorVersion !== 2)) {
    throw body.fault(`version ${majorVersion}.${minorVersion}, expected 1.0`);
  }
  const length = body.i64('section length');
  const options = decodeOptions(body);
  const text = (code: number): string | undefined =>
    options.find((option) => option.code === code)?.value.text();
  const hardware = text(HARDWARE);
  const os = text(OS);
  const userApplication = text(USER_APPLICATION);
  return {
    kind: 'section-header',
    majorVersion,
    minorVersion,
    ...(length === -1n ? {} : { sectionLength: length }),
    ...(hardware === undefined ? {} : { hardware }),
    ...(os === undefined ? {} : { os }),
    ...(userApplication === undefined ? {} : { userApplication }),
    ...comments(options),
  };
}

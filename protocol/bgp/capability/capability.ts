/**
 * Capabilities, RFC 5492 §4: each is
 *
 *   0: 1 code · 1: 1 length · 2: value
 *
 * Known ones are described in table.ts; any other is kept as opaque bytes and ignored (RFC 5492 §3).
 */
import { toHex } from '../../bytes/hex.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { BgpError } from '../error.ts';
import { capabilityByCode, capabilityByKind, capabilityName, type KnownCapability } from './table.ts';

/** A capability that podwire does not know, or one that is ignored because its value has another shape. */
export interface UnknownCapability {
  readonly kind: 'unknown';
  readonly code: number;
  readonly value: Uint8Array;
}

export type Capability = KnownCapability | UnknownCapability;

/**
 * One capability of `code`.
 * @param offset where the value starts in the message.
 * @throws BgpError 2/0 where a value that the session depends on has the wrong shape, see `malformed` in the table.
 */
export function decodeCapability(code: number, value: Uint8Array, offset: number): Capability {
  const codec = capabilityByCode(code);
  const capability = codec?.decode(value);
  if (capability !== undefined) return capability;
  if (codec?.malformed === 'session-reset') {
    const expected = `${codec.name} capability of ${value.length} octets is malformed (${codec.rfc})`;
    throw new BgpError('OPEN', offset, expected, 2, 0, undefined, 'RFC 4271 §6.2');
  }
  return { kind: 'unknown', code, value: value.slice() };
}

/** Appends code, length and value. @throws RangeError where the value is longer than 255 octets. */
export function encodeCapability(capability: Capability, writer: ByteWriter): void {
  writer.uint8(capabilityCode(capability));
  const lengthAt = writer.position;
  writer.uint8(0);
  if (capability.kind === 'unknown') writer.append(capability.value);
  else capabilityByKind(capability.kind).encode(capability, writer);
  const length = writer.position - lengthAt - 1;
  if (length > 255) throw new RangeError(`capability ${capability.kind}: ${length} octets, at most 255 fit`);
  writer.patchUint8(lengthAt, length);
}

/** IANA's code of a capability. */
export function capabilityCode(capability: Capability): number {
  return capability.kind === 'unknown' ? capability.code : capabilityByKind(capability.kind).code;
}

/** One line: `"ADD-PATH: ipv4-unicast send+receive"`, `"capability 99: 0x0102"`. */
export function capabilityText(capability: Capability): string {
  const details =
    capability.kind === 'unknown'
      ? capability.value.length === 0
        ? ''
        : `0x${toHex(capability.value)}`
      : capabilityByKind(capability.kind).text(capability);
  const name = capabilityName(capabilityCode(capability));
  return details === '' ? name : `${name}: ${details}`;
}

/**
 * Capabilities, RFC 5492 §4: each is
 *
 *   0: 1 code · 1: 1 length · 2: value
 *
 * One descriptor per known code; any other is kept as opaque bytes and ignored (RFC 5492 §3).
 */
import type { ByteWriter } from '../byte-writer.ts';
import { type AddPathCapability, addPath } from './add-path.ts';
import type { CapabilityCodec } from './codec.ts';
import { type EmptyCapability, enhancedRouteRefresh, extendedMessage, routeRefresh } from './empty.ts';
import { type FourOctetAsCapability, fourOctetAs } from './four-octet-as.ts';
import { type GracefulRestartCapability, gracefulRestart } from './graceful-restart.ts';
import {
  type LongLivedGracefulRestartCapability,
  longLivedGracefulRestart,
} from './long-lived-graceful-restart.ts';
import { type MultiprotocolCapability, multiprotocol } from './multiprotocol.ts';

/** A capability that podwire does not know, or whose value does not have the shape its code demands. */
export interface UnknownCapability {
  readonly kind: 'unknown';
  readonly code: number;
  readonly value: Uint8Array;
}

export type Capability =
  | MultiprotocolCapability
  | EmptyCapability
  | GracefulRestartCapability
  | FourOctetAsCapability
  | AddPathCapability
  | LongLivedGracefulRestartCapability
  | UnknownCapability;

const CODECS: readonly CapabilityCodec<never>[] = [
  multiprotocol,
  routeRefresh,
  extendedMessage,
  gracefulRestart,
  fourOctetAs,
  addPath,
  enhancedRouteRefresh,
  longLivedGracefulRestart,
] as unknown as readonly CapabilityCodec<never>[];

/**
 * One capability of `code`. A value of the wrong shape is kept as unknown: the capability counts as not advertised,
 * which RFC 5492 §3 demands for what the receiver cannot use.
 */
export function decodeCapability(code: number, value: Uint8Array): Capability {
  const codec = CODECS.find((candidate) => candidate.code === code);
  return codec?.decode(value) ?? { kind: 'unknown', code, value: value.slice() };
}

/** Appends code, length and value. @throws RangeError where the value is longer than 255 octets. */
export function encodeCapability(capability: Capability, writer: ByteWriter): void {
  const codec = CODECS.find((candidate) => candidate.kind === capability.kind);
  writer.uint8(capability.kind === 'unknown' ? capability.code : codec!.code);
  const lengthAt = writer.position;
  writer.uint8(0);
  if (capability.kind === 'unknown') writer.append(capability.value);
  else codec!.encode(capability as never, writer);
  const length = writer.position - lengthAt - 1;
  if (length > 255) throw new RangeError(`capability ${capability.kind}: ${length} octets, at most 255 fit`);
  writer.patchUint8(lengthAt, length);
}

import type { ByteWriter } from '../byte-writer.ts';

/** How one kind of capability stands on the wire. */
export interface CapabilityCodec<C extends { readonly kind: string }> {
  readonly code: number;
  readonly kind: C['kind'];
  /** The value octets; `undefined` where they have not the capability's shape. */
  decode(value: Uint8Array): C | undefined;
  encode(capability: C, writer: ByteWriter): void;
}

import type { ByteWriter } from '../byte-writer.ts';
import type { Field } from '../dissect/field.ts';

/** What one kind of capability is on the wire; generic code does everything else from this. */
export interface CapabilityCodec<C extends { readonly kind: string }> {
  readonly code: number;
  readonly kind: C['kind'];
  /** As IANA's registry of capability codes has it. */
  readonly name: string;
  /** Where it is defined, such as `RFC 4760 §8`. */
  readonly rfc: string;
  /**
   * What a value of the wrong shape does. `session-reset`: the parameter is recognised but malformed, which RFC 4271
   * §6.2 answers with 2/0, as BIRD and FRR do. `ignored`: the capability counts as not sent, because it is only
   * shown, or because its definition says so.
   */
  readonly malformed: 'session-reset' | 'ignored';
  /** Reads the value octets; `undefined` where they have not the capability's shape. */
  decode(value: Uint8Array): C | undefined;
  /** Appends the value octets. */
  encode(capability: C, writer: ByteWriter): void;
  /** What it says beside its name, for people; empty where the name says it all. */
  text(capability: C): string;
  /** The parts of a value of the right shape. @param offset where the value starts in the message. */
  fields(value: Uint8Array, offset: number): Field[];
}

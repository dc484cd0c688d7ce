/** KEEPALIVE, RFC 4271 §4.4: a header and nothing else. */
import { ByteWriter } from '../byte-writer.ts';
import { beginMessage, endMessage, KEEPALIVE } from './header.ts';

export interface KeepaliveMessage {
  readonly kind: 'keepalive';
}

const BYTES: Uint8Array = build();

/** The 19 octets; one shared array, not to be changed. */
export function encodeKeepalive(): Uint8Array {
  return BYTES;
}

function build(): Uint8Array {
  const writer = new ByteWriter(19);
  endMessage(writer, beginMessage(writer, KEEPALIVE));
  return writer.finish();
}

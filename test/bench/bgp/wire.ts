// As much of BGP as the tester speaks, apart from podwire's own code so that this cannot hide a fault of it.

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;
export const HEADER_LENGTH = 19;
export const MARKER: Buffer = Buffer.alloc(16, 0xff);

/** Seconds. The KEEPALIVEs of the speaker then come every 30 s or more often. */
const HOLD_TIME = 90;

/** One message with its header, RFC 4271 §4.1. */
export function message(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH + body.length, 0xff);
  bytes.writeUInt16BE(bytes.length, 16);
  bytes[18] = type;
  bytes.set(body, HEADER_LENGTH);
  return bytes;
}

export const KEEPALIVE_MESSAGE: Buffer = message(KEEPALIVE, new Uint8Array(0));

/** OPEN with unicast of one IP version and 4-octet AS numbers. */
export function open(asn: number, routerId: string, version: 4 | 6): Buffer {
  const capabilities = Buffer.from([1, 4, 0, version === 4 ? 1 : 2, 0, 1, 65, 4, 0, 0, 0, 0]);
  capabilities.writeUInt32BE(asn, 8);
  const body = Buffer.alloc(10);
  body[0] = 4;
  body.writeUInt16BE(asn, 1);
  body.writeUInt16BE(HOLD_TIME, 3);
  body.set(routerId.split('.').map(Number), 5);
  body[9] = capabilities.length + 2;
  return message(OPEN, Buffer.concat([body, Buffer.from([2, capabilities.length]), capabilities]));
}

/** Cuts a stream into messages. */
export class MessageCutter {
  #rest: Buffer = Buffer.alloc(0);

  /** Octets of a message that is not complete yet. */
  get pending(): number {
    return this.#rest.length;
  }

  /** Calls `visit` with each message that is complete: the octets that it lies in, its start and its end. */
  push(chunk: Buffer, visit: (bytes: Buffer, start: number, end: number) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER_LENGTH) {
      const end = at + ((bytes[at + 16]! << 8) | bytes[at + 17]!);
      if (end > bytes.length) break;
      visit(bytes, at, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}

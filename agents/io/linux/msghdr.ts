import { addressOf } from './libc.ts';

// The structs of sendmsg and recvmsg (recvmsg(2), cmsg(3)), 64-bit little-endian:
//
//   struct msghdr: | name | name length | iovec | number of iovecs | control | control length | flags |
//   struct cmsghdr: | length (8) | level (4) | type (4) | data, padded to 8 |

const MSGHDR_SIZE = 56;
const NAME_LENGTH = 8;
const CONTROL_LENGTH = 40;
const FLAGS = 48;

/** Bytes before the data of a control message. */
export const CMSGHDR_SIZE = 16;

/** The structs of one call; JavaScript must hold them while the kernel follows the pointers between them. */
export interface Msghdr {
  readonly header: Uint8Array;
  readonly iovec: Uint8Array;
  readonly data: Uint8Array;
  readonly control: Uint8Array;
  /** Room for the other side's socket address; may be empty. */
  readonly name: Uint8Array;
}

/** One control message that was received. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: DataView;
}

/** A message of these buffers, to be sent or to be received into. */
export function msghdr(data: Uint8Array, control: Uint8Array, name: Uint8Array = new Uint8Array(0)): Msghdr {
  const iovec = new Uint8Array(16);
  const iovecView = new DataView(iovec.buffer);
  iovecView.setBigUint64(0, addressOf(data), true);
  iovecView.setBigUint64(8, BigInt(data.length), true);
  const header = new Uint8Array(MSGHDR_SIZE);
  const view = new DataView(header.buffer);
  if (name.length > 0) view.setBigUint64(0, addressOf(name), true);
  view.setBigUint64(16, addressOf(iovec), true);
  view.setBigUint64(24, 1n, true);
  if (control.length > 0) view.setBigUint64(32, addressOf(control), true);
  const message = { header, iovec, data, control, name };
  rewind(message);
  return message;
}

/** Gives the kernel the whole buffers again: receiving sets the lengths to what was used. */
export function rewind({ header, control, name }: Msghdr): void {
  const view = new DataView(header.buffer);
  view.setUint32(NAME_LENGTH, name.length, true);
  view.setBigUint64(CONTROL_LENGTH, BigInt(control.length), true);
}

/** The flags that the kernel set on a received message. */
export function receivedFlags({ header }: Msghdr): number {
  return new DataView(header.buffer).getInt32(FLAGS, true);
}

/** The control messages of a received message. */
export function controlMessages({ header, control }: Msghdr): ControlMessage[] {
  const end = Number(new DataView(header.buffer).getBigUint64(CONTROL_LENGTH, true));
  const view = new DataView(control.buffer, control.byteOffset, control.length);
  const messages: ControlMessage[] = [];
  for (let offset = 0; offset + CMSGHDR_SIZE <= end; ) {
    const length = Number(view.getBigUint64(offset, true));
    if (length < CMSGHDR_SIZE) break;
    const dataLength = Math.min(length, end - offset) - CMSGHDR_SIZE;
    messages.push({
      level: view.getInt32(offset + 8, true),
      type: view.getInt32(offset + 12, true),
      data: new DataView(control.buffer, control.byteOffset + offset + CMSGHDR_SIZE, dataLength),
    });
    offset += (length + 7) & ~7;
  }
  return messages;
}

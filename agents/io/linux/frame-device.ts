import type { FrameDevice } from '../../ports.ts';
import { closeInBackground, lastErrno, libc } from './libc.ts';
import type { Poller } from './poller.ts';

/** Frames read per wake-up, so that one busy pod does not keep the loop from the others. */
const BATCH = 64;
/** The largest MTU, 65535, with an Ethernet header and a VLAN tag. */
const FRAME_MAX = 65535 + 18;

/** What a TAP's read says when its interface was deleted under us: nothing will ever come again. */
const DEAD: ReadonlySet<number> = new Set([5 /* EIO */, 9 /* EBADF */, 77 /* EBADFD */]);

/** Frames through a file descriptor. */
export interface FdDevice extends FrameDevice {
  /** For handing it to another process ({@link sendFds}). */
  readonly fd: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Frames that the kernel did not take (interface down, queue full): lost, as on a wire. */
  readonly dropped: number;
}

/** Shared by all devices: a frame is valid only until its receiver returns. */
const buffer = new Uint8Array(FRAME_MAX);

/** A non-blocking descriptor of which each read and write is one frame; closed with the device. */
export class FdFrameDevice implements FdDevice {
  readonly fd: number;
  readonly name: string;
  framesIn = 0;
  framesOut = 0;
  dropped = 0;
  readonly #readMac: () => string;
  readonly #poller: Poller;
  #receive: ((frame: Uint8Array) => void) | undefined;
  #open = true;

  constructor(fd: number, name: string, readMac: () => string, poller: Poller) {
    this.fd = fd;
    this.name = name;
    this.#readMac = readMac;
    this.#poller = poller;
  }

  /** Asked each time: whoever owns the interface may set it after the device was opened. */
  get mac(): string {
    return this.#readMac();
  }

  write(frame: Uint8Array): void {
    if (this.#open && libc().write(this.fd, frame, frame.length) === frame.length) this.framesOut++;
    else this.dropped++;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    const first = this.#receive === undefined;
    this.#receive = receive;
    if (first && this.#open) this.#poller.add(this.fd, this.#read);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.fd);
    closeInBackground(this.fd);
  }

  readonly #read = (): void => {
    const { read } = libc();
    for (let count = 0; count < BATCH && this.#open; count++) {
      const length = read(this.fd, buffer, FRAME_MAX);
      if (length < 0) {
        // Others pass: nothing to read, a signal, the interface of a packet socket going down.
        if (DEAD.has(lastErrno())) this.#poller.remove(this.fd);
        return;
      }
      this.framesIn++;
      this.#receive!(buffer.subarray(0, length));
    }
  };
}

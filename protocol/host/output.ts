import type { QuotedPacket } from '../icmp/error.ts';

/** What an emulated host says when something was given to it. Byte fields are its own copies. */
export type HostOutput =
  /** Send this Ethernet frame. */
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  | {
      readonly kind: 'echo-reply';
      readonly from: number;
      readonly identifier: number;
      readonly sequence: number;
      readonly timeToLive: number;
      /** Length of the ICMP message, as ping prints it. */
      readonly bytes: number;
      /** What came back of the request's data. */
      readonly data: Uint8Array;
    }
  /** An error about a packet of this host; `from` is its own address where it could not reach its gateway. */
  | {
      readonly kind: 'icmp-error';
      readonly from: number;
      readonly type: number;
      readonly code: number;
      /** Next-hop MTU of "fragmentation needed", else 0. */
      readonly mtu: number;
      readonly quoted: QuotedPacket;
    }
  /** A UDP datagram for a port that was opened. */
  | {
      readonly kind: 'datagram';
      readonly from: number;
      readonly fromPort: number;
      readonly port: number;
      readonly data: Uint8Array;
    }
  /** A packet that may not be fragmented exceeds what the path carries; it was not sent (EMSGSIZE). */
  | { readonly kind: 'too-big'; readonly destination: number; readonly length: number; readonly mtu: number };

/** Peer Down, RFC 7854 §4.9 and RFC 9069 §5.6: the per-peer header, 1 octet Reason, and what the reason goes with. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { NOTIFICATION } from '../bgp/message/header.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { expectEnd, readBgpPdu } from './bgp-pdu.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, readPeerHeader, writePeerHeader } from './peer-header.ts';
import { readTlvs, type Tlv, writeTlvs } from './tlv.ts';
import {
  LOCAL_NO_NOTIFICATION,
  LOCAL_NOTIFICATION,
  LOCAL_TLV,
  PEER_DECONFIGURED,
  PEER_DOWN,
  REMOTE_NO_NOTIFICATION,
  REMOTE_NOTIFICATION,
} from './types.ts';

/** Why a session ended. */
export type DownCause =
  /** We (1) or the peer (3) closed it with this whole NOTIFICATION. */
  | { readonly reason: 1 | 3; readonly notification: Uint8Array }
  /** We closed it without one: number of the event in RFC 4271 §8.1, 0 where none fits. */
  | { readonly reason: 2; readonly fsmEvent: number }
  /** The peer closed it without one (4), or it is only not reported any more (5). */
  | { readonly reason: 4 | 5 }
  /** A Loc-RIB goes (RFC 9069 §5.6). */
  | { readonly reason: 6; readonly information: readonly Tlv[] }
  /** A reason that is not known here. */
  | { readonly reason: 'other'; readonly code: number; readonly data: Uint8Array };

export interface PeerDown {
  readonly kind: 'peer-down';
  readonly peer: PeerHeader;
  readonly cause: DownCause;
}

/** Reads what follows the common header. @throws DecodeError. */
export function readPeerDown(cursor: Cursor): PeerDown {
  const peer = readPeerHeader(cursor);
  const cause = readCause(cursor);
  expectEnd(cursor, 'reason');
  return { kind: 'peer-down', peer, cause };
}

function readCause(cursor: Cursor): DownCause {
  const code = cursor.uint8('reason');
  switch (code) {
    case LOCAL_NOTIFICATION:
    case REMOTE_NOTIFICATION:
      return { reason: code, notification: readBgpPdu(cursor, 'NOTIFICATION', NOTIFICATION) };
    case LOCAL_NO_NOTIFICATION:
      return { reason: code, fsmEvent: cursor.uint16('FSM event') };
    case REMOTE_NO_NOTIFICATION:
    case PEER_DECONFIGURED:
      return { reason: code };
    case LOCAL_TLV:
      return { reason: code, information: readTlvs(cursor) };
    default:
      return { reason: 'other', code, data: cursor.take(cursor.left, 'data') };
  }
}

/** The number of a cause. */
export function reasonCode(cause: DownCause): number {
  return cause.reason === 'other' ? cause.code : cause.reason;
}

/** Appends a whole message. */
export function writePeerDown(writer: ByteWriter, { peer, cause }: Omit<PeerDown, 'kind'>): void {
  const start = beginMessage(writer, PEER_DOWN);
  writePeerHeader(writer, peer);
  writer.uint8(reasonCode(cause));
  switch (cause.reason) {
    case LOCAL_NOTIFICATION:
    case REMOTE_NOTIFICATION:
      writer.append(cause.notification);
      break;
    case LOCAL_NO_NOTIFICATION:
      writer.uint16(cause.fsmEvent);
      break;
    case LOCAL_TLV:
      writeTlvs(writer, cause.information);
      break;
    case 'other':
      writer.append(cause.data);
      break;
    default:
  }
  endMessage(writer, start);
}

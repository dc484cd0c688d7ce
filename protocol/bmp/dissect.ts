/** A whole BMP message as a tree of fields with byte ranges, for people. */
import { readUint16, readUint32 } from '../bgp/byte-writer.ts';
import { type Field, group, leaf, opaque, rest } from '../bgp/dissect/field.ts';
import { dissectMessage } from '../bgp/dissect/message.ts';
import { familyText } from '../bgp/family.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { toHex } from '../bytes/hex.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { formatAddress } from '../ip/prefix.ts';
import { HEADER_LENGTH } from './header.ts';
import { type BmpMessage, decodeBmp } from './message.ts';
import { reasonCode } from './peer-down.ts';
import { type BmpRib, PEER_HEADER_LENGTH, type PeerHeader, ribOf } from './peer-header.ts';
import type { BmpPeers } from './peers.ts';
import { statisticName } from './statistics.ts';
import type { Tlv } from './tlv.ts';
import {
  downReasonName,
  INITIATION,
  MIRROR_INFORMATION,
  MIRRORED_MESSAGE,
  messageTypeName,
  mirrorCodeName,
  peerTypeName,
  STRING,
  SYS_DESCR,
  SYS_NAME,
  TERMINATION_REASON,
  terminationReasonName,
  VRF_TABLE_NAME,
} from './types.ts';

const RIBS: Readonly<Record<BmpRib, string>> = {
  'adj-rib-in-pre': 'Adj-RIB-In, pre-policy',
  'adj-rib-in-post': 'Adj-RIB-In, post-policy',
  'adj-rib-out-pre': 'Adj-RIB-Out, pre-policy',
  'adj-rib-out-post': 'Adj-RIB-Out, post-policy',
  'loc-rib': 'Loc-RIB',
};

/**
 * The message in `bytes`, header to end, whatever stands behind the header: what makes no sense is there as undecoded
 * octets with what is wrong. BGP messages in it are taken apart as well, offsets counting from the BMP header.
 * @param peers who is up, for path identifiers.
 */
export function dissectBmp(bytes: Uint8Array, peers: BmpPeers): Field {
  const type = bytes[HEADER_LENGTH - 1] ?? INITIATION;
  const name = messageTypeName(type);
  if (bytes.length < HEADER_LENGTH) return group(name, 0, bytes.length, rest(bytes, 0, 0));
  const header = group('header', 0, HEADER_LENGTH, [
    leaf('version', 0, 1, bytes[0]!),
    leaf('length', 1, 4, readUint32(bytes, 1)),
    leaf('type', 5, 1, type, name),
  ]);
  try {
    const message = decodeBmp(bytes);
    const fields = message === undefined ? rest(bytes, HEADER_LENGTH, 0) : bodyFields(message, bytes, peers);
    return group(name, 0, bytes.length, [header, ...fields]);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const field = group(name, 0, bytes.length, [header, ...rest(bytes, HEADER_LENGTH, 0)]);
    return { ...field, error: { outcome: 'none', reason: error.message, rfc: 'RFC 7854 §4' } };
  }
}

function bodyFields(message: BmpMessage, bytes: Uint8Array, peers: BmpPeers): Field[] {
  switch (message.kind) {
    case 'initiation':
    case 'termination':
      return tlvFields(message.information, bytes, message.kind);
    default:
  }
  const { peer } = message;
  const fields = [peerField(peer, bytes, HEADER_LENGTH)];
  const at = HEADER_LENGTH + PEER_HEADER_LENGTH;
  const bgp = (pdu: Uint8Array): Field =>
    shifted(dissectMessage(pdu, peers.context(peer)), pdu.byteOffset - bytes.byteOffset);
  switch (message.kind) {
    case 'route-monitoring':
      fields.push(bgp(message.update));
      break;
    case 'peer-up':
      fields.push(
        leaf('local address', at, 16, formatAddress(message.localAddress)),
        leaf('local port', at + 16, 2, message.localPort),
        leaf('remote port', at + 18, 2, message.remotePort),
        bgp(message.sentOpen),
        bgp(message.receivedOpen),
        ...tlvFields(message.information, bytes, message.kind),
      );
      break;
    case 'peer-down': {
      const { cause } = message;
      const code = reasonCode(cause);
      fields.push(leaf('reason', at, 1, code, downReasonName(code)));
      if ('notification' in cause) fields.push(bgp(cause.notification));
      else if ('fsmEvent' in cause) fields.push(leaf('FSM event', at + 1, 2, cause.fsmEvent));
      else if ('information' in cause) fields.push(...tlvFields(cause.information, bytes, message.kind));
      else fields.push(...rest(bytes, at + 1, 0));
      break;
    }
    case 'statistics-report':
      fields.push(...statisticFields(bytes, at));
      break;
    case 'route-mirroring':
      fields.push(...tlvFields(message.items, bytes, message.kind, bgp));
  }
  return fields;
}

/** The per-peer header at `at`. */
function peerField(peer: PeerHeader, bytes: Uint8Array, at: number): Field {
  const { peerType, distinguisher, address, asn, bgpId, seconds, microseconds } = peer;
  const time = new Date(seconds * 1000 + microseconds / 1000);
  return group('per-peer header', at, PEER_HEADER_LENGTH, [
    leaf('peer type', at, 1, peerType, peerTypeName(peerType)),
    leaf('flags', at + 1, 1, bytes[at + 1]!, RIBS[ribOf(peer)]),
    leaf('distinguisher', at + 2, 8, toHex(distinguisher)),
    leaf('address', at + 10, 16, formatAddress(address)),
    leaf('AS', at + 26, 4, asn),
    leaf('BGP ID', at + 30, 4, formatIpv4(bgpId)),
    leaf('seconds', at + 34, 4, seconds, seconds === 0 ? 'not known' : time.toISOString()),
    leaf('microseconds', at + 38, 4, microseconds),
  ]);
}

function statisticFields(bytes: Uint8Array, start: number): Field[] {
  const fields = [leaf('count', start, 4, readUint32(bytes, start))];
  for (let at = start + 4; at < bytes.length; ) {
    const type = readUint16(bytes, at);
    const length = readUint16(bytes, at + 2);
    const value = bytes.subarray(at + 4, at + 4 + length);
    const family =
      length === 11
        ? [
            leaf(
              'family',
              at + 4,
              3,
              toHex(value.subarray(0, 3)),
              familyText(readUint16(value, 0), value[2]!),
            ),
          ]
        : [];
    const number = value.subarray(family.length * 3);
    fields.push(
      group('statistic', at, 4 + length, [
        leaf('type', at, 2, type, statisticName(type)),
        leaf('length', at + 2, 2, length),
        ...family,
        number.length === 4 || number.length === 8
          ? leaf('value', at + 4 + length - number.length, number.length, numberText(number))
          : opaque('value', value, at + 4),
      ]),
    );
    at += 4 + length;
  }
  return fields;
}

/** An unsigned number as JSON has it: as text where it is too large for a number. */
function numberText(octets: Uint8Array): number | string {
  const value = octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
}

function tlvFields(
  tlvs: readonly Tlv[],
  bytes: Uint8Array,
  kind: BmpMessage['kind'],
  bgp?: (pdu: Uint8Array) => Field,
): Field[] {
  return tlvs.map(({ type, value }) => {
    const at = value.byteOffset - bytes.byteOffset - 4;
    const inner = valueField(kind, type, value, at + 4, bgp);
    return group('TLV', at, 4 + value.length, [
      leaf('type', at, 2, type, tlvName(kind, type)),
      leaf('length', at + 2, 2, value.length),
      ...(value.length === 0 ? [] : [inner]),
    ]);
  });
}

function valueField(
  kind: BmpMessage['kind'],
  type: number,
  value: Uint8Array,
  at: number,
  bgp?: (pdu: Uint8Array) => Field,
): Field {
  if (kind === 'route-mirroring') {
    if (type === MIRRORED_MESSAGE && bgp !== undefined) return bgp(value);
    if (type !== MIRROR_INFORMATION || value.length !== 2) return opaque('value', value, at);
    return leaf('code', at, 2, readUint16(value, 0), mirrorCodeName(readUint16(value, 0)));
  }
  if (kind === 'termination' && type === TERMINATION_REASON && value.length === 2) {
    return leaf('reason', at, 2, readUint16(value, 0), terminationReasonName(readUint16(value, 0)));
  }
  if (tlvName(kind, type) === 'unknown') return opaque('value', value, at);
  return leaf('text', at, value.length, new TextDecoder().decode(value));
}

const INFORMATION: Readonly<Record<number, string>> = {
  [STRING]: 'String',
  [SYS_DESCR]: 'sysDescr',
  [SYS_NAME]: 'sysName',
  [VRF_TABLE_NAME]: 'VRF/Table Name',
};

function tlvName(kind: BmpMessage['kind'], type: number): string {
  if (kind === 'route-mirroring') {
    return type === MIRRORED_MESSAGE
      ? 'BGP message'
      : type === MIRROR_INFORMATION
        ? 'information'
        : 'unknown';
  }
  if (kind === 'termination' && type === TERMINATION_REASON) return 'reason';
  return INFORMATION[type] ?? 'unknown';
}

/** A tree whose offsets count from `by` octets earlier. */
function shifted(field: Field, by: number): Field {
  const { children } = field;
  const moved = { ...field, offset: field.offset + by };
  return children === undefined ? moved : { ...moved, children: children.map((child) => shifted(child, by)) };
}

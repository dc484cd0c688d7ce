/** Messages on one line each, as a person reads them in the record of a test. */

import { describeNotification } from '../../../../protocol/bgp/message/notification.ts';
import { readUint16, readUint32 } from '../../../../protocol/bytes/uint.ts';
import { formatIpv4 } from '../../../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../../../protocol/ip/prefix.ts';
import { AS_SEQUENCE, MP_REACH, MP_UNREACH, type Segment } from './attributes.ts';
import { hex } from './bytes.ts';
import {
  pathOctets,
  type ReadAttribute,
  type ReadBody,
  type ReadCapability,
  type ReadContext,
  type ReadNlri,
  type ReadOpen,
  type ReadUpdate,
  readMessage,
  readPath,
} from './read.ts';

/** Longest run of octets that is shown whole. */
const MAX_OCTETS = 24;
/** Most prefixes that are shown. */
const MAX_PREFIXES = 6;

/** One line for one message, whole or not, well-formed or not. */
export function describeMessage(octets: Uint8Array, context: ReadContext): string {
  const fault = headerFault(octets);
  if (fault !== undefined) return `${fault}: ${octetsText(octets)}`;
  return describeBody(readMessage(octets, context), octets, context);
}

/** One line for a message that was read already. */
export function describeBody(body: ReadBody, octets: Uint8Array, context: ReadContext): string {
  switch (body.kind) {
    case 'open':
      return describeOpen(body);
    case 'update':
      return describeUpdate(body, context);
    case 'notification':
      return `NOTIFICATION ${describeNotification(body)}${dataText(body.data)}`;
    case 'keepalive':
      return 'KEEPALIVE';
    case 'route-refresh':
      return `ROUTE-REFRESH ${family(body.afi, body.safi)} ${REFRESH[body.subtype] ?? `subtype ${body.subtype}`}`;
    case 'unreadable':
      return `${TYPES[octets[18]!] ?? 'message'} (${body.reason}): ${octetsText(octets.subarray(19))}`;
  }
}

const TYPES = [undefined, 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'ROUTE-REFRESH'];
const REFRESH = ['request', 'begin (BoRR)', 'end (EoRR)'];

function headerFault(octets: Uint8Array): string | undefined {
  if (octets.length < 19) return `${octets.length} octets`;
  if (octets.subarray(0, 16).some((octet) => octet !== 0xff)) return 'message with a bad marker';
  const length = readUint16(octets, 16);
  if (length === octets.length) return undefined;
  return `${TYPES[octets[18]!] ?? `type ${octets[18]}`} of ${octets.length} octets whose length says ${length}`;
}

function octetsText(octets: Uint8Array): string {
  const shown = hex(octets.subarray(0, MAX_OCTETS));
  return octets.length > MAX_OCTETS ? `${shown}... (${octets.length} octets)` : shown;
}

function dataText(data: Uint8Array): string {
  return data.length === 0 ? '' : ` data ${octetsText(data)}`;
}

/** `"ipv4-unicast"`, else `"AFI 25 SAFI 70"`. */
export function family(afi: number, safi: number): string {
  if (safi === 1 && afi === 1) return 'ipv4-unicast';
  if (safi === 1 && afi === 2) return 'ipv6-unicast';
  if (safi === 70 && afi === 25) return 'l2vpn-evpn';
  return `AFI ${afi} SAFI ${safi}`;
}

function describeOpen(open: ReadOpen): string {
  const head = `OPEN v${open.version} AS ${open.myAs} hold ${open.holdTime} id ${formatIpv4(open.bgpId)}`;
  const list = open.capabilities.map(capabilityText);
  return `${head}${open.extended ? ' (RFC 9072 form)' : ''}${list.length === 0 ? '' : ` [${list.join(', ')}]`}`;
}

const CAPABILITIES: Readonly<Record<number, string>> = {
  2: 'route-refresh',
  5: 'extended-next-hop',
  6: 'extended-message',
  9: 'role',
  64: 'graceful-restart',
  65: 'as4',
  69: 'add-path',
  70: 'enhanced-refresh',
  71: 'llgr',
  73: 'fqdn',
  75: 'software-version',
};

function capabilityText({ code, value }: ReadCapability): string {
  if (code === 1 && value.length === 4) return family(readUint16(value, 0), value[3]!);
  if (code === 65 && value.length === 4) return `as4 ${readUint32(value, 0)}`;
  const name = CAPABILITIES[code] ?? `capability ${code}`;
  return value.length === 0 ? name : `${name} ${octetsText(value)}`;
}

function describeUpdate(update: ReadUpdate, context: ReadContext): string {
  if (update.endOfRib !== undefined) {
    return `UPDATE End-of-RIB ${family(update.endOfRib.afi, update.endOfRib.safi)}`;
  }
  const parts = ['UPDATE'];
  if (update.announced.length > 0) parts.push(prefixesText(update.announced));
  if (update.withdrawn.length > 0) parts.push(`withdraw ${prefixesText(update.withdrawn)}`);
  parts.push(...update.attributes.map((attribute) => attributeText(attribute, context)));
  return parts.join(' ');
}

function prefixesText(list: readonly ReadNlri[]): string {
  const shown = list
    .slice(0, MAX_PREFIXES)
    .map(({ prefix, pathId }) => (pathId === undefined ? prefix : `${prefix} (path ${pathId})`));
  const more = list.length > MAX_PREFIXES ? ` and ${list.length - MAX_PREFIXES} more` : '';
  return `${shown.join(' ')}${more}`;
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'ORIGIN',
  2: 'AS_PATH',
  3: 'NEXT_HOP',
  4: 'MED',
  5: 'LOCAL_PREF',
  6: 'ATOMIC_AGGREGATE',
  7: 'AGGREGATOR',
  8: 'COMMUNITIES',
  9: 'ORIGINATOR_ID',
  10: 'CLUSTER_LIST',
  14: 'MP_REACH',
  15: 'MP_UNREACH',
  16: 'EXTENDED_COMMUNITIES',
  17: 'AS4_PATH',
  18: 'AS4_AGGREGATOR',
  26: 'AIGP',
  32: 'LARGE_COMMUNITIES',
  35: 'OTC',
};

/** Name of an attribute type, `"attribute 99"` where it has none here. */
export function attributeName(type: number): string {
  return NAMES[type] ?? `attribute ${type}`;
}

function attributeText(attribute: ReadAttribute, context: ReadContext): string {
  const { flags, type, value } = attribute;
  return `${attributeName(type)}=${valueText(type, value, context)}${flags & 0x20 ? '(partial)' : ''}`;
}

function valueText(type: number, value: Uint8Array, context: ReadContext): string {
  const octets = pathOctets(type, context.asnOctets);
  if (octets !== undefined) return `"${pathText(readPath(value, octets))}"`;
  if (type === 1 && value.length === 1) return ['IGP', 'EGP', 'INCOMPLETE'][value[0]!] ?? String(value[0]);
  if ((type === 4 || type === 5) && value.length === 4) return String(readUint32(value, 0));
  if ((type === 3 || type === 9) && value.length === 4) return formatAddress(value);
  if (type === MP_REACH && value.length >= 4 + value[3]!) {
    return `${family(readUint16(value, 0), value[2]!)} via ${nextHopText(value.subarray(4, 4 + value[3]!))}`;
  }
  if (type === MP_UNREACH && value.length >= 3) return family(readUint16(value, 0), value[2]!);
  return octetsText(value);
}

function nextHopText(octets: Uint8Array): string {
  if (octets.length === 32)
    return `${formatAddress(octets.subarray(0, 16))}+${formatAddress(octets.subarray(16))}`;
  return octets.length === 4 || octets.length === 16 ? formatAddress(octets) : octetsText(octets);
}

/** `"65001 65002 {1 2}"`: sets in braces, confederation segments as `(...)` and `[...]`. */
export function pathText(segments: readonly Segment[]): string {
  return segments
    .map(({ type, asns }) => {
      if (type === AS_SEQUENCE) return asns.join(' ');
      const [before, after] = ({ 1: '{}', 3: '()', 4: '[]' } as Record<number, string>)[type] ?? '??';
      return `${before}${asns.join(' ')}${after}`;
    })
    .join(' ');
}

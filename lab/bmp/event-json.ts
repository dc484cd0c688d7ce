/** What a BMP station sees as JSON, one object per line (docs/bmp.md). */
import type { BmpRouter, StationEvent } from '../../agents/bmp/station.ts';
import { capabilityText } from '../../protocol/bgp/capability/capability.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { familyText } from '../../protocol/bgp/family.ts';
import { decodeNotification, describeNotification } from '../../protocol/bgp/message/notification.ts';
import { decodeOpen, type OpenMessage } from '../../protocol/bgp/message/open.ts';
import type { BmpMessage } from '../../protocol/bmp/message.ts';
import { type DownCause, reasonCode } from '../../protocol/bmp/peer-down.ts';
import { type PeerHeader, ribOf } from '../../protocol/bmp/peer-header.ts';
import type { PeerUp } from '../../protocol/bmp/peer-up.ts';
import { monitoredUpdate } from '../../protocol/bmp/routes.ts';
import { type Statistic, statisticName } from '../../protocol/bmp/statistics.ts';
import { terminationReason } from '../../protocol/bmp/termination.ts';
import { type Tlv, tlvText } from '../../protocol/bmp/tlv.ts';
import {
  downReasonName,
  LOC_RIB_PEER,
  MIRRORED_MESSAGE,
  peerTypeName,
  STRING,
  SYS_DESCR,
  SYS_NAME,
  terminationReasonName,
  VRF_TABLE_NAME,
} from '../../protocol/bmp/types.ts';
import { toHex } from '../../protocol/bytes/hex.ts';
import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import type { EventObject, OpenFields, StatisticFields } from './event-object.ts';

/**
 * The objects of one event: several where a message has several routes.
 * @throws DecodeError where an UPDATE cannot be read.
 */
export function eventObjects(router: BmpRouter, event: StationEvent): EventObject[] {
  switch (event.kind) {
    case 'connected':
      return [{ event: 'connected' }];
    case 'closed':
      return [
        {
          event: 'closed',
          ...(event.error === undefined ? {} : { error: event.error }),
          ...(event.unread === 0 ? {} : { unread: event.unread }),
        },
      ];
    case 'unknown':
      return [{ event: 'unknown', type: event.type, length: event.length }];
    case 'malformed':
      return [{ event: 'malformed', reason: event.reason }];
    case 'message':
      return messageObjects(router, event.message, event.offset - event.bytes.byteOffset);
  }
}

/** @param shift from octets of the buffer to octets of the stream, for errors. */
function messageObjects(router: BmpRouter, message: BmpMessage, shift: number): EventObject[] {
  switch (message.kind) {
    case 'initiation':
      return [
        {
          event: 'initiation',
          sysName: tlvText(message.information, SYS_NAME),
          sysDescr: tlvText(message.information, SYS_DESCR),
          text: textsOf(message.information),
        },
      ];
    case 'termination': {
      const reason = terminationReason(message);
      const name = reason === undefined ? undefined : terminationReasonName(reason);
      return [{ event: 'termination', reason: name, text: textsOf(message.information) }];
    }
    case 'peer-up':
      return [peerUpObject(message)];
    case 'peer-down':
      return [{ event: 'peer-down', ...peerFields(message.peer), ...causeFields(message.cause) }];
    case 'statistics-report':
      return [
        {
          event: 'statistics',
          ...peerFields(message.peer),
          statistics: message.statistics.map(statisticFields),
        },
      ];
    case 'route-monitoring':
      return routeObjects(router, message, shift);
    case 'route-mirroring':
      return [
        {
          event: 'route-mirroring',
          ...peerFields(message.peer),
          messages: message.items
            .filter(({ type }) => type === MIRRORED_MESSAGE)
            .map(({ value }) => toHex(value)),
        },
      ];
  }
}

function routeObjects(
  { peers }: BmpRouter,
  message: BmpMessage & { readonly kind: 'route-monitoring' },
  shift: number,
): EventObject[] {
  const base = shift + message.update.byteOffset;
  const { withdrawn, announced, endOfRib } = monitoredUpdate(message, peers, base);
  const common = { ...peerFields(message.peer), rib: ribOf(message.peer) };
  if (endOfRib !== undefined) return [{ event: 'end-of-rib', ...common, family: endOfRib }];
  return [
    ...withdrawn.map((route): EventObject => ({ event: 'withdraw', ...common, ...route })),
    ...announced.flatMap(({ routes, attributes }) =>
      routes.map((route): EventObject => ({ event: 'announce', ...common, ...route, ...attributes })),
    ),
  ];
}

/** Who a message is about, and since when it is so, if that is known. */
function peerFields(peer: PeerHeader): Pick<EventObject, 'peer' | 'timestamp'> {
  const { peerType, distinguisher, address, asn, bgpId, seconds, microseconds } = peer;
  const hasDistinguisher = distinguisher.some((octet) => octet !== 0);
  return {
    peer: {
      ...(peerType === LOC_RIB_PEER ? {} : { address: formatAddress(address) }),
      asn,
      routerId: formatIpv4(bgpId),
      type: peerTypeName(peerType),
      ...(hasDistinguisher ? { distinguisher: toHex(distinguisher) } : {}),
    },
    ...(seconds === 0 && microseconds === 0
      ? {}
      : { timestamp: Number(`${seconds}.${String(microseconds).padStart(6, '0')}`) }),
  };
}

function peerUpObject(up: PeerUp): EventObject {
  const received = openOf(up.receivedOpen);
  const sent = openOf(up.sentOpen);
  const locRib = up.peer.peerType === LOC_RIB_PEER;
  const table = tlvText(up.information, VRF_TABLE_NAME);
  return {
    event: 'peer-up',
    ...peerFields(up.peer),
    ...(locRib
      ? {}
      : {
          local: { address: formatAddress(up.localAddress), port: up.localPort },
          remotePort: up.remotePort,
        }),
    ...(table === undefined ? {} : { table }),
    ...(sent === undefined ? {} : { sent: openFields(sent) }),
    ...(received === undefined ? {} : { received: openFields(received) }),
  };
}

function openOf(bytes: Uint8Array): OpenMessage | undefined {
  try {
    return decodeOpen(bytes);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return undefined;
  }
}

function openFields({ holdTime, bgpId, myAs, capabilities }: OpenMessage): OpenFields {
  const asn = capabilities.find((capability) => capability.kind === 'four-octet-as')?.asn ?? myAs;
  const families = capabilities
    .filter((capability) => capability.kind === 'multiprotocol')
    .map(({ afi, safi }) => familyText(afi, safi));
  return {
    asn,
    routerId: formatIpv4(bgpId),
    holdTime,
    // RFC 4760 §8: a speaker that names no family carries IPv4 unicast.
    families: families.length === 0 ? ['ipv4-unicast'] : families,
    capabilities: capabilities.map(capabilityText),
  };
}

function causeFields(cause: DownCause): Pick<EventObject, 'reason' | 'notification' | 'fsmEvent'> {
  const reason = downReasonName(reasonCode(cause));
  if ('notification' in cause) {
    return { reason, notification: describeNotification(decodeNotification(cause.notification)) };
  }
  return 'fsmEvent' in cause ? { reason, fsmEvent: cause.fsmEvent } : { reason };
}

function statisticFields(statistic: Statistic): StatisticFields {
  const { type } = statistic;
  const value = statistic.kind === 'opaque' ? toHex(statistic.value) : Number(statistic.value);
  return {
    type,
    name: statisticName(type),
    ...(statistic.kind === 'family-gauge'
      ? { family: familyText(statistic.family.afi, statistic.family.safi) }
      : {}),
    value,
  };
}

function textsOf(information: readonly Tlv[]): readonly string[] | undefined {
  const texts = information.filter(({ type }) => type === STRING).map((tlv) => tlvText([tlv], STRING) ?? '');
  return texts.length === 0 ? undefined : texts;
}

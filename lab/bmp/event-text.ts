/** What a BMP station sees, one line each, for people. */
import type { BmpRib } from '../../protocol/bmp/peer-header.ts';
import type { Paint, Style } from '../cli/context.ts';
import type { EventObject, OpenFields } from './event-object.ts';

/** Tables in as few letters as tell them apart. */
const RIBS: Readonly<Record<BmpRib, string>> = {
  'adj-rib-in-pre': 'in-pre',
  'adj-rib-in-post': 'in-post',
  'adj-rib-out-pre': 'out-pre',
  'adj-rib-out-post': 'out-post',
  'loc-rib': 'loc-rib',
};

const STYLES: Readonly<Partial<Record<EventObject['event'], Style>>> = {
  'peer-up': 'green',
  'peer-down': 'red',
  announce: 'cyan',
  withdraw: 'yellow',
  malformed: 'red',
  termination: 'red',
};

const WORDS: Readonly<Partial<Record<EventObject['event'], string>>> = { announce: '+', withdraw: '-' };

/** A line without time, router and line end. */
export function eventText(object: EventObject, paint: Paint): string {
  const { event } = object;
  const word = (WORDS[event] ?? event).padEnd(event in WORDS ? 1 : 11);
  const style = STYLES[event];
  const detail = detailOf(object);
  return `${style === undefined ? word : paint(style, word)}${detail === '' ? '' : ` ${detail}`}`.trimEnd();
}

function detailOf(object: EventObject): string {
  switch (object.event) {
    case 'connected':
      return '';
    case 'closed':
      return closedText(object);
    case 'initiation':
      return [object.sysName, object.sysDescr, ...(object.text ?? [])].filter(Boolean).join(', ');
    case 'termination':
      return [object.reason, ...(object.text ?? [])].filter(Boolean).join(', ');
    case 'peer-up':
      return upText(object);
    case 'peer-down':
      return `${peerText(object)}: ${downText(object)}`;
    case 'announce':
      return `${placeText(object)} ${object.prefix} ${attributesText(object)}`;
    case 'withdraw':
      return `${placeText(object)} ${object.prefix}`;
    case 'end-of-rib':
      return `${placeText(object)} ${object.family}`;
    case 'statistics':
      return `${peerText(object)}: ${statisticsText(object)}`;
    case 'route-mirroring':
      return `${peerText(object)}: ${object.messages!.length} BGP messages`;
    case 'unknown':
      return `message type ${object.type}, ${object.length} octets`;
    case 'malformed':
      return object.reason!;
  }
}

function closedText({ error, unread }: EventObject): string {
  const rest = unread === undefined ? undefined : `in the middle of a message, ${unread} octets of it`;
  return [error, rest].filter(Boolean).join(', ');
}

function peerText({ peer }: EventObject): string {
  const { address, asn } = peer!;
  return address === undefined ? `Loc-RIB of AS ${asn}` : `${address} AS ${asn}`;
}

function placeText(object: EventObject): string {
  const { rib, peer, pathId } = object;
  const path = pathId === undefined ? '' : ` path ${pathId}`;
  return `${RIBS[rib!]} ${peer!.address ?? `AS ${peer!.asn}`}${path}`;
}

function upText(object: EventObject): string {
  const { local, remotePort, received, sent, peer, table } = object;
  const parts = [`${peerText(object)} id ${peer!.routerId}`];
  if (table !== undefined) parts.push(`table ${table}`);
  if (local !== undefined) parts.push(`port ${remotePort} to ${endpoint(local)}`);
  if (local !== undefined && sent !== undefined && received !== undefined) {
    parts.push(`hold time ${Math.min(sent.holdTime, received.holdTime)} s`, familiesText(sent, received));
  }
  return parts.join(', ');
}

/** What both can do. */
function familiesText(sent: OpenFields, received: OpenFields): string {
  const families = sent.families.filter((family) => received.families.includes(family));
  return families.length === 0 ? 'no common family' : families.join(' ');
}

function downText({ reason, notification, fsmEvent }: EventObject): string {
  if (notification !== undefined) return `${reason}, ${notification}`;
  return fsmEvent === undefined ? reason! : `${reason}, FSM event ${fsmEvent}`;
}

function attributesText(object: EventObject): string {
  const { nextHop, asPath, origin, localPref, med, communities = [], faults } = object;
  return [
    ...(nextHop ? [`via ${nextHop}`] : []),
    ...(asPath === null || asPath === undefined ? [] : [asPath === '' ? 'path empty' : `path ${asPath}`]),
    ...(origin ? [origin] : []),
    ...(localPref === undefined ? [] : [`localpref ${localPref}`]),
    ...(med === undefined ? [] : [`med ${med}`]),
    ...(communities.length === 0 ? [] : [`communities ${communities.join(' ')}`]),
    ...(faults === undefined ? [] : [`(${faults.join('; ')})`]),
  ].join(' ');
}

/** Zeros say nothing, but for what is always told. */
function statisticsText({ statistics = [] }: EventObject): string {
  const told = statistics.filter(({ value, family }) => value !== 0 && family === undefined);
  const perFamily = statistics.filter(({ value, family }) => value !== 0 && family !== undefined);
  const texts = [
    ...told.map(({ name, value }) => `${value} ${name}`),
    ...perFamily.map(({ name, value, family }) => `${value} ${family} ${name}`),
  ];
  return texts.length === 0 ? 'nothing but zeros' : texts.join(', ');
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

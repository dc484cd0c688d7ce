// Valid messages of every kind that mutations start from: made by the encoders, and captured from other speakers.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PathAttributes } from '../../protocol/bgp/attribute/table.ts';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { type Capability, encodeCapability } from '../../protocol/bgp/capability/capability.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { OPEN, UPDATE } from '../../protocol/bgp/message/header.ts';
import { encodeNotification } from '../../protocol/bgp/message/notification.ts';
import {
  encodePrefixLimit,
  encodeShutdownCommunication,
  hardReset,
} from '../../protocol/bgp/message/notification-data.ts';
import { encodeOpen } from '../../protocol/bgp/message/open.ts';
import { encodeRouteRefresh } from '../../protocol/bgp/message/route-refresh.ts';
import { encodeUpdate } from '../../protocol/bgp/message/update.ts';
import { fromHex } from '../../protocol/bytes/hex.ts';
import { SAMPLES } from '../unit/bgp/attribute-bytes.ts';
import {
  BIRD_OPEN,
  BIRD_UPDATE,
  END_OF_RIB,
  END_OF_RIB_IPV6,
  FRR_OPEN,
  FRR_UPDATE,
  FRR_UPDATE_IPV6,
  GOBGP_OPEN,
  KEEPALIVE,
} from '../unit/bgp/golden.ts';
import { EVPN_SAMPLES, LONG_FLOWSPEC, NLRI_SAMPLES } from '../unit/bgp/nlri-bytes.ts';
import { joined } from './mutate.ts';
import { attributeOf, type Pool } from './mutate-message.ts';

export const ALL_FAMILIES: readonly Family[] = Object.keys(FAMILIES) as Family[];

const NONE: Uint8Array = new Uint8Array(0);
const IPV4 = { afi: 1, safi: 1 };
const IPV6 = { afi: 2, safi: 1 };
const PATH_ID = Uint8Array.of(0, 0, 0, 7);

/** One of every kind, and one unknown. */
export const CAPABILITIES: readonly Capability[] = [
  { kind: 'multiprotocol', ...IPV4 },
  { kind: 'multiprotocol', ...IPV6 },
  { kind: 'multiprotocol', afi: 25, safi: 70 },
  { kind: 'route-refresh' },
  { kind: 'route-refresh-cisco' },
  { kind: 'extended-message' },
  { kind: 'enhanced-route-refresh' },
  { kind: 'four-octet-as', asn: 64513 },
  { kind: 'extended-next-hop', families: [{ ...IPV4, nextHopAfi: 2 }] },
  { kind: 'add-path', families: [{ ...IPV4, sendReceive: 3 }] },
  {
    kind: 'graceful-restart',
    restarting: false,
    notification: true,
    restartTime: 120,
    families: [{ ...IPV4, forwarding: true }],
  },
  {
    kind: 'long-lived-graceful-restart',
    families: [{ ...IPV4, forwarding: true, staleTime: 3600 }],
  },
  { kind: 'role', role: 3 },
  { kind: 'fqdn', hostName: 'fuzz', domainName: 'example' },
  { kind: 'software-version', version: 'fuzz 1.0' },
  { kind: 'paths-limit', families: [{ ...IPV4, limit: 4 }] },
  { kind: 'multiple-labels', families: [{ afi: 1, safi: 4, count: 3 }] },
  {
    kind: 'outbound-route-filtering',
    families: [{ ...IPV4, types: [{ type: 64, sendReceive: 3 }] }],
  } as Capability,
  { kind: 'unknown', code: 200, value: Uint8Array.of(1, 2, 3) },
];

const OPEN_FIELDS = { version: 4, myAs: 64513, holdTime: 90, bgpId: 0x0a000002 };

function opens(): Uint8Array[] {
  const all = { ...OPEN_FIELDS, capabilities: CAPABILITIES };
  return [
    ...CAPABILITIES.map((capability) => encodeOpen({ ...OPEN_FIELDS, capabilities: [capability] })),
    encodeOpen({ ...OPEN_FIELDS, capabilities: [] }),
    encodeOpen(all),
    encodeOpen(all, { perParameter: 1 }),
    encodeOpen(all, { perParameter: 2, extended: true }),
    BIRD_OPEN,
    FRR_OPEN,
    GOBGP_OPEN,
  ];
}

function notifications(): Uint8Array[] {
  const shutdown = { code: 6, subcode: 2, data: encodeShutdownCommunication('back at noon, 再见') };
  const limit = { code: 6, subcode: 1, data: encodePrefixLimit({ ...IPV4, limit: 1000 }) };
  const role = new ByteWriter();
  encodeCapability({ kind: 'role', role: 1 }, role);
  return [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((code) => encodeNotification({ code, subcode: 1, data: NONE })),
    ...[shutdown, limit, hardReset(shutdown), hardReset(limit)].map(encodeNotification),
    encodeNotification({ code: 2, subcode: 1, data: Uint8Array.of(0, 4) }),
    encodeNotification({ code: 2, subcode: 7, data: role.finish() }),
    encodeNotification({ code: 3, subcode: 9, data: fromHex('800e030001010a') }),
  ];
}

function refreshes(): Uint8Array[] {
  const filters = fromHex('01 40 0008 00 00000001 18 0a0000');
  return [
    ...[0, 1, 2].map((subtype) => encodeRouteRefresh({ ...IPV4, subtype })),
    encodeRouteRefresh({ ...IPV6, subtype: 0 }),
    encodeRouteRefresh({ ...IPV4, subtype: 0, filters }),
  ];
}

const routes = [
  ...NLRI_SAMPLES,
  ...EVPN_SAMPLES,
  { family: 'ipv4-multicast' as const, hex: '1a 0a4c0200' },
  { family: 'ipv6-multicast' as const, hex: '40 20010db800780000' },
  { family: 'ipv4-flowspec' as const, hex: LONG_FLOWSPEC },
].map(({ family, hex }) => ({ family, nlri: fromHex(hex) }));

const nextHopOf: Readonly<Record<number, string>> = { 1: 'c0000201', 2: '20010db8000000000000000000000001' };
/** AFI and SAFI pairs whose next hop has a route distinguisher before it, and those without any next hop. */
const VPN_SAFI = 128;
const FLOWSPEC_SAFIS = [133, 134];

function nextHop(afi: number, safi: number): Uint8Array {
  if (FLOWSPEC_SAFIS.includes(safi)) return NONE;
  const address = fromHex(nextHopOf[afi] ?? 'c0000201');
  return safi === VPN_SAFI ? joined(new Uint8Array(8), address) : address;
}

const BASE = {
  origin: 0,
  asPath: [{ kind: 'sequence', asns: [64513, 4200000001] }],
} as const;
const IPV4_NLRI: Uint8Array = fromHex('18 0a0102 20 0a010203 00');

/** Every attribute alone beside what is mandatory, all at once, every family with and without path identifiers. */
function updates(): Uint8Array[] {
  const plain = { ...BASE, nextHop: Uint8Array.of(192, 0, 2, 1) };
  const list = [BIRD_UPDATE, FRR_UPDATE, FRR_UPDATE_IPV6, END_OF_RIB, END_OF_RIB_IPV6];
  for (const { value } of SAMPLES) {
    list.push(update({ ...plain, ...value }, IPV4_NLRI), update({ ...plain, ...value }, IPV4_NLRI, false));
  }
  const all = SAMPLES.filter(({ value }) => value.mpReach === undefined && value.mpUnreach === undefined);
  const others: PathAttributes = Object.assign({}, ...all.map(({ value }) => value));
  list.push(update({ ...plain, ...others }, IPV4_NLRI));
  list.push(update({ ...plain, unknown: [{ type: 99, flags: 0xe0, value: PATH_ID }] }, IPV4_NLRI));
  list.push(encodeUpdate({ withdrawn: IPV4_NLRI, attributes: {}, nlri: NONE }, { fourOctetAs: true }));
  list.push(
    encodeUpdate({ withdrawn: IPV4_NLRI, attributes: plain, nlri: IPV4_NLRI }, { fourOctetAs: true }),
  );
  list.push(update(plain, joined(PATH_ID, fromHex('180a0102'), PATH_ID, fromHex('180a0103'))));
  for (const family of ALL_FAMILIES) {
    const { afi, safi } = FAMILIES[family];
    const own = routes.filter((route) => route.family === family).map(({ nlri }) => nlri);
    for (const nlri of [joined(...own), joined(...own.flatMap((one) => [PATH_ID, one]))]) {
      list.push(
        update({ ...BASE, localPref: 100, mpReach: { afi, safi, nextHop: nextHop(afi, safi), nlri } }),
      );
      list.push(update({ mpUnreach: { afi, safi, nlri } }));
    }
  }
  return list;
}

function update(attributes: PathAttributes, nlri = NONE, fourOctetAs = true): Uint8Array {
  return encodeUpdate({ withdrawn: NONE, attributes, nlri }, { fourOctetAs });
}

/** Messages captured from real speakers, a line of hex each; `#` begins a comment. */
function corpus(): Uint8Array[] {
  const folder = join(import.meta.dirname, 'corpus');
  return readdirSync(folder)
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(fromHex);
}

/** Every message to start from. */
export const MESSAGES: readonly Uint8Array[] = [
  ...opens(),
  ...notifications(),
  ...refreshes(),
  ...updates(),
  KEEPALIVE,
  ...corpus(),
];

export const OPENS: readonly Uint8Array[] = MESSAGES.filter((bytes) => bytes[18] === OPEN);
export const UPDATES: readonly Uint8Array[] = MESSAGES.filter((bytes) => bytes[18] === UPDATE);

/** Routes of every family. */
export const ROUTES: readonly { readonly family: Family; readonly nlri: Uint8Array }[] = routes;

export const POOL: Pool = {
  messages: MESSAGES,
  routes: routes.map(({ nlri }) => nlri),
  attributes: [
    ...SAMPLES.map(({ bytes }) => fromHex(bytes)),
    attributeOf(0xc0, 17, fromHex('0202fa56ea01fc00fde8')),
    attributeOf(0xc0, 18, fromHex('fa56ea01c0000201')),
    attributeOf(0xc0, 200, PATH_ID),
    attributeOf(0x80, 201, PATH_ID),
  ],
  capabilities: CAPABILITIES.map((capability) => {
    const writer = new ByteWriter();
    encodeCapability(capability, writer);
    return writer.finish();
  }),
};

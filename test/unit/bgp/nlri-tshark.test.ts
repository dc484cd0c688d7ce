// What the NLRI codecs, OPEN, NOTIFICATION and ROUTE-REFRESH write, as Wireshark reads it.
import { expect, test } from 'vitest';
import { BASE_CONTEXT, type CodecContext } from '../../../protocol/bgp/context.ts';
import { FAMILIES, type Family } from '../../../protocol/bgp/family.ts';
import { encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import {
  encodePrefixLimit,
  encodeShutdownCommunication,
  hardReset,
} from '../../../protocol/bgp/message/notification-data.ts';
import { encodeOpen, type OpenMessage } from '../../../protocol/bgp/message/open.ts';
import { encodeRouteRefresh } from '../../../protocol/bgp/message/route-refresh.ts';
import { encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { fromHex } from '../../../protocol/bytes/hex.ts';
import { EVPN_SAMPLES, NLRI_SAMPLES } from './nlri-bytes.ts';
import { tsharkRead } from './tshark.ts';

const NONE = new Uint8Array(0);
const CONTEXT: CodecContext = { ...BASE_CONTEXT, fourOctetAs: true };

/** Octets of a next hop that each family may have. */
function nextHop(family: Family): Uint8Array {
  if (family.endsWith('flowspec')) return NONE;
  const address = fromHex(FAMILIES[family].bytes === 16 ? '20010db8000000000000000000000001' : '0a000001');
  return family.endsWith('-vpn') ? Uint8Array.of(...new Uint8Array(8), ...address) : address;
}

function announce(family: Family, nlri: Uint8Array): Uint8Array {
  const { afi, safi } = FAMILIES[family];
  const mpReach = { afi, safi, nextHop: nextHop(family), nlri };
  return encodeUpdate(
    { withdrawn: NONE, attributes: { origin: 0, asPath: [], localPref: 100, mpReach }, nlri: NONE },
    CONTEXT,
  );
}

function withdraw(family: Family, nlri: Uint8Array): Uint8Array {
  const { afi, safi } = FAMILIES[family];
  return encodeUpdate(
    { withdrawn: NONE, attributes: { mpUnreach: { afi, safi, nlri } }, nlri: NONE },
    CONTEXT,
  );
}

test('NLRI of every family is put together so that tshark finds nothing malformed', () => {
  // Wireshark 4.0 reads a prefix with an offset as drafts of RFC 8956 had it, with the octets before the offset.
  const samples = [...NLRI_SAMPLES, ...EVPN_SAMPLES].filter(({ from }) => from !== 'RFC 8956 §3.8.2');
  const messages = samples.flatMap(({ family, hex }) => {
    const codec = NLRI_CODECS[family];
    const nlri = fromHex(hex);
    const key = codec.key(nlri);
    return [announce(family, codec.join(key, codec.data(nlri))), withdraw(family, codec.join(key, NONE))];
  });
  const rows = tsharkRead(messages, ['bgp.update.path_attribute.mp_reach_nlri.afi']);
  for (const [i, { complaints }] of rows.entries()) {
    const { family, text } = samples[i >> 1]!;
    // Of a MAC/IP route without an IP address it says just that.
    const note = /^\[2\]:\[\d+\]:\[48\]:\[[\da-f:]+\] /.test(text) ? 'IP Address: NOT INCLUDED' : '';
    expect({ family, text, complaints }).toEqual({ family, text, complaints: note });
  }
});

test('EVPN routes made from text say to tshark what the text says', () => {
  const texts = [
    '[2]:[7]:[48]:[aa:bb:cc:00:00:02]:[32]:[10.100.0.7] RD 192.0.2.1:3 label 100/1000',
    '[3]:[0]:[32]:[192.0.2.1] RD 65001:3',
    '[5]:[0]:[48]:[2001:db8:77::] RD 70000:1 label 1000 gateway 2001:db8::1',
  ];
  const names = {
    type: 'bgp.evpn.nlri.rt',
    rd: 'bgp.rd',
    tag: 'bgp.evpn.nlri.etag',
    mac: 'bgp.evpn.nlri.mac_addr',
    ip: 'bgp.evpn.nlri.ip.addr',
    ipv6: 'bgp.evpn.nlri.ipv6.addr',
    prefix: 'bgp.evpn.nlri.prefix_len',
  };
  const codec = NLRI_CODECS['l2vpn-evpn'];
  const rows = tsharkRead(
    texts.map((text) => announce('l2vpn-evpn', codec.parse!(text))),
    Object.values(names),
  );
  const values = rows.map(({ fields }) =>
    Object.fromEntries(Object.entries(names).map(([name, field]) => [name, fields[field]!])),
  );
  expect(values).toMatchObject([
    { type: '2', tag: '7', mac: 'aa:bb:cc:00:00:02', ip: '10.100.0.7' },
    { type: '3', tag: '0', ip: '192.0.2.1' },
    { type: '5', tag: '0' },
  ]);
  expect(values[2]!.ipv6).toContain('2001:db8:77::');
  expect(rows.map(({ complaints }) => complaints)).toEqual(['', '', '']);
});

const OPEN: Omit<OpenMessage, 'kind'> = {
  version: 4,
  myAs: 23456,
  holdTime: 90,
  bgpId: 0xc0000201,
  capabilities: [
    { kind: 'multiprotocol', afi: 1, safi: 1 },
    { kind: 'multiprotocol', afi: 25, safi: 70 },
    { kind: 'route-refresh' },
    { kind: 'extended-next-hop', families: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
    { kind: 'extended-message' },
    { kind: 'role', role: 3 },
    {
      kind: 'graceful-restart',
      restarting: true,
      notification: true,
      restartTime: 120,
      families: [{ afi: 1, safi: 1, forwarding: true }],
    },
    { kind: 'four-octet-as', asn: 4200000001 },
    { kind: 'add-path', families: [{ afi: 1, safi: 1, sendReceive: 3 }] },
    { kind: 'enhanced-route-refresh' },
    {
      kind: 'long-lived-graceful-restart',
      families: [{ afi: 1, safi: 1, forwarding: false, staleTime: 86400 }],
    },
    { kind: 'fqdn', hostName: 'node-1', domainName: 'example' },
    { kind: 'software-version', version: 'podwire 1' },
  ],
};

test('OPEN with every capability, in one parameter, one each, or the extended form', () => {
  const rows = tsharkRead(
    [encodeOpen(OPEN), encodeOpen(OPEN, { perParameter: 1 }), encodeOpen(OPEN, { extended: true })],
    ['bgp.cap.type', 'bgp.cap.4as', 'bgp.cap.gr.timers.restart_time', 'bgp.cap.orf.fqdn.hostname'],
  );
  const codes = '1,1,2,5,6,9,64,65,69,70,71,73,75';
  for (const { complaints, fields } of rows.slice(0, 2)) {
    expect(complaints).toBe('');
    expect(fields).toEqual({
      'bgp.cap.type': codes,
      'bgp.cap.4as': '4200000001',
      'bgp.cap.gr.timers.restart_time': '120',
      'bgp.cap.orf.fqdn.hostname': 'node-1',
    });
  }
  // tshark 4.0 does not know RFC 9072 yet; later ones read it as the others.
  expect(['', codes]).toContain(rows[2]!.fields['bgp.cap.type']);
});

test('NOTIFICATION and ROUTE-REFRESH', () => {
  const shutdown = { code: 6, subcode: 2, data: encodeShutdownCommunication('bye') };
  const rows = tsharkRead(
    [
      encodeNotification(shutdown),
      encodeNotification(hardReset(shutdown)),
      encodeNotification({ code: 6, subcode: 1, data: encodePrefixLimit({ afi: 1, safi: 1, limit: 9 }) }),
      encodeRouteRefresh({ afi: 25, subtype: 1, safi: 70 }),
    ],
    [
      'bgp.notify.major_error',
      'bgp.notify.minor_error_cease',
      'bgp.notify.communication',
      'bgp.route_refresh.safi',
    ],
  );
  expect(rows.map(({ complaints }) => complaints)).toEqual(['', '', '', '']);
  expect(rows.map(({ fields }) => Object.values(fields).join('|'))).toEqual([
    '6|2|bye|',
    '6|9||',
    '6|1||',
    '|||70',
  ]);
});

// Routes as Route Monitoring has them, from attribute sets that are given.
import { expect, test } from 'vitest';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import type { Family } from '../../../protocol/bgp/family.ts';
import { MonitoringWriter } from '../../../protocol/bmp/monitoring-writer.ts';
import { PEER_HEADER_LENGTH } from '../../../protocol/bmp/peer-header.ts';
import { LOC_RIB_PEER } from '../../../protocol/bmp/types.ts';

const HEADERS = 6 + PEER_HEADER_LENGTH;
/** Header and the two lengths of an UPDATE without withdrawals. */
const UPDATE_HEAD = 23;
const TIME = { seconds: 0, microseconds: 0 };

/** Attributes and NLRI fields of the UPDATE that tells of a route without a next hop. */
function announced(family: Family, nlri: string): string {
  const out = new ByteWriter(256);
  const peer = {
    peerType: LOC_RIB_PEER,
    flags: 0,
    distinguisher: new Uint8Array(8),
    address: new Uint8Array(4),
    asn: 65001,
    bgpId: 1,
    ...TIME,
  };
  const origin = Uint8Array.of(0x40, 1, 1, 0);
  const writer = new MonitoringWriter(out, peer, {
    attributes: () => origin,
    nextHop: () => new Uint8Array(0),
  });
  writer.announce(family, 1, Uint8Array.from(Buffer.from(nlri, 'hex')), undefined, TIME);
  writer.close();
  return Buffer.from(out.view().subarray(HEADERS + UPDATE_HEAD)).toString('hex');
}

test('a route without a next hop has 0.0.0.0 or ::', () => {
  expect(announced('ipv4-unicast', '180a0000')).toBe('40010100 400304 00000000 180a0000'.replaceAll(' ', ''));
  const zeros = '00'.repeat(16);
  expect(announced('ipv6-unicast', '2020010db8')).toBe(`900e001a00020110${zeros}002020010db840010100`);
});

test('a flow specification has none at all (RFC 8955 section 4)', () => {
  expect(announced('ipv4-flowspec', '0501180a0000')).toBe(
    '900e000b 000185 00 00 0501180a0000 40010100'.replaceAll(' ', ''),
  );
});

test('of a route of a VPN it has a route distinguisher before it (RFC 4364 section 4.3.2, RFC 4659 section 3.2.1)', () => {
  const ipv4 = `70 000101 0000fde800000001 0a0000`.replaceAll(' ', '');
  expect(announced('ipv4-vpn', ipv4)).toMatch(
    new RegExp(`^90 0e .{4} 000180 0c (00){12} 00 ${ipv4}`.replaceAll(' ', '')),
  );
  const ipv6 = `78 000101 0000fde800000001 20010db8`.replaceAll(' ', '');
  expect(announced('ipv6-vpn', ipv6)).toMatch(
    new RegExp(`^90 0e .{4} 000280 18 (00){24} 00 ${ipv6}`.replaceAll(' ', '')),
  );
});

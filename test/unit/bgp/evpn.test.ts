import { describe, expect, test } from 'vitest';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';

const codec = NLRI_CODECS['l2vpn-evpn'];
const NO_ROUTER_MAC = { routerMac: false };
const ZERO_ESI = '00000000000000000000';

/** A MAC/IP route from its ESI and labels. */
function macIp(esi: string, labels: string): Uint8Array {
  const length = (30 + 4 + fromHex(labels).length).toString(16);
  return fromHex(`02${length} 0000fde900000064 ${esi} 0000000a 30 aabbccddee04 20 0a000001 ${labels}`);
}

/** An IPv4 prefix route of 10.9.0.0/16 from what is not of its key. */
function ipPrefix(esi: string, gateway: string, label: string): Uint8Array {
  return fromHex(`0522 0000fde900000064 ${esi} 0000000a 10 0a090000 ${gateway} ${label}`);
}

describe('what tells EVPN routes apart', () => {
  test('is not ESI and labels of a MAC/IP route (RFC 7432 §7.2)', () => {
    const plain = macIp(ZERO_ESI, '000064');
    const other = macIp('050000fde80000006400', '0000c8 0003e8');
    expect(toHex(codec.key(other))).toBe(toHex(codec.key(plain)));
    expect(toHex(codec.data(other))).not.toBe(toHex(codec.data(plain)));
  });

  test('is not the label of an auto-discovery route, but its ESI is (RFC 7432 §7.1)', () => {
    const route = (esi: string, label: string): Uint8Array =>
      fromHex(`0119 0000fde900000064 ${esi} 0000000a ${label}`);
    const key = toHex(codec.key(route(ZERO_ESI, '000064')));
    expect(toHex(codec.key(route(ZERO_ESI, '0000c8')))).toBe(key);
    expect(toHex(codec.key(route('01000000000000000000', '000064')))).not.toBe(key);
  });

  test('is not ESI, gateway and label of a prefix route, nor bits past its length (RFC 9136 §3.1)', () => {
    const plain = ipPrefix(ZERO_ESI, '00000000', '000064');
    const other = ipPrefix('00111111111111111111', '0a000001', '0000c8');
    expect(toHex(codec.key(other))).toBe(toHex(codec.key(plain)));
    const dirty = fromHex(toHex(plain).replace('100a090000', '100a09ffff'));
    expect(toHex(codec.key(dirty))).toBe(toHex(codec.key(plain)));
  });

  test('is everything of a route that fits no layout', () => {
    const bad = fromHex('0203 010203');
    expect(toHex(codec.key(bad))).toBe('000203010203');
    expect(toHex(codec.join(codec.key(bad), codec.data(bad)))).toBe(toHex(bad));
  });
});

describe('EVPN routes that cannot be used', () => {
  test('of an unknown type are dropped alone (RFC 7606 §5.4)', () => {
    expect(codec.validate(fromHex('0605 0102030405'))).toMatchObject({
      outcome: 'drop',
      rfc: 'RFC 7606 §5.4',
    });
  });

  test.each([
    ['a prefix route of 33 octets', `0521 ${'00'.repeat(33)}`, 1],
    ['a prefix route of 46 octets, IPv6 prefix and IPv4 gateway', `052e ${'00'.repeat(46)}`, 1],
    ['a MAC/IP route of 32 octets', `0220 ${'00'.repeat(32)}`, 1],
    ['a multicast route of 5 octets', '0305 0000000000', 1],
    ['a MAC of 47 bits', toHex(macIp(ZERO_ESI, '000064')).replace('30aabbccddee04', '2faabbccddee04'), 24],
    ['an IP of 24 bits', toHex(macIp(ZERO_ESI, '000064')).replace('200a000001', '180a000001'), 31],
    ['an IP length without IP', `0221 0000fde900000064 ${ZERO_ESI} 0000000a 30 aabbccddee04 20 000064`, 31],
    ['a prefix of 33 bits', `0522 0000fde900000064 ${ZERO_ESI} 00000000 21 0a090000 00000000 000064`, 24],
    ['an originator of 128 bits in 4 octets', '0311 0000fde900000064 0000000a 80 0a000001', 14],
  ])('%s counts as withdrawn', (_name, hex, offset) => {
    const nlri = fromHex(hex);
    expect(codec.measure(nlri, 0, nlri.length)).toBe(nlri.length);
    expect(codec.validate(nlri)).toMatchObject({ outcome: 'treat-as-withdraw', offset });
  });

  test('a prefix route that is announced with label 0 needs something to resolve it by (RFC 9136 §3.1)', () => {
    const bare = ipPrefix(ZERO_ESI, '00000000', '000000');
    expect(codec.validate(bare, NO_ROUTER_MAC)).toMatchObject({ outcome: 'treat-as-withdraw', offset: 33 });
    expect(codec.validate(bare, { routerMac: true })).toBeUndefined();
    // FRR withdraws with label 0.
    expect(codec.validate(bare)).toBeUndefined();
    expect(
      codec.validate(ipPrefix('00111111111111111111', '00000000', '000000'), NO_ROUTER_MAC),
    ).toBeUndefined();
    expect(codec.validate(ipPrefix(ZERO_ESI, '0a000001', '000000'), NO_ROUTER_MAC)).toBeUndefined();
    expect(codec.validate(ipPrefix(ZERO_ESI, '00000000', '000064'), NO_ROUTER_MAC)).toBeUndefined();
  });
});

describe('EVPN routes from text', () => {
  test.each([
    ['[5]:[0]:[16]:[10.9.0.0] RD 1:2 label 100 gateway 10.0.0.1', '10.0.0.1'],
    ['[5]:[0]:[16]:[10.9.0.0] rd 1:2 gateway 10.0.0.1', '10.0.0.1'],
  ])('%s', (text, gateway) => {
    expect(codec.text(codec.parse!(text))).toContain(`gateway ${gateway}`);
  });

  test.each([
    '10.0.0.0/24',
    '[2]:[0]:[48]:[aa:bb:cc:00:00:01]',
    '[2]:[0]:[48]:[aa:bb:cc:00:00] RD 1:2',
    '[2]:[0]:[47]:[aa:bb:cc:00:00:01] RD 1:2',
    '[2]:[0]:[48]:[aa:bb:cc:00:00:01]:[32] RD 1:2',
    '[2]:[0]:[48]:[aa:bb:cc:00:00:01]:[128]:[10.0.0.1] RD 1:2',
    '[2]:[4294967296]:[48]:[aa:bb:cc:00:00:01] RD 1:2',
    '[2]:[0]:[48]:[aa:bb:cc:00:00:01] RD 1:2 label 1/2/3',
    '[3]:[0]:[32]:[10.0.0.1] RD 1:2 RD 1:3',
    '[5]:[0]:[33]:[10.0.0.0] RD 1:2',
    '[5]:[0]:[24]:[10.0.0.0] RD 1:2 gateway 2001:db8::1',
    '[5]:[0]:[24]:[10.0.0.0] RD 1:2 label 16777216',
    '[9]:[0]:[24]:[10.0.0.0] RD 1:2',
  ])('not %s', (text) => {
    expect(() => codec.parse!(text)).toThrow(RangeError);
  });
});

import fc from 'fast-check';
import { IPv4, IPv4CidrRange, IPv6, IPv6CidrRange } from 'ip-num';
import { describe, expect, test } from 'vitest';
import { formatIpv4, parseIpv4, tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import { formatIpv6, parseIpv6 } from '../../protocol/ip/ipv6.ts';
import { formatPrefix, parsePrefix, prefixContains, prefixesOverlap } from '../../protocol/ip/prefix.ts';

// ip-num is the oracle: an independent implementation, too slow for tables (docs/decisions/0005).

const ipv4 = fc.integer({ min: 0, max: 0xffffffff });
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 });

function bigintOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}

describe('addresses agree with ip-num', () => {
  test('IPv4 text both ways', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        const text = formatIpv4(address);
        expect(IPv4.fromDecimalDottedString(text).getValue()).toBe(BigInt(address));
        expect(parseIpv4(text)).toBe(address);
      }),
    );
  });

  test('IPv4 text that is none is refused by both', () => {
    const octet = fc.oneof(
      fc.integer({ min: 0, max: 300 }).map(String),
      fc.constantFrom('', '01', 'x', '-1'),
    );
    fc.assert(
      fc.property(fc.array(octet, { minLength: 3, maxLength: 5 }), (octets) => {
        const text = octets.join('.');
        let accepted = true;
        try {
          IPv4.fromDecimalDottedString(text);
        } catch {
          accepted = false;
        }
        expect(tryParseIpv4(text) !== undefined).toBe(accepted);
      }),
    );
  });

  test('IPv6 text both ways', () => {
    fc.assert(
      fc.property(ipv6, (bytes) => {
        const text = formatIpv6(bytes);
        expect(IPv6.fromString(text).getValue()).toBe(bigintOf(bytes));
        expect(parseIpv6(text)).toEqual(bytes);
      }),
    );
  });
});

describe('prefixes agree with ip-num', () => {
  const prefix4 = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 }));

  test('network address and last address', () => {
    fc.assert(
      fc.property(prefix4, ([address, length]) => {
        const range = IPv4CidrRange.fromCidr(`${formatIpv4(address)}/${length}`);
        const ours = parsePrefix(`${formatIpv4(address)}/${length}`, 'mask');
        expect(formatPrefix(ours)).toBe(`${range.getFirst().toString()}/${length}`);
      }),
    );
  });

  test('containment and overlap', () => {
    fc.assert(
      fc.property(prefix4, prefix4, ([a, aLength], [b, bLength]) => {
        // Random addresses hardly ever meet: make the second share its beginning with the first.
        const near = ((a & 0xffff0000) | (b & 0xffff)) >>> 0;
        const [one, other] = [`${formatIpv4(a)}/${aLength}`, `${formatIpv4(near)}/${bLength}`];
        const [x, y] = [IPv4CidrRange.fromCidr(one), IPv4CidrRange.fromCidr(other)];
        const [p, q] = [parsePrefix(one, 'mask'), parsePrefix(other, 'mask')];
        const contains = x.contains(y) || x.isEquals(y);
        expect(prefixContains(p, q)).toBe(contains);
        expect(prefixesOverlap(p, q)).toBe(contains || y.contains(x));
      }),
    );
  });

  test('IPv6 network address', () => {
    fc.assert(
      fc.property(ipv6, fc.integer({ min: 0, max: 128 }), (bytes, length) => {
        const range = IPv6CidrRange.fromCidr(`${formatIpv6(bytes)}/${length}`);
        const ours = parsePrefix(`${formatIpv6(bytes)}/${length}`, 'mask');
        expect(bigintOf(ours.bytes)).toBe(range.getFirst().getValue());
      }),
    );
  });
});

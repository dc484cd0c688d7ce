import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { sha1 } from '../../../protocol/hash/sha1.ts';
import { sha256 } from '../../../protocol/hash/sha256.ts';

const MILLION = 'a'.repeat(1_000_000);
const TWO_BLOCKS = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';

describe('NIST vectors (FIPS 180 examples)', () => {
  test.each([
    ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    [TWO_BLOCKS, '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
    [MILLION, '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ])('SHA-1 %#', (message, digest) => {
    expect(toHex(sha1(message))).toBe(digest);
  });

  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [TWO_BLOCKS, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
    [MILLION, 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('SHA-256 %#', (message, digest) => {
    expect(toHex(sha256(message))).toBe(digest);
  });
});

test('every length up to three blocks agrees with node:crypto', () => {
  for (let length = 0; length <= 192; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255);
    expect(toHex(sha1(message))).toBe(createHash('sha1').update(message).digest('hex'));
    expect(toHex(sha256(message))).toBe(createHash('sha256').update(message).digest('hex'));
  }
});

test('text is hashed as UTF-8', () => {
  expect(toHex(sha1('knöten'))).toBe(createHash('sha1').update('knöten', 'utf8').digest('hex'));
});

import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { encodeHeaders, HpackDecoder } from '../../../protocol/http2/hpack.ts';
import { decodeHuffman } from '../../../protocol/http2/huffman.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.fromHex(hex.replaceAll(/\s/g, ''));

/** Decodes blocks one after the other on one connection, as lines. */
function decodeAll(...blocks: readonly string[]): string[][] {
  const decoder = new HpackDecoder(65_536);
  return blocks.map((block) => decoder.decode(bytes(block)).map(([name, value]) => `${name}: ${value}`));
}

test('a block that repeats is decoded by the tables as they are then', () => {
  // Index 62 is the newest entry of the dynamic table: "a: 1", twice, then "b: 2".
  expect(decodeAll('40016101 31', 'be', 'be', '40016201 32', 'be', 'bf', 'be')).toEqual([
    ['a: 1'],
    ['a: 1'],
    ['a: 1'],
    ['b: 2'],
    ['b: 2'],
    ['a: 1'],
    ['b: 2'],
  ]);
  const decoder = new HpackDecoder(65_536);
  decoder.decode(bytes('40016101 31'));
  decoder.decode(bytes('be'));
  // The table is emptied.
  decoder.decode(bytes('20'));
  expect(() => decoder.decode(bytes('be'))).toThrow(DecodeError);
});

describe('the examples of RFC 7541, appendix C', () => {
  const requests = [
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
    [
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ],
  ];

  test('C.2: literals with and without indexing, never indexed, and an index', () => {
    expect(decodeAll('400a637573746f6d2d6b65790d637573746f6d2d686561646572')).toEqual([
      ['custom-key: custom-header'],
    ]);
    expect(decodeAll('040c2f73616d706c652f70617468')).toEqual([[':path: /sample/path']]);
    expect(decodeAll('100870617373776f726406736563726574')).toEqual([['password: secret']]);
    expect(decodeAll('82')).toEqual([[':method: GET']]);
  });

  test('C.3: requests without Huffman codes', () => {
    expect(
      decodeAll(
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ),
    ).toEqual(requests);
  });

  test('C.4: requests with Huffman codes', () => {
    expect(
      decodeAll(
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ),
    ).toEqual(requests);
  });
});

test('a change of the table size evicts; one that is too large or too late is refused', () => {
  const decoder = new HpackDecoder(65_536);
  decoder.decode(bytes('400161 0162'));
  expect(decoder.decode(bytes('be'))).toEqual([['a', 'b']]);
  expect(() => decoder.decode(bytes('20 be'))).toThrow(DecodeError);
  expect(() => new HpackDecoder(65_536).decode(bytes('3fe21f'))).toThrow('a table size of at most 4096');
  expect(() => new HpackDecoder(65_536).decode(bytes('82 20'))).toThrow('at the start');
});

test('an entry larger than the table empties it', () => {
  const decoder = new HpackDecoder(65_536);
  decoder.decode(bytes('400161 0162'));
  decoder.decode(encodeLiteralWithIndexing('x'.repeat(4100)));
  expect(() => decoder.decode(bytes('be'))).toThrow('an index of the tables, got 62');
});

function encodeLiteralWithIndexing(value: string): Uint8Array {
  const rest = value.length - 127;
  const length = [0x7f, (rest & 0x7f) | 0x80, rest >>> 7];
  return Uint8Array.from([0x40, 1, 0x61, ...length, ...new TextEncoder().encode(value)]);
}

test.each([
  ['80', 'an index of the tables, got 0'],
  ['ff', 'another octet'],
  ['ffffffffffff', 'an integer below 2^28'],
  ['4001', '1 more octets'],
  ['40 01 61 85 ffffffff', '5 more octets'],
])('the block %s is refused', (hex, expected) => {
  expect(() => decodeAll(hex)).toThrow(expected);
});

test('a list may not be larger than agreed', () => {
  expect(() => new HpackDecoder(100).decode(bytes('828684'))).toThrow('a header list of at most 100 octets');
});

test.each([
  ['fffffffc', 'no end of string'],
  ['00', 'up to 7 ones as padding'],
  ['ffff', 'up to 7 ones as padding'],
])('the Huffman string %s is refused', (hex, expected) => {
  expect(() => decodeHuffman(bytes(hex))).toThrow(expected);
});

test('what is encoded is decoded, and touches no table', () => {
  const fields = [
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['grpc-message', 'x'.repeat(300)],
    ['a', ''],
  ] as const;
  const block = encodeHeaders(fields);
  const decoder = new HpackDecoder(65_536);
  expect(decoder.decode(block)).toEqual(fields);
  expect(decoder.decode(block)).toEqual(fields);
  expect(() => decoder.decode(bytes('be'))).toThrow(DecodeError);
});

import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import {
  bool,
  bytes,
  enumeration,
  int64,
  message,
  oneof,
  openEnumeration,
  repeated,
  string,
  uint32,
  uint64,
} from '../../../protocol/protobuf/field.ts';
import { fromJson, JsonMappingError, parseJson, toJson } from '../../../protocol/protobuf/json.ts';
import { defineMessage, type MessageType } from '../../../protocol/protobuf/message.ts';

interface Sample {
  readonly blob: Uint8Array;
  readonly text: string;
  readonly signed: bigint;
  readonly unsigned: bigint;
  readonly small: number;
  readonly flag: boolean;
  readonly kind: 'ZERO' | 'ONE';
  readonly kinds: readonly ('ZERO' | 'ONE')[];
  readonly names: readonly string[];
  readonly child: Sample | undefined;
  readonly left: bigint | undefined;
  readonly right: Uint8Array | undefined;
  readonly open: 'ZERO' | 'ONE' | number;
}

const KINDS = ['ZERO', 'ONE'] as const;
const sample: MessageType<Sample> = defineMessage<Sample>('test.Sample', {
  blob: bytes(1),
  text: string(2),
  signed: int64(3),
  unsigned: uint64(4),
  small: uint32(5),
  flag: bool(6),
  kind: enumeration(7, 'test.Kind', KINDS),
  kinds: repeated(enumeration(8, 'test.Kind', KINDS)),
  open: openEnumeration(12, 'test.Kind', KINDS),
  names: repeated(string(9)),
  child: message(10, () => sample),
  left: oneof('side', int64(11)),
  right: oneof('side', bytes(64)),
});

const ZERO = sample.decode(new Uint8Array(0));
const hex = (text: string): Sample => sample.decode(Uint8Array.fromHex(text.replaceAll(' ', '')));
const encoded = (value: Partial<Sample>): string => sample.encode({ ...ZERO, ...value }).toHex();

describe('the wire format', () => {
  test('nothing is a message of zeros, and is written as nothing', () => {
    expect(ZERO).toEqual({
      blob: new Uint8Array(0),
      text: '',
      signed: 0n,
      unsigned: 0n,
      small: 0,
      flag: false,
      kind: 'ZERO',
      kinds: [],
      open: 'ZERO',
      names: [],
      child: undefined,
      left: undefined,
      right: undefined,
    });
    expect(encoded({})).toBe('');
  });

  test.each<[string, string, Partial<Sample>]>([
    ['0a020001', 'bytes', { blob: new Uint8Array([0, 1]) }],
    ['1203c3a931', 'text', { text: 'é1' }],
    ['187f', 'a small integer', { signed: 127n }],
    ['188001', 'one of two octets', { signed: 128n }],
    ['18ffffffffffffff0f', '2^53 - 1', { signed: 2n ** 53n - 1n }],
    ['188080808080808010', '2^53', { signed: 2n ** 53n }],
    ['18ffffffffffffffff7f', 'the largest int64', { signed: 2n ** 63n - 1n }],
    ['1880808080808080808001', 'the smallest int64', { signed: -(2n ** 63n) }],
    ['18ffffffffffffffffff01', 'minus one', { signed: -1n }],
    ['20ffffffffffffffffff01', 'the largest uint64', { unsigned: 2n ** 64n - 1n }],
    ['28ffffffff0f', 'the largest uint32', { small: 0xffff_ffff }],
    ['3001', 'a bool', { flag: true }],
    ['3801', 'an enum', { kind: 'ONE' }],
    ['4203010001', 'a packed list', { kinds: ['ONE', 'ZERO', 'ONE'] }],
    ['4a014a4a00', 'a list with an empty text', { names: ['J', ''] }],
    ['5200', 'an empty message', { child: ZERO }],
    ['5804', 'a member of a oneof', { left: 4n }],
    ['5800', 'one that is zero', { left: 0n }],
    ['820400', 'another', { right: new Uint8Array(0) }],
  ])('%s: %s', (text, _what, value) => {
    expect(hex(text)).toEqual({ ...ZERO, ...value });
    expect(encoded(value)).toBe(text);
  });

  test('fields in any order, the last of one counts; lists also unpacked', () => {
    expect(hex('3001 1801 1802')).toEqual({ ...ZERO, flag: true, signed: 2n });
    expect(hex('4001 4000').kinds).toEqual(['ONE', 'ZERO']);
    expect(hex('4001 420101').kinds).toEqual(['ONE', 'ONE']);
    expect(hex('5804 82040161')).toEqual({ ...ZERO, right: new Uint8Array([0x61]) });
    expect(hex('82040161 5804')).toEqual({ ...ZERO, left: 4n });
  });

  test('unknown fields of every wire type are skipped, groups too', () => {
    expect(hex('a00601 a1060102030405060708 a2060161 a50601020304 1801')).toEqual({ ...ZERO, signed: 1n });
    expect(hex('a306 0a0161 a306 1801 a406 a406 1801')).toEqual({ ...ZERO, signed: 1n });
  });

  test('an enum number that nobody knows reads as the first, a bool of any number as true', () => {
    expect(hex('3863').kind).toBe('ZERO');
    expect(hex('30 80808080808080808001').flag).toBe(true);
  });

  test.each([
    ['0a', 1, 'another byte'],
    ['0a0561', 2, '5 more bytes'],
    ['18', 1, 'another byte'],
    ['1880', 2, 'another byte'],
    ['18ffffffffffffffffffff01', 11, 'a varint of at most 10 bytes'],
    ['5203 1203', 2, '3 more bytes'],
    ['a506 0102', 2, '4 more bytes'],
    ['a306 1801', 4, 'another byte'],
    ['00', 1, 'a field number above 0'],
    ['1a0161', 1, 'another wire type than 2 for field 3'],
    ['a706', 2, 'a wire type of 0 to 3 or 5'],
    ['a406', 2, 'a wire type of 0 to 3 or 5'],
  ])('%s ends with the offset %i and what was expected', (text, offset, expected) => {
    expect(() => hex(text)).toThrow(new DecodeError('test.Sample', offset, `expected ${expected}`).message);
    expect(() => hex(text)).toThrow(DecodeError);
  });

  test('nesting has an end', () => {
    let nested: Sample = ZERO;
    for (let i = 0; i < 400; i++) nested = { ...ZERO, child: nested };
    expect(sample.decode(sample.encode(nested))).toEqual(nested);
    const deep = new Uint8Array(600_000).fill(0x53);
    expect(() => sample.decode(deep)).toThrow(DecodeError);
  });

  test('a message that cannot be written leaves nothing for the next', () => {
    expect(() => encoded({ flag: true, blob: null as unknown as Uint8Array })).toThrow();
    expect(encoded({ flag: true })).toBe('3001');
  });

  test('what was read does not change with the buffer, and headroom stays zero', () => {
    const buffer = Buffer.from('0a0161', 'hex');
    const { blob } = sample.decode(buffer);
    buffer.fill(0);
    expect(blob).toEqual(new Uint8Array([0x61]));
    expect(sample.encode({ ...ZERO, flag: true }, 5).toHex()).toBe('00000000003001');
  });
});

describe('the JSON mapping', () => {
  test('names of the .proto file, integers as text, zeros left out', () => {
    const value = {
      ...ZERO,
      blob: new Uint8Array([0xff]),
      signed: -1n,
      kind: 'ONE',
      small: 7,
      child: ZERO,
    } as const;
    expect(JSON.stringify(toJson(sample, value))).toBe(
      '{"blob":"/w==","signed":"-1","small":7,"kind":"ONE","child":{}}',
    );
  });

  test.each<[string, Partial<Sample>]>([
    ['{"signed":9223372036854775807}', { signed: 2n ** 63n - 1n }],
    ['{"signed":"-5","unsigned":18446744073709551615}', { signed: -5n, unsigned: 2n ** 64n - 1n }],
    ['{"kind":1,"kinds":["ONE",0,99],"nobody":"knows"}', { kind: 'ONE', kinds: ['ONE', 'ZERO', 'ZERO'] }],
    ['{"open":-2147483648}', { open: -(2 ** 31) }],
    ['{"blob":"_-8","text":null}', { blob: new Uint8Array([0xff, 0xef]) }],
    ['', {}],
  ])('%s is read', (text, value) => {
    expect(fromJson(sample, parseJson(text))).toEqual({ ...ZERO, ...value });
  });

  test.each([
    ['{"signed":1.5}', 'expected a 64-bit integer, got 1.5'],
    ['{"signed":9223372036854775808}', 'expected a 64-bit integer, got 9223372036854775808'],
    ['{"signed":100000000000000000000000}', 'expected a 64-bit integer, got 1e+23'],
    ['{"unsigned":"-1"}', 'expected a 64-bit integer, got "-1"'],
    ['{"small":4294967296}', 'expected a 32-bit integer, got 4294967296'],
    ['{"flag":9223372036854775807}', 'expected true or false, got 9223372036854775807'],
    ['{"blob":"a b"}', 'illegal base64 data at input byte 1'],
    ['{"kind":"TWO"}', 'unknown value "TWO" for enum test.Kind'],
    ['{"open":0.5}', 'unknown value 0.5 for enum test.Kind'],
    ['{"open":2147483648}', 'unknown value 2147483648 for enum test.Kind'],
    ['{"open":1e999}', 'unknown value Infinity for enum test.Kind'],
    ['{"names":"x"}', 'expected a JSON list'],
    ['[]', 'expected a JSON object'],
    ['{"a":', 'unexpected EOF'],
    ['{', 'unexpected EOF'],
  ])('%s is refused', (text, message) => {
    expect(() => fromJson(sample, parseJson(text))).toThrow(new JsonMappingError(message));
  });
});

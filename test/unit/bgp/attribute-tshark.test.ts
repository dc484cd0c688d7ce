// What encode writes, as Wireshark reads it: nothing to complain of, and the attributes that were meant.
import { expect, test } from 'vitest';
import { ATTRIBUTES, type PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import { encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { SAMPLES } from './attribute-bytes.ts';
import { tsharkRead } from './tshark.ts';
import { INTERNAL, OLD } from './update-bytes.ts';

const EMPTY = new Uint8Array(0);
const TYPES = 'bgp.update.path_attribute.type_code';

/** An UPDATE with the mandatory attributes and these. */
function message(value: PathAttributes, context = INTERNAL): Uint8Array {
  const base: PathAttributes = { origin: 0, asPath: [{ kind: 'sequence', asns: [64513] }] };
  const hop: PathAttributes = value.mpReach === undefined ? { nextHop: Uint8Array.of(10, 0, 0, 1) } : {};
  return encodeUpdate({ withdrawn: EMPTY, attributes: { ...base, ...hop, ...value }, nlri: EMPTY }, context);
}

/** Attribute types in each message, and what Wireshark complains of. */
function read(messages: readonly Uint8Array[]): { readonly types: string[]; readonly complaints: string }[] {
  return tsharkRead(messages, [TYPES]).map(({ complaints, fields }) => ({
    types: fields[TYPES]!.split(','),
    complaints,
  }));
}

test('tshark finds nothing wrong with any attribute', () => {
  const rows = read(SAMPLES.map(({ value }) => message(value)));
  for (const [i, { name }] of SAMPLES.entries()) {
    const { type } = ATTRIBUTES.find(([, codec]) => codec.name === name)![1];
    expect({ name, complaints: rows[i]!.complaints }).toEqual({ name, complaints: '' });
    expect(rows[i]!.types).toContain(String(type));
  }
});

test('nor with what an old speaker gets, AS4_PATH and AS4_AGGREGATOR among it', () => {
  const wide: PathAttributes = {
    asPath: [{ kind: 'sequence', asns: [64513, 4200000001] }],
    aggregator: { asn: 4200000001, id: 7 },
  };
  expect(read([message(wide, OLD)])).toEqual([{ types: ['1', '2', '3', '7', '17', '18'], complaints: '' }]);
});

test('tshark would find a malformed one', () => {
  const bytes = message({});
  const cut = bytes.slice();
  // The length of AS_PATH, so that it runs over NEXT_HOP and past the attributes.
  cut[29] = 0x20;
  const [good, bad] = read([bytes, cut]);
  expect(good!.complaints).toBe('');
  expect(bad!.complaints).not.toBe('');
});

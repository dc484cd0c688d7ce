import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asPathText, parseAsPath } from '../../protocol/bgp/attribute/as-path-text.ts';
import { communityText, parseCommunity } from '../../protocol/bgp/attribute/communities.ts';
import {
  extendedCommunityText,
  parseExtendedCommunity,
} from '../../protocol/bgp/attribute/extended-community-text.ts';
import { ATTRIBUTES } from '../../protocol/bgp/attribute/table.ts';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import type { Field } from '../../protocol/bgp/dissect/field.ts';
import { dissectMessage } from '../../protocol/bgp/dissect/message.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import {
  announcedRoutes,
  decodeUpdate,
  endOfRib,
  withdrawnRoutes,
} from '../../protocol/bgp/message/update.ts';
import { checkNlri } from '../../protocol/bgp/nlri/prefixes.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { fromHex } from '../../protocol/bytes/hex.ts';
import { SAMPLES } from '../unit/bgp/attribute-bytes.ts';
import {
  BIRD_OPEN,
  BIRD_UPDATE,
  FRR_OPEN,
  FRR_UPDATE,
  FRR_UPDATE_IPV6,
  message,
} from '../unit/bgp/golden.ts';
import { update } from '../unit/bgp/update-bytes.ts';

const ALL = Object.keys(FAMILIES) as Family[];
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

/** Any session. */
const context: fc.Arbitrary<CodecContext> = fc.record({
  fourOctetAs: fc.boolean(),
  extendedMessage: fc.boolean(),
  peerType: fc.constantFrom('internal' as const, 'external' as const, 'confederation' as const),
  families: fc.subarray(ALL),
  addPath: fc.subarray(ALL),
  extendedNextHop: fc.subarray(ALL),
});

/** Octets that are an attribute value now and then: any, or a sound one with some octets changed, added or cut. */
function octetsOf(name: string): fc.Arbitrary<Uint8Array> {
  const sample = SAMPLES.find((candidate) => candidate.name === name);
  const any = fc.uint8Array({ maxLength: 80 });
  if (sample === undefined) return any;
  const sound = fromHex(sample.bytes).subarray(3);
  return fc.oneof(any, fc.constant(sound), mutated(fc.constant(sound)));
}

function mutated(source: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(
    fc.nat(),
    fc.constantFrom('set', 'insert', 'cut'),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255)),
  );
  return fc.tuple(source, fc.array(edit, { minLength: 1, maxLength: 5 })).map(([bytes, edits]) => {
    const octets = [...bytes];
    for (const [where, kind, octet] of edits) {
      const at = where % (octets.length + 1);
      if (kind === 'insert') octets.splice(at, 0, octet);
      else if (kind === 'cut') octets.splice(at, 1 + (octet % 4));
      else if (at < octets.length) octets[at] = octet;
    }
    return Uint8Array.from(octets);
  });
}

/** Children stand inside their parents, one after another, without a gap. @throws where they do not. */
function checkTree(field: Field): void {
  const { name, offset, length, children } = field;
  if (length < 0) throw new Error(`${name} has a negative length`);
  if (children === undefined || children.length === 0) {
    if (length > 0 && field.value === undefined) throw new Error(`${name} says nothing`);
    return;
  }
  let at = offset;
  for (const child of children) {
    if (child.offset !== at) throw new Error(`${child.name} in ${name} starts at ${child.offset}, not ${at}`);
    at += child.length;
    checkTree(child);
  }
  if (at !== offset + length) throw new Error(`${name} ends at ${offset + length}, its children at ${at}`);
}

describe('every attribute', () => {
  test.each(ATTRIBUTES.map(([, codec]) => [codec.name, codec] as const))(
    '%s: any octets give a value that can be written again, or a DecodeError within them',
    (name, codec) => {
      fc.assert(
        fc.property(octetsOf(name), context, fc.nat(100), (bytes, session, offset) => {
          let value: unknown;
          try {
            value = codec.decode(bytes, session, offset);
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error;
            expect(error.offset).toBeGreaterThanOrEqual(offset);
            expect(error.offset).toBeLessThanOrEqual(offset + bytes.length);
            return;
          }
          // Of confederation segments alone, nothing is left of AS4_PATH; an empty one is not written.
          if (name === 'AS4_PATH' && (value as unknown[]).length === 0) return;
          const writer = new ByteWriter();
          codec.encode(value as never, writer, session);
          const again = codec.decode(writer.finish(), session, offset);
          expect(again).toEqual(value);
          expect(codec.text(value as never)).not.toBe('');
        }),
        { numRuns: 400 },
      );
    },
  );

  test.each(ATTRIBUTES.map(([, codec]) => [codec.name, codec] as const))(
    '%s: the fields of any octets cover them',
    (name, codec) => {
      fc.assert(
        fc.property(octetsOf(name), context, fc.nat(100), (bytes, session, offset) => {
          const children = codec.fields(bytes, offset, session);
          checkTree({ name, offset, length: bytes.length, children });
          if (children.length === 0) expect(bytes.length).toBe(0);
        }),
        { numRuns: 400 },
      );
    },
  );
});

describe('texts', () => {
  const path = fc.array(
    fc.record({
      kind: fc.constantFrom('sequence', 'set', 'confed-sequence', 'confed-set'),
      asns: fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 5 }),
    }),
    { maxLength: 5 },
  );

  test('an AS path is read as it is shown, sequences that meet as one', () => {
    fc.assert(
      fc.property(path, (segments) => {
        const text = asPathText(segments as never);
        const parsed = parseAsPath(text);
        expect(asPathText(parsed)).toBe(text);
        expect(parsed.flatMap(({ asns }) => asns)).toEqual(segments.flatMap(({ asns }) => asns));
      }),
    );
  });

  test('any text is an AS path, or refused with a RangeError', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789 {}()[],x'), maxLength: 30 });
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          for (const { asns } of parseAsPath(candidate)) expect(asns.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test('any community is read as it is shown', () => {
    const wellKnown = fc.integer({ min: 0xffff0000, max: 0xffffffff });
    fc.assert(
      fc.property(fc.oneof(uint32, wellKnown), (value) => {
        expect(parseCommunity(communityText(value))).toBe(value);
      }),
    );
  });

  test('any extended community is read as it is shown', () => {
    const type = fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x06, 0x40, 0x43, 0x80, 0x81, 0x82);
    const known = fc
      .tuple(type, fc.nat(16), fc.nat(0xffff))
      .map(([kind, subtype, upper]) => kind * 2 ** 24 + subtype * 2 ** 16 + upper);
    fc.assert(
      fc.property(fc.oneof(uint32, known), fc.oneof(uint32, fc.nat(20)), (high, low) => {
        expect(parseExtendedCommunity(extendedCommunityText({ high, low }))).toEqual({ high, low });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('any message', () => {
  const seeds = [
    BIRD_OPEN,
    FRR_OPEN,
    BIRD_UPDATE,
    FRR_UPDATE,
    FRR_UPDATE_IPV6,
    message('0017 05 0001 00 01'),
    message('0018 03 06 02 02 6869 00'),
    ...SAMPLES.map(({ bytes }) => update(`40 01 01 00 40 02 00 40 03 04 0a000001 ${bytes}`)),
    ...ALL.map((family) => {
      const { afi, safi } = FAMILIES[family];
      const nlri = '02 11 0001c00002010002 00000000 20 c0000201';
      const numbers = `${afi.toString(16).padStart(4, '0')} ${safi.toString(16).padStart(2, '0')}`;
      return update(`80 0f 16 ${numbers} ${nlri}`, '');
    }),
  ];
  /** A message whose header fits what is there more often than not, so that the body is looked at. */
  const bytes = fc
    .tuple(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated(fc.constantFrom(...seeds))), fc.nat(9))
    .map(([octets, repair]) => {
      if (repair === 0 || octets.length < 19) return octets;
      const fixed = octets.slice();
      fixed.fill(0xff, 0, 16);
      fixed.set([fixed.length >> 8, fixed.length & 0xff], 16);
      return fixed;
    });

  test('is dissected without an exception, and its fields cover it', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(bytes, context, (octets, session) => {
        const tree = dissectMessage(octets, session);
        expect([tree.offset, tree.length]).toEqual([0, octets.length]);
        checkTree(tree);
        const note = (field: Field): void => {
          outcomes.add(field.error?.outcome ?? 'sound');
          field.children?.forEach(note);
        };
        note(tree);
      }),
      { numRuns: 4000 },
    );
    expect([...outcomes].sort()).toEqual(
      ['attribute-discard', 'ignored', 'none', 'session-reset', 'sound', 'treat-as-withdraw'].sort(),
    );
  });

  test('that is an UPDATE has routes that can all be walked, of negotiated families only', () => {
    fc.assert(
      fc.property(bytes, context, (octets, session) => {
        if (octets.length < 23 || octets[18] !== 2) return;
        try {
          const decoded = decodeUpdate(octets, session);
          for (const { family, bytes: nlri, addPath } of [
            ...announcedRoutes(decoded),
            ...withdrawnRoutes(decoded),
          ]) {
            expect(session.families).toContain(family);
            expect(addPath).toBe(session.addPath!.includes(family));
            expect(nlri.length).toBeGreaterThan(0);
            expect(checkNlri(family, nlri, addPath)).toBeUndefined();
          }
          if (decoded.treatAsWithdraw) expect(announcedRoutes(decoded)).toEqual([]);
          if (endOfRib(decoded) !== undefined) expect(announcedRoutes(decoded)).toEqual([]);
        } catch (error) {
          if (!(error instanceof BgpError)) throw error;
          expect(error.offset).toBeLessThan(octets.length);
          expect(error.notification.code).toBe(3);
        }
      }),
      { numRuns: 4000 },
    );
  });
});

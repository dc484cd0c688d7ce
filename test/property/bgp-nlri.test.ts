import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import {
  capabilityText,
  decodeCapability,
  encodeCapability,
} from '../../protocol/bgp/capability/capability.ts';
import { CAPABILITIES } from '../../protocol/bgp/capability/table.ts';
import { BASE_CONTEXT, type CodecContext } from '../../protocol/bgp/context.ts';
import type { Field } from '../../protocol/bgp/dissect/field.ts';
import { dissectMessage } from '../../protocol/bgp/dissect/message.ts';
import { dissectNlri } from '../../protocol/bgp/dissect/nlri.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { NOTIFICATION, OPEN, ROUTE_REFRESH } from '../../protocol/bgp/message/header.ts';
import { describeNotification } from '../../protocol/bgp/message/notification.ts';
import {
  decodeShutdownCommunication,
  encodeShutdownCommunication,
} from '../../protocol/bgp/message/notification-data.ts';
import { isFault } from '../../protocol/bgp/nlri/codec.ts';
import { checkNlri } from '../../protocol/bgp/nlri/prefixes.ts';
import { NLRI_CODECS } from '../../protocol/bgp/nlri/table.ts';
import { checkRoutes, forEachRoute } from '../../protocol/bgp/nlri/walk.ts';
import { fromHex, toHex } from '../../protocol/bytes/hex.ts';
import { EVPN_SAMPLES, LONG_FLOWSPEC, NLRI_SAMPLES } from '../unit/bgp/nlri-bytes.ts';

const NONE = new Uint8Array(0);
/** Capabilities whose values are texts behind their lengths. */
const FQDN = 73;
const SOFTWARE_VERSION = 75;
const FAMILY_NAMES = Object.keys(FAMILIES) as Family[];

/** Real NLRI, for bytes that are near to sound ones. */
const SEEDS: readonly { readonly family: Family; readonly hex: string }[] = [
  ...NLRI_SAMPLES,
  ...EVPN_SAMPLES,
  { family: 'ipv4-multicast', hex: '1a 0a4c0200' },
  { family: 'ipv6-multicast', hex: '40 20010db800780000' },
  { family: 'ipv4-flowspec', hex: LONG_FLOWSPEC },
];

/** Bytes with some changed, cut or added in: most fail in another place each time. */
function mutated(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat(seed.length), kind: fc.nat(2), octet: fc.nat(255) });
  return fc.array(change, { maxLength: 3 }).map((changes) => {
    const bytes = [...seed];
    for (const { at, kind, octet } of changes) {
      if (kind === 0) bytes[Math.min(at, Math.max(bytes.length - 1, 0))] = octet;
      else if (kind === 1) bytes.splice(at, 1);
      else bytes.splice(at, 0, octet);
    }
    return Uint8Array.from(bytes);
  });
}

function someBytes(family: Family): fc.Arbitrary<Uint8Array> {
  const seeds = SEEDS.filter((seed) => seed.family === family).map(({ hex }) => fromHex(hex));
  return fc.oneof(fc.uint8Array({ maxLength: 60 }), ...seeds.map(mutated));
}

/** A view whose octets on both sides would change the outcome if they were looked at, and where it starts. */
function guarded(bytes: Uint8Array, fill: number): { whole: Uint8Array; at: number; limit: number } {
  const whole = new Uint8Array(bytes.length + 40).fill(fill);
  whole.set(bytes, 20);
  return { whole, at: 20, limit: 20 + bytes.length };
}

/** Whether fields lie one after another and fill `length` octets from `offset` on, children likewise. */
function covers(fields: readonly Field[], offset: number, length: number): boolean {
  let at = offset;
  for (const field of fields) {
    if (field.offset !== at) return false;
    if (field.children !== undefined && !covers(field.children, at, field.length)) return false;
    at += field.length;
  }
  return at === offset + length;
}

describe.each(FAMILY_NAMES)('NLRI of %s', (family) => {
  const codec = NLRI_CODECS[family];

  test('of any bytes is measured within its limits, whatever stands behind them', () => {
    let sound = 0;
    fc.assert(
      fc.property(someBytes(family), (bytes) => {
        const [zeros, ones] = [0, 0xff].map((fill) => {
          const { whole, at, limit } = guarded(bytes, fill);
          return codec.measure(whole, at, limit);
        });
        expect(ones).toEqual(zeros);
        if (isFault(zeros!)) {
          expect(zeros.offset).toBeGreaterThanOrEqual(20);
          expect(zeros.offset).toBeLessThanOrEqual(20 + bytes.length);
        } else {
          expect(zeros).toBeGreaterThan(0);
          expect(zeros).toBeLessThanOrEqual(bytes.length);
          sound += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(sound).toBeGreaterThan(20);
  });

  test('that can be measured is read, split, joined and shown without a fault', () => {
    fc.assert(
      fc.property(someBytes(family), fc.boolean(), (bytes, routerMac) => {
        const measured = codec.measure(bytes, 0, bytes.length);
        fc.pre(!isFault(measured));
        const nlri = bytes.slice(0, measured);
        const before = toHex(nlri);
        const fault = codec.validate(nlri, { routerMac });
        if (fault !== undefined) expect(fault.offset).toBeLessThanOrEqual(nlri.length);
        expect(typeof codec.text(nlri)).toBe('string');
        expect(covers(codec.fields(nlri, 7), 7, nlri.length)).toBe(true);
        const [key, data] = [codec.key(nlri), codec.data(nlri)];
        const joined = codec.join(key, data);
        const withdrawn = codec.join(key, NONE);
        for (const again of [joined, withdrawn]) {
          expect(codec.measure(again, 0, again.length)).toBe(again.length);
          expect(toHex(codec.key(again))).toBe(toHex(key));
        }
        expect(toHex(codec.data(joined))).toBe(toHex(data));
        expect(toHex(nlri)).toBe(before);
        // These labels above another one are not to be told from a withdrawn route's, so they are not taken as text.
        const ambiguous =
          / label (\d+\/)*(0|524288)\//.test(codec.text(joined)) && FAMILIES[family].bytes > 0;
        if (fault === undefined && codec.parse !== undefined && !ambiguous) {
          expect(toHex(codec.key(codec.parse(codec.text(joined))))).toBe(toHex(key));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('in a row is walked as it is checked, with and without path identifiers', () => {
    fc.assert(
      fc.property(fc.array(someBytes(family), { maxLength: 4 }), fc.boolean(), (parts, addPath) => {
        const bytes = Uint8Array.from(parts.flatMap((part) => [...(addPath ? [0, 0, 0, 7] : []), ...part]));
        const fault = checkRoutes(family, bytes, addPath);
        expect(checkNlri(family, bytes, addPath) === undefined).toBe(fault === undefined);
        let end = 0;
        forEachRoute(family, bytes, addPath, (offset, next, pathId) => {
          expect(offset).toBe(end + (addPath ? 4 : 0));
          if (!addPath) expect(pathId).toBe(0);
          end = next;
        });
        if (fault === undefined) expect(end).toBe(bytes.length);
        else expect(fault.offset).toBeGreaterThanOrEqual(end);
        expect(covers(dissectNlri(family, bytes, 3, { addPath }), 3, bytes.length)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe.each(CAPABILITIES.map(({ code, name }) => [code, name] as const))('capability %i, %s', (code) => {
  test('of any bytes is read and written back, refused with 2/0, or kept as it is', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat(3), fc.nat(8), (random, first, size) => {
        const value = random.slice(0, Math.min(random.length, size));
        // Texts of ASCII whose lengths fit are otherwise too rare.
        if (code === FQDN || code === SOFTWARE_VERSION) {
          for (const [i, octet] of value.entries()) value[i] = octet & 0x7f;
          const length = code === FQDN ? Math.min(first, value.length - 2) : value.length - 1;
          if (length >= 0) value[0] = length;
          if (length >= 0 && code === FQDN) value[1 + length] = value.length - 2 - length;
        }
        try {
          const capability = decodeCapability(code, value, 5);
          const writer = new ByteWriter();
          encodeCapability(capability, writer);
          const written = writer.finish();
          expect(written[0]).toBe(code);
          expect(decodeCapability(code, written.subarray(2), 5)).toEqual(capability);
          expect(capabilityText(capability)).not.toBe('');
          if (capability.kind === 'unknown') expect(capability.value).toEqual(value);
          else {
            read += 1;
            const codec = CAPABILITIES.find((candidate) => candidate.code === code)!;
            expect(covers(codec.fields(value, 5), 5, value.length)).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof BgpError)) throw error;
          expect(error.notification).toMatchObject({ code: 2, subcode: 0 });
        }
      }),
      { numRuns: 1000 },
    );
    expect(read).toBeGreaterThan(10);
  });
});

describe('small messages', () => {
  const context: CodecContext = { ...BASE_CONTEXT, extendedMessage: true };

  test.each([
    ['OPEN', OPEN],
    ['NOTIFICATION', NOTIFICATION],
    ['ROUTE-REFRESH', ROUTE_REFRESH],
  ])('%s of any body is dissected to the last octet', (_name, type) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (body, plausible) => {
        const bytes = new Uint8Array(19 + body.length).fill(0xff, 0, 16);
        bytes.set([bytes.length >> 8, bytes.length, type], 16);
        bytes.set(body, 19);
        // A right version and parameters length let the parameters be looked at.
        if (plausible && type === OPEN && body.length > 12) bytes.set([4], 19);
        if (plausible && type === OPEN && body.length > 12)
          bytes.set([body.length - 10, 2, body.length - 12], 28);
        const field = dissectMessage(bytes, context);
        expect(covers(field.children!, 0, bytes.length)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('a NOTIFICATION of any data makes one line', () => {
    const body = fc.record({
      code: fc.nat(12),
      subcode: fc.nat(12),
      data: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(body, (notification) => {
        expect(describeNotification(notification)).toMatch(/^\d+\/\d+ [^\p{Cc}\p{Zl}\p{Zp}]+$/u);
      }),
      { numRuns: 1000 },
    );
  });

  test('a shutdown communication comes through, but for what it escapes', () => {
    const plain = fc
      .string({ unit: 'grapheme', maxLength: 60 })
      .filter((text) => !/[\p{C}\p{Zl}\p{Zp}\\]/u.test(text));
    fc.assert(
      fc.property(plain, (text) => {
        expect(decodeShutdownCommunication(encodeShutdownCommunication(text))?.text ?? '').toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});

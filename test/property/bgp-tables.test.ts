import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prependAs } from '../../protocol/bgp/attribute/as-path.ts';
import { writeAttributes } from '../../protocol/bgp/attribute/encode.ts';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { RouteRun } from '../../protocol/bgp/message/route-run.ts';
import { nlriOf } from '../../protocol/bgp/nlri/prefixes.ts';
import { AS_SEQUENCE, typeMask } from '../../protocol/bgp/rib/attribute-edit.ts';
import { MED } from '../../protocol/bgp/rib/attribute-set.ts';
import { AttributeTable } from '../../protocol/bgp/rib/attribute-table.ts';
import { ByteTable } from '../../protocol/bgp/rib/byte-table.ts';
import { MarkQueue } from '../../protocol/bgp/rib/mark-queue.ts';
import { PrefixTable } from '../../protocol/bgp/rib/prefix-table.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { formatPrefix } from '../../protocol/ip/prefix.ts';

const ipv4 = fc.tuple(fc.nat(255), fc.integer({ min: 8, max: 16 })).map(([octet, length]) => {
  const bytes = Uint8Array.of(10, octet & (0xff << (16 - length)), 0, 0);
  return formatPrefix({ version: 4, bytes, length });
});

/** Some end in zeros: in up to six groups of 16 bits, or in none. */
const ipv6 = fc
  .tuple(fc.nat(255), fc.nat(2), fc.constantFrom(0, 32, 45, 48, 64, 128))
  .map(([octet, subnet, length]) => {
    const bytes = Uint8Array.of(
      0x20,
      1,
      0x0d,
      octet,
      0,
      subnet << 3,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      length === 128 ? 1 : 0,
    );
    bytes.fill(0, length >> 3);
    if (length === 45) bytes[5] = subnet << 3;
    return formatPrefix({ version: 6, bytes, length });
  });

describe('PrefixTable', () => {
  test.each([
    ['ipv4-unicast', ipv4],
    ['ipv6-unicast', ipv6],
  ] as const)('finds what a Map finds, for %s', (family, prefix) => {
    const steps = fc.array(fc.tuple(fc.boolean(), prefix), { maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new PrefixTable(family);
        const model = new Map<string, number>();
        for (const [add, text] of list) {
          const { bytes } = nlriOf(text);
          const id = table.find(bytes, 0, bytes.length);
          expect(id).toBe(model.get(text) ?? -1);
          if (add) {
            const added = table.add(bytes, 0, bytes.length);
            if (id >= 0) expect(added).toBe(id);
            model.set(text, added);
          } else if (id >= 0) {
            table.remove(id);
            model.delete(text);
          }
          expect(table.count).toBe(model.size);
        }
        expect(new Set(model.values()).size).toBe(model.size);
        const written = new Uint8Array(17);
        for (const [text, id] of model) {
          expect(table.text(id)).toBe(text);
          expect(table.write(id, undefined, written, 0)).toBe(table.size(id));
          expect(written.subarray(0, table.size(id))).toEqual(nlriOf(text).bytes);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('goes on finding what it holds while others come and go for long', () => {
    const table = new PrefixTable('ipv6-unicast');
    const nlri = (number: number): Uint8Array => Uint8Array.of(48, 0x20, 1, 0x0d, 0xb8, number >> 8, number);
    const ids: number[] = [];
    for (let number = 0; number < 40_000; number++) {
      ids.push(table.add(nlri(number), 0, 7));
      if (number >= 50) table.remove(ids[number - 50]!);
      if (number >= 50) expect(table.find(nlri(number - 50), 0, 7)).toBe(-1);
    }
    expect([table.count, table.top]).toEqual([50, 51]);
    for (let number = 39_950; number < 40_000; number++)
      expect(table.find(nlri(number), 0, 7)).toBe(ids[number]);
  });

  test('takes no notice of bits past the length', () => {
    const table = new PrefixTable('ipv4-unicast');
    const id = table.add(Uint8Array.of(17, 10, 1, 0xff), 0, 4);
    expect(table.find(Uint8Array.of(17, 10, 1, 0x80), 0, 4)).toBe(id);
    expect(table.text(id)).toBe('10.1.128.0/17');
  });
});

describe('ByteTable', () => {
  test('finds what a Map finds, and keeps octets as they were while entries come and go', () => {
    const key = fc.uint8Array({ maxLength: 6, max: 3 });
    const steps = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new ByteTable();
        const model = new Map<string, number>();
        for (const [add, bytes] of list) {
          const text = bytes.join();
          const id = table.find(bytes, 0, bytes.length);
          expect(id).toBe(model.get(text) ?? 0);
          if (add) {
            // From the middle of other octets.
            const around = Uint8Array.of(9, ...bytes, 9);
            model.set(text, table.add(around, 1, 1 + bytes.length));
          } else if (id !== 0) {
            table.remove(id);
            model.delete(text);
          }
          expect(table.count).toBe(model.size);
        }
        expect(new Set(model.values()).size).toBe(model.size);
        for (const [text, id] of model) expect(table.bytes(id).join()).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});

describe('MarkQueue', () => {
  test('gives every number once, in the order in which they were marked', () => {
    const steps = fc.array(fc.option(fc.nat(40)), { maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new MarkQueue();
        const model: number[] = [];
        let taken = 0;
        for (const step of list) {
          if (step !== null) {
            queue.mark(step);
            if (!model.includes(step)) model.push(step);
          } else if (model.length > 0) {
            expect(queue.take()).toBe(model.shift());
            taken += 1;
          }
          expect([queue.length, queue.taken, queue.total]).toEqual([
            model.length,
            taken,
            taken + model.length,
          ]);
        }
        for (let number = 0; number <= 40; number++) expect(queue.has(number)).toBe(model.includes(number));
      }),
    );
  });
});

describe('AttributeTable', () => {
  /** Attributes on the wire as a peer with 4-octet AS numbers writes them. */
  const wireOf = (set: RouteAttributes): Uint8Array => {
    const writer = new ByteWriter();
    writeAttributes(writer, set, { fourOctetAs: true });
    return writer.finish();
  };

  const edits = fc.record({
    hop: fc.option(fc.uint8Array({ minLength: 4, maxLength: 16 }), { nil: undefined }),
    localPref: fc.option(fc.nat(), { nil: undefined }),
    community: fc.option(fc.nat(1000), { nil: undefined }),
    clusterId: fc.option(fc.nat(), { nil: undefined }),
    originatorId: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    otc: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    asn: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    dropMed: fc.boolean(),
  });

  test('edits octets to what editing the object gives', () => {
    const more = fc.record(
      {
        localPref: fc.nat(),
        clusterList: fc.array(fc.nat(), { minLength: 1, maxLength: 70, size: 'max' }),
        originatorId: fc.integer({ min: 1 }),
        otc: fc.integer({ min: 1 }),
        unknown: fc.constant([{ type: 20, flags: 0xc0, value: Uint8Array.of(1) }]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(attributes, more, edits, (base, extra, edit) => {
        const set = { ...base, ...extra };
        const table = new AttributeTable();
        const id = table.intern(set);
        const wire = wireOf(set);
        const run = new RouteRun('ipv4-unicast', false, wire, 0, 0, set.nextHop, 0, set.nextHop.length);
        expect(table.internWire(wire, 0, wire.length, run, 'internal')).toBe(id);
        const { hop, localPref, community, clusterId, originatorId, otc, asn, dropMed } = edit;
        const edited = table.edit(id, {
          nextHop: hop,
          localPref,
          addCommunity: community,
          clusterId,
          originatorId,
          otc,
          prepend: asn === undefined ? undefined : { segment: AS_SEQUENCE, asn },
          drop: dropMed ? typeMask(MED) : undefined,
        });
        const { med, communities = [] } = set;
        const added = community !== undefined && !communities.includes(community) ? [community] : [];
        const expected: RouteAttributes = {
          ...set,
          nextHop: hop ?? set.nextHop,
          asPath: asn === undefined ? set.asPath : prependAs(set.asPath, asn),
          med: dropMed ? undefined : med,
          communities: [...communities, ...added],
          localPref: localPref ?? set.localPref,
          originatorId: set.originatorId ?? originatorId,
          otc: set.otc ?? otc,
          clusterList: clusterId === undefined ? set.clusterList : [clusterId, ...(set.clusterList ?? [])],
        } as RouteAttributes;
        expect(edited).toBe(table.intern(expected));
        expect(table.get(edited)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  const attributes: fc.Arbitrary<RouteAttributes> = fc
    .record({
      hop: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      asns: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      med: fc.nat(2),
      communities: fc.array(fc.nat(1000), { minLength: 1, maxLength: 80, size: 'max' }),
    })
    .map(({ hop, asns, med, communities }) => ({
      origin: 0,
      asPath: [{ kind: 'sequence', asns }],
      nextHop: hop,
      med,
      communities,
    }));

  test('gives equal sets one number, keeps them as they were, and frees them with the last reference', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), attributes, fc.nat()), { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new AttributeTable();
        const held: { id: number; set: RouteAttributes }[] = [];
        for (const [add, set, pick] of list) {
          if (add || held.length === 0) {
            const known = held.find((other) => JSON.stringify(other.set) === JSON.stringify(set));
            const id = table.intern(set);
            if (known !== undefined) expect(id).toBe(known.id);
            held.push({ id, set });
          } else table.release(held.splice(pick % held.length, 1)[0]!.id);
          expect(table.count).toBe(new Set(held.map(({ id }) => id)).size);
        }
        for (const { id, set } of held) {
          expect(table.get(id)).toEqual(set);
          expect(table.med(id)).toBe(set.med);
          expect(table.pathLength(id)).toBe(set.asPath[0]!.asns.length);
          expect(table.neighbourAs(id)).toBe(set.asPath[0]!.asns[0]);
        }
        for (const { id } of held) table.release(id);
        expect(table.count).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

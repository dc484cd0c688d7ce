// Generated tables: the same for a seed, and like the Internet's.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ribPieces } from '../../../lab/mrt/table-dump.ts';
import { generateTable, type TableOptions } from '../../../lab/mrt/table-generator.ts';
import { updatePieces } from '../../../lab/mrt/table-updates.ts';
import { MessageStream } from '../../../protocol/bgp/message/stream.ts';
import { decodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { nlriText } from '../../../protocol/bgp/nlri/prefixes.ts';
import { OneLinePrinter } from '../../../protocol/mrt/one-line.ts';
import { MrtReader } from '../../../protocol/mrt/record.ts';

const HOPS = {
  ipv4: Uint8Array.of(192, 0, 2, 1),
  ipv6: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array(12).fill(1)),
};
const PEER = { id: 1, address: HOPS.ipv4, asn: 64496 };

function lines(options: Partial<TableOptions>): string[] {
  const table = generateTable({ ipv4: 5000, ipv6: 1000, seed: 1, asn: 64496, ...options });
  const reader = new MrtReader();
  const printer = new OneLinePrinter();
  let text = '';
  for (const piece of ribPieces(table, PEER, HOPS, 1_704_067_200)) {
    for (const record of reader.records(piece)) text += printer.print(record);
  }
  reader.end();
  return text.trimEnd().split('\n');
}

describe('a generated table', () => {
  test('is the same for the same seed, on every machine', () => {
    const hash = (seed: number): string =>
      createHash('sha256').update(lines({ seed }).join('\n')).digest('hex');
    expect(hash(1)).toBe(hash(1));
    expect(hash(1)).not.toBe(hash(2));
    expect(hash(1).slice(0, 16)).toBe('adc410d020c1f7b1');
  });

  test('has each prefix once, and as many as were asked for', () => {
    const prefixes = lines({ ipv4: 30_000, ipv6: 5000 }).map((line) => line.split('|')[5]);
    expect(prefixes).toHaveLength(35_000);
    expect(new Set(prefixes).size).toBe(35_000);
    expect(prefixes.filter((prefix) => prefix!.includes(':'))).toHaveLength(5000);
  });

  test('has lengths, paths and shared attributes as a full table', () => {
    const routes = lines({ ipv4: 50_000, ipv6: 0 }).map((line) => line.split('|'));
    const share = (length: number): number =>
      routes.filter(([, , , , , prefix]) => prefix!.endsWith(`/${length}`)).length / routes.length;
    expect(share(24)).toBeGreaterThan(0.5);
    expect(share(24)).toBeLessThan(0.7);
    expect(share(22)).toBeGreaterThan(0.07);
    const hops = routes.map(([, , , , , , path]) => new Set(path!.split(' ')).size);
    const mean = hops.reduce((sum, each) => sum + each, 0) / hops.length;
    expect(mean).toBeGreaterThan(3.2);
    expect(mean).toBeLessThan(4.8);
    const sets = new Set(routes.map((fields) => fields.slice(6).join('|'))).size;
    expect(routes.length / sets).toBeGreaterThan(4);
    expect(routes.length / sets).toBeLessThan(12);
  });

  test('as UPDATEs has the same routes, in messages that every speaker takes', () => {
    const options = { ipv4: 8000, ipv6: 3000, seed: 5, asn: 64496 };
    const seen: string[] = [];
    const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
    const context = {
      fourOctetAs: true,
      extendedMessage: false,
      peerType: 'external',
      firstAs: 64496,
      families,
    } as const;
    for (const { bytes } of updatePieces(generateTable(options), HOPS)) {
      new MessageStream().push(
        bytes,
        () => context,
        (message) => {
          const update = decodeUpdate(message, context);
          expect(update.faults).toEqual([]);
          seen.push(...nlriText({ family: 'ipv4-unicast', bytes: update.nlri }));
          const { mpReach } = update.attributes;
          if (mpReach !== undefined) seen.push(...nlriText({ family: 'ipv6-unicast', bytes: mpReach.nlri }));
          return true;
        },
      );
    }
    expect(seen).toEqual(lines(options).map((line) => line.split('|')[5]));
  });
});

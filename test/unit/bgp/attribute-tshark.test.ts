// What encode writes, as Wireshark reads it: nothing malformed, and the types and values that were meant.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ATTRIBUTES, type PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import { encodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { fromHex } from '../../../protocol/bytes/hex.ts';
import { encodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { encodeTcp } from '../../../protocol/tcp/header.ts';
import { requireTool } from '../../support/tools.ts';
import { SAMPLES } from './attribute-bytes.ts';
import { INTERNAL, OLD } from './update-bytes.ts';

const EMPTY = fromHex('');
const BASE: PathAttributes = {
  origin: 0,
  asPath: [{ kind: 'sequence', asns: [64513] }],
  nextHop: Uint8Array.of(10, 0, 0, 1),
};

/** A TCP segment with one message, each from a port of its own so that none belongs to another's stream. */
function frame(message: Uint8Array, index: number): Uint8Array {
  const addresses = { source: 0x0a000001, destination: 0x0a000002 };
  const segment = encodeTcp(
    {
      sourcePort: 10_000 + index,
      destinationPort: 179,
      sequence: 1,
      acknowledgment: 1,
      flags: 0x18,
      window: 1000,
      urgentPointer: 0,
      options: EMPTY,
      data: message,
    },
    addresses,
  );
  const packet = new Uint8Array(20 + segment.length);
  const header = {
    typeOfService: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: 6,
    ...addresses,
    options: EMPTY,
  };
  packet.set(segment, writeIpv4(packet, 0, header, segment.length));
  return encodeEthernet({ destination: 2, source: 4, type: 0x0800 }, packet);
}

function pcap(frames: readonly Uint8Array[]): Uint8Array {
  const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const parts: Uint8Array[] = [words(0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1)];
  for (const [i, bytes] of frames.entries()) parts.push(words(1 + i, 0, bytes.length, bytes.length), bytes);
  return Buffer.concat(parts);
}

interface Row {
  readonly types: readonly number[];
  readonly malformed: boolean;
  /** Notes of Wireshark at the level of warnings and errors. */
  readonly notes: string;
}

function dissect(messages: readonly Uint8Array[]): Row[] {
  const tshark = requireTool('tshark');
  const folder = mkdtempSync(join(tmpdir(), 'podwire-tshark-'));
  try {
    const file = join(folder, 'frames.pcap');
    writeFileSync(file, pcap(messages.map(frame)));
    const fields = ['bgp.update.path_attribute.type_code', '_ws.malformed', '_ws.expert.message'];
    const selected = fields.flatMap((field) => ['-e', field]);
    const run = spawnSync(
      tshark,
      ['-n', '-r', file, '-T', 'fields', '-E', 'separator=;', '-E', 'occurrence=a', ...selected],
      { encoding: 'utf8' },
    );
    expect(run.status, run.stderr).toBe(0);
    return run.stdout
      .split('\n')
      .slice(0, messages.length)
      .map((line) => {
        const [types = '', malformed = '', notes = ''] = line.split(';');
        return { types: types.split(',').map(Number), malformed: malformed !== '', notes };
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function message(value: PathAttributes, context = INTERNAL): Uint8Array {
  const attributes =
    value.mpReach === undefined ? { ...BASE, ...value } : { ...value, origin: 0, asPath: BASE.asPath! };
  return encodeUpdate({ withdrawn: EMPTY, attributes: attributes as PathAttributes, nlri: EMPTY }, context);
}

test('tshark finds nothing malformed in any attribute', () => {
  const rows = dissect(SAMPLES.map(({ value }) => message(value)));
  for (const [i, { name }] of SAMPLES.entries()) {
    const { type } = ATTRIBUTES.find(([, codec]) => codec.name === name)![1];
    expect({ name, ...rows[i]! }).toMatchObject({ name, malformed: false, notes: '' });
    expect(rows[i]!.types).toContain(type);
  }
});

test('nor in what an old speaker gets, AS4_PATH and AS4_AGGREGATOR among it', () => {
  const wide: PathAttributes = {
    asPath: [{ kind: 'sequence', asns: [64513, 4200000001] }],
    aggregator: { asn: 4200000001, id: 7 },
  };
  const [row] = dissect([message(wide, OLD)]);
  expect(row).toMatchObject({ malformed: false, types: [1, 2, 3, 7, 17, 18] });
});

test('tshark would find a malformed one', () => {
  const bytes = message({});
  const cut = bytes.slice();
  // The length of AS_PATH, so that it runs over NEXT_HOP and past the attributes.
  cut[29] = 0x20;
  const [good, bad] = dissect([bytes, cut]);
  expect(good).toMatchObject({ malformed: false, notes: '' });
  expect(bad!.malformed || bad!.notes !== '').toBe(true);
});

// BGP messages as Wireshark reads them, to check what we write with somebody else's eyes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { encodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { encodeTcp } from '../../../protocol/tcp/header.ts';
import { requireTool } from '../../support/tools.ts';

const EMPTY = new Uint8Array(0);

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

/** What Wireshark makes of one message. */
export interface TsharkRow {
  /** It gave up on the message somewhere, or warns of it. */
  readonly complaints: string;
  /** Values of the fields that were asked for, by name; several joined with a comma, empty for none. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Has tshark read the messages. @param fields names of its fields to give. Skips the test where there is no tshark. */
export function tsharkRead(messages: readonly Uint8Array[], fields: readonly string[]): TsharkRow[] {
  const tshark = requireTool('tshark');
  const folder = mkdtempSync(join(tmpdir(), 'podwire-tshark-'));
  try {
    const file = join(folder, 'frames.pcap');
    writeFileSync(file, pcap(messages.map(frame)));
    const names = ['_ws.malformed', '_ws.expert.message', ...fields];
    const selected = names.flatMap((field) => ['-e', field]);
    const run = spawnSync(
      tshark,
      ['-n', '-r', file, '-T', 'fields', '-E', 'separator=;', '-E', 'occurrence=a', ...selected],
      { encoding: 'utf8' },
    );
    expect(run.status, run.stderr).toBe(0);
    const lines = run.stdout.split('\n').slice(0, messages.length);
    expect(lines.length).toBe(messages.length);
    return lines.map((line) => {
      const [malformed = '', notes = '', ...values] = line.split(';');
      return {
        complaints: malformed + notes,
        fields: Object.fromEntries(fields.map((name, i) => [name, values[i] ?? ''])),
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

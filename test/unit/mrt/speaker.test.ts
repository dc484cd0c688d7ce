// A table loaded into a speaker, and the speaker's dumps.
import { describe, expect, test } from 'vitest';
import { dumpMrt } from '../../../agents/bgp/mrt-dump.ts';
import { TableLoader } from '../../../agents/bgp/mrt-load.ts';
import { ribDump } from '../../../agents/bgp/mrt-rib-dump.ts';
import { MessageFramer } from '../../../agents/bgp/mrt-updates.ts';
import { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { fileName, isFilePattern } from '../../../lab/mrt/file-name.ts';
import { OneLinePrinter } from '../../../protocol/mrt/one-line.ts';
import { MrtReader } from '../../../protocol/mrt/record.ts';
import { silentLog } from '../../support/bgp.ts';
import { SimClock, SimNet, seededRandom } from '../../support/sim-net.ts';
import { PEERS, RIB, RIB6_ADDPATH } from './golden.ts';

const clock = new SimClock();
const net = new SimNet(clock);

function speaker(address: string, asn: number): BgpSpeaker {
  const config = { asn, routerId: address, listen: [{ address, port: 179 }] };
  return new BgpSpeaker(config, { clock, random: seededRandom(asn), tcp: net.tcp(address), log: silentLog });
}

function lines(...pieces: Uint8Array[]): string[] {
  const reader = new MrtReader();
  const printer = new OneLinePrinter();
  const text = pieces.flatMap((piece) => [...reader.records(piece)].map((record) => printer.print(record)));
  reader.end();
  return text.join('').trimEnd().split('\n');
}

function load(into: BgpSpeaker, peer: string | undefined): TableLoader {
  const loader = new TableLoader(into, peer);
  for (const record of new MrtReader().records(Buffer.concat([PEERS, RIB, RIB6_ADDPATH]))) loader.add(record);
  loader.end();
  return loader;
}

describe('a loaded table', () => {
  test('is that of the chosen peer, as if a session had brought it', () => {
    const one = speaker('10.0.0.1', 64512);
    expect(load(one, '2001:db8::1')).toMatchObject({ routes: 1, faulty: 0 });
    expect(one.rib()).toMatchObject([
      { prefix: '2001:db8:5::/48', pathId: 9, asPath: '4200000001', med: 20, source: 'external', best: true },
    ]);
    expect(one.rib()[0]!.peer?.address).toBe('2001:db8::1');
  });

  test('needs a peer that it has', () => {
    expect(() => load(speaker('10.0.0.1', 64512), '192.0.2.9')).toThrow(
      'the table has no peer 192.0.2.9; it has: 192.0.2.1, 2001:db8::1',
    );
    expect(() => load(speaker('10.0.0.1', 64512), undefined)).toThrow('choose one with --as-peer');
  });

  test('dumped again has the same routes, behind own ones', () => {
    const one = speaker('10.0.0.1', 64512);
    load(one, '192.0.2.1');
    one.announce('203.0.113.0/24', { med: 7 });
    expect(lines(...ribDump(one.table, 1_704_067_200)).sort()).toEqual([
      'TABLE_DUMP2|1704067200|B|0.0.0.0|64512|203.0.113.0/24||IGP|0.0.0.0|0|7||NAG||',
      'TABLE_DUMP2|1704067200|B|192.0.2.1|65001|198.51.100.0/24|65001 4200000001|IGP|192.0.2.1|0|0|65001:5 no-export|NAG||',
    ]);
  });
});

test('updates are dumped as they come, with changes of state', async () => {
  const one = speaker('10.0.0.1', 64512);
  const two = speaker('10.0.0.2', 64513);
  one.setPeers([{ name: 'two', address: '10.0.0.2', asn: 64513, passive: true }]);
  two.setPeers([{ name: 'one', address: '10.0.0.1', asn: 64512 }]);
  const pieces: Uint8Array[] = [];
  const abort = new AbortController();
  const done = dumpMrt(one, 'updates', (bytes) => void pieces.push(bytes), abort.signal);
  two.announce('203.0.113.0/24');
  await one.start();
  await two.start();
  clock.run(1000);
  two.withdraw('203.0.113.0/24');
  clock.run(1000);
  abort.abort();
  await done;
  const seen = lines(...pieces).map((line) =>
    line
      .split('|')
      .filter((_field, index) => index !== 1)
      .join('|'),
  );
  expect(seen).toContain('BGP4MP_ET|A|10.0.0.2|64513|203.0.113.0/24|64513|IGP|10.0.0.2|0|0||NAG||');
  expect(seen).toContain('BGP4MP_ET|W|10.0.0.2|64513|203.0.113.0/24');
  expect(seen).toContain('BGP4MP_ET|STATE|10.0.0.2|64513|5|6');
  const stopped = Promise.all([one.stop(), two.stop()]);
  await clock.outcome(stopped);
});

test('a stream is joined at the next message', () => {
  const keepalive = Uint8Array.from(Buffer.from(`${'ff'.repeat(16)}001304`, 'hex'));
  const stream = Buffer.concat([Buffer.from('ffff00ffffffffff', 'hex'), keepalive, keepalive]);
  for (let size = 1; size <= stream.length; size++) {
    const framer = new MessageFramer();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const each of framer.messages(stream.subarray(at, at + size)))
        found.push(Buffer.from(each).toString('hex'));
    }
    expect(found.at(-1)).toBe(Buffer.from(keepalive).toString('hex'));
    expect(found.length).toBeGreaterThanOrEqual(1);
  }
});

test('names of dumps carry the time in UTC', () => {
  expect(fileName('/d/rib.%Y%m%d.%H%M-%s%%.gz', 1_704_067_260)).toBe('/d/rib.20240101.0001-1704067260%.gz');
  expect(isFilePattern('%F %T')).toBe(true);
  expect(isFilePattern('%Q')).toBe(false);
  expect(isFilePattern('50%')).toBe(false);
});

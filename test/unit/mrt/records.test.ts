// Records byte by byte, against what the RFCs draw.
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { jsonRecords } from '../../../protocol/mrt/json.ts';
import { decodeRecord, writeRecord } from '../../../protocol/mrt/message.ts';
import { OneLinePrinter } from '../../../protocol/mrt/one-line.ts';
import { MrtReader } from '../../../protocol/mrt/record.ts';
import { AS4_UPDATE, bytes, PEERS, RIB, RIB6_ADDPATH, STATE, stateOfPeer, TABLE_DUMP } from './golden.ts';

const ALL = [PEERS, RIB, RIB6_ADDPATH, AS4_UPDATE, STATE, TABLE_DUMP];

/** What bgpdump 1.6.2 prints for {@link ALL}; test/interop/mrt.test.ts asks it. */
const LINES = [
  'TABLE_DUMP2|1704067200|B|192.0.2.1|65001|198.51.100.0/24|65001 4200000001|IGP|192.0.2.1|0|0|65001:5 no-export|NAG||',
  'TABLE_DUMP2_AP|1704067200|B|2001:db8::1|4200000001|2001:db8:5::/48|9|4200000001|INCOMPLETE|2001:db8::1|0|20||NAG||',
  'BGP4MP|1704067201|W|192.0.2.1|65001|203.0.113.0/24',
  'BGP4MP|1704067201|A|192.0.2.1|65001|198.51.100.0/24|65001 4200000001|IGP|192.0.2.1|0|0||NAG||',
  'BGP4MP_ET|1704067202.000042|STATE|192.0.2.1|65001|5|6',
  'TABLE_DUMP|1704067203|B|192.0.2.1|65001|198.51.100.0/24|65001 3356|IGP|192.0.2.1|0|0||NAG||',
];

function print(file: Uint8Array, size = file.length): string {
  const reader = new MrtReader();
  const printer = new OneLinePrinter();
  let text = '';
  for (let at = 0; at < file.length; at += size) {
    for (const record of reader.records(file.slice(at, at + size))) text += printer.print(record);
  }
  reader.end();
  return text;
}

describe('MRT records', () => {
  test.each([1, 7, 12, 64, 4096])('read alike in pieces of %i octets', (size) => {
    expect(print(Buffer.concat(ALL), size).trimEnd().split('\n')).toEqual(LINES);
  });

  // As bgpdump 1.6.2; the interop test asks it.
  test.each([
    ['20010db8 0001 0000 0001 0002 0003 0004', '2001:db8:1::1:2:3:4'],
    ['0000 0001 0000 0002 0003 0004 0005 0006', '::1:0:2:3:4:5:6'],
    ['20010db8 0000 0001 0000 0000 0000 0001', '2001:db8:0:1::1'],
    ['20010db8 0001 0002 0003 0004 0005 0000', '2001:db8:1:2:3:4:5::'],
    ['0000 0000 0000 0000 0000 ffff c000 0201', '::ffff:192.0.2.1'],
    ['0000 0000 0000 0000 0000 0000 0000 0005', '::0.0.0.5'],
    ['0000 0000 0000 0000 0000 0000 0000 0001', '::1'],
  ])('print the address %s as %s', (address, text) => {
    expect(print(stateOfPeer(address))).toBe(`BGP4MP|1704067204|STATE|${text}|65001|5|6\n`);
  });

  test('written again are the same octets', () => {
    // AS numbers of the peer index table are all written with 4 octets.
    for (const file of ALL.slice(1)) {
      const [record] = [...new MrtReader().records(file)];
      const writer = new ByteWriter();
      writeRecord(writer, decodeRecord(record!)!, record!);
      expect(Buffer.from(writer.view()).toString('hex')).toBe(Buffer.from(file).toString('hex'));
    }
  });

  test('as JSON have the names of podwire bgp rib', () => {
    const printer = jsonRecords();
    const objects = ALL.flatMap((file) => [...new MrtReader().records(file)])
      .flatMap((record) => printer.print(record).trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ kind }) => kind)).toEqual(['PEERS', 'B', 'B', 'W', 'A', 'STATE', 'B']);
    expect(objects[2]).toEqual({
      kind: 'B',
      time: 1704067200,
      peer: { address: '2001:db8::1', asn: 4200000001 },
      family: 'ipv6-unicast',
      prefix: '2001:db8:5::/48',
      pathId: 9,
      originated: 0x65910000,
      nextHop: '2001:db8::1',
      origin: 'INCOMPLETE',
      asPath: '4200000001',
      med: 20,
      communities: [],
    });
    expect(objects[4]).toMatchObject({ asPath: '65001 4200000001', nextHop: '192.0.2.1' });
    expect(objects[5]).toMatchObject({
      time: 1704067202.000042,
      before: 'OpenConfirm',
      after: 'Established',
    });
  });

  test('of other types are counted and passed over', () => {
    const other = bytes('65920080 0030 0001 00000002 abcd');
    const printer = new OneLinePrinter();
    for (const record of new MrtReader().records(Buffer.concat([other, PEERS, RIB]))) printer.print(record);
    expect([printer.lines, printer.skipped]).toEqual([1, 1]);
  });
});

describe('damaged MRT files', () => {
  /** The DecodeError that reading throws. */
  function fault(file: Uint8Array): DecodeError {
    try {
      print(file);
    } catch (error) {
      if (error instanceof DecodeError) return error;
      throw error;
    }
    throw new Error('was read');
  }

  test('say where a record is cut off', () => {
    const cut = Buffer.concat([PEERS, RIB.subarray(0, 40)]);
    expect(fault(cut)).toMatchObject({ offset: PEERS.length });
    expect(fault(cut).message).toContain('record of 65 octets is cut off after 40 octets');
    expect(fault(PEERS.subarray(0, 5)).message).toContain('header is cut off after 5 octets');
  });

  test('do not make the reader wait for gigabytes', () => {
    expect(fault(bytes('65920080 000d 0002 ffffffff 00')).message).toContain('at most');
  });

  test('say at which octet of the file a field is wrong', () => {
    const wrong = RIB.slice();
    wrong[16] = 33;
    expect(fault(Buffer.concat([PEERS, wrong]))).toMatchObject({ offset: PEERS.length + 16 });
    const unknownPeer = RIB.slice();
    unknownPeer[23] = 2;
    expect(fault(Buffer.concat([PEERS, unknownPeer])).message).toContain(
      'peer 2 is not in the peer index table',
    );
    const tooMany = RIB.slice();
    tooMany[20] = 0xff;
    expect(fault(Buffer.concat([PEERS, tooMany]))).toMatchObject({ offset: PEERS.length + 20 });
  });
});

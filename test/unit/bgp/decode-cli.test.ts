import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decoderFor } from '../../../lab/cli/bgp-decode-decoders.ts';
import { type DecodeRecord, jsonRecord } from '../../../lab/cli/bgp-decode-record.ts';
import { recordText } from '../../../lab/cli/bgp-decode-text.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { root } from '../../support/root.ts';
import { podwire, type Ran } from '../lab/support/fake-lab.ts';
import { attributes, KEEPALIVE, message, open, packet, pcap, session, update } from './decode-cli-capture.ts';

const FF = 'ff'.repeat(16);

/** A file with this content, for the length of the test. */
function file(name: string, content: Uint8Array | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-decode-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function decode(...args: readonly string[]): Promise<Ran> {
  return podwire(['bgp', 'decode', ...args]);
}

// biome-ignore lint/suspicious/noExplicitAny: the JSON of docs/bgp-decode.md
type Json = any;

/** The records of an input, and the exit code. */
async function records(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly list: Json[] }> {
  const { code, stdout } = await decode(...args, '--format', 'json');
  return {
    code,
    list: stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  };
}

/** Every field below, by name. */
function find(fields: readonly Json[], name: string): Json[] {
  return fields.flatMap((field) => [
    ...(field.name === name ? [field] : []),
    ...find(field.children ?? [], name),
  ]);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Four-octet AS capability of AS 65001, and of another one. */
const AS4: readonly [number, string] = [65, '0000fde9'];
const OTHER_AS4: readonly [number, string] = [65, '0000fdea'];
const UPDATE4 = update(attributes(4), '18cb0071');
const UPDATE2 = update(attributes(2), '18cb0071');

describe('the text form', () => {
  test('is a tree with aligned octets', async () => {
    const { code, stdout, stderr } = await decode(toHex(concat(KEEPALIVE, message(3, '0602'))));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`#1 KEEPALIVE, 19 octets
   0..18  header
   0..15    marker: ${FF}
  16..17    length: 19
      18    type: KEEPALIVE (4)

#2 NOTIFICATION, 21 octets
   0..18  header
   0..15    marker: ${FF}
  16..17    length: 21
      18    type: NOTIFICATION (3)
      19  error code: Cease (6)
      20  error subcode: Administrative Shutdown (2)

`);
  });

  test('says what a receiver does about a fault, and where it is', async () => {
    const { code, stdout } = await decode('--asn4', toHex(update('40010105', '18cb0071')));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^#1 UPDATE, 31 octets, malformed\n/);
    expect(stdout).toMatch(/\n {6}26 {6}origin: .*\n {14}! treat-as-withdraw: .* \(RFC 7606 §7\.1\)/);
  });

  test('says what NOTIFICATION answers a fault that ends the session', async () => {
    const { code, stdout } = await decode(toHex(message(9, 'aa')));
    expect(code).toBe(1);
    expect(stdout).toContain('→ NOTIFICATION 1/3 Message Header Error: Bad Message Type');
  });

  test('has colours where they are asked for', async () => {
    const plain = await podwire(['bgp', 'decode', toHex(KEEPALIVE)]);
    const colours = await podwire(['bgp', 'decode', toHex(KEEPALIVE)], { env: { FORCE_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\x1b');
    expect(colours.stdout).toContain('\x1b[');
  });

  test('of a capture has ends, frame and time', async () => {
    const capture = file('a.pcap', pcap(session([[0, KEEPALIVE]]).map(packet)));
    const { stdout } = await decode(capture);
    expect(stdout.split('\n')[0]).toBe(
      '#1 KEEPALIVE, 19 octets · 192.0.2.1:40000 → 192.0.2.2:179 · frame 3 · 2026-01-31 12:00:00.002000000 UTC',
    );
  });
});

describe('the JSON form', () => {
  test('is what the documentation says', async () => {
    const text = readFileSync(join(root, 'docs', 'bgp-decode.md'), 'utf8');
    const [, command, json] = /```sh\npodwire (bgp decode [^\n]*)\n```\s*```json\n([^`]*)```/.exec(text)!;
    const { stdout } = await podwire(command!.split(' '));
    expect(JSON.parse(stdout)).toEqual(JSON.parse(json!));
  });

  test('has every key that the documentation describes, and no other', async () => {
    const text = readFileSync(join(root, 'docs', 'bgp-decode.md'), 'utf8');
    const documented = new Set([...text.matchAll(/^\| `([a-zA-Z]+)`/gm)].map(([, key]) => key!));
    const bad = update('40010105', '18cb0071');
    const pieces = session([
      [0, open(65001, AS4)],
      [1, open(65001, AS4)],
      [0, bad],
      [1, concat(KEEPALIVE, KEEPALIVE).subarray(0, 30)],
      [0, message(9)],
    ]);
    const lost = pcap([...pieces.map(packet), packet({ from: 0, sequence: 9000, data: KEEPALIVE })]);
    const { list } = await records(file('a.pcap', lost));
    const keys = new Set<string>();
    const collect = (value: Json): void => {
      if (Array.isArray(value)) value.forEach(collect);
      else if (value !== null && typeof value === 'object') {
        for (const [key, item] of Object.entries(value)) {
          keys.add(key);
          collect(item);
        }
      }
    };
    collect(list);
    expect([...keys].filter((key) => !documented.has(key))).toEqual([]);
    expect([...documented].filter((key) => !keys.has(key))).toEqual([]);
  });
});

describe('inputs', () => {
  const hex = toHex(KEEPALIVE);
  test.each([
    ['plain', hex],
    ['upper case', hex.toUpperCase()],
    ['with 0x', `0x${hex}`],
    ['each octet with 0x', hex.replaceAll(/../g, '0x$&, ')],
    ['each octet with \\x', hex.replaceAll(/../g, '\\x$&')],
    ['colons', hex.match(/../g)!.join(':')],
    ['spaces', hex.match(/../g)!.join(' ')],
    ['words', hex.match(/.{1,4}/g)!.join(' ')],
  ])('hex: %s', async (_name, text) => {
    expect((await decode(text)).stdout).toContain('#1 KEEPALIVE, 19 octets\n');
  });

  test.each([
    [
      'hex in a file, with comments and line ends',
      `# a KEEPALIVE\n${hex.slice(0, 20)} # its marker\r\n${hex.slice(20)}\n`,
    ],
    ['octets', KEEPALIVE],
    ['octets, compressed', gzipSync(KEEPALIVE)],
    ['a capture', pcap(session([[0, KEEPALIVE]]).map(packet))],
    ['a capture, compressed', gzipSync(pcap(session([[0, KEEPALIVE]]).map(packet)))],
  ])('%s', async (_name, content) => {
    const { code, stdout } = await decode(file('input', content));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^#1 KEEPALIVE, 19 octets/);
  });

  test('standard input, and a reader that goes away', () => {
    const run = (command: string, input: Uint8Array): string => {
      const podwire = `${process.execPath} ${join(root, 'bin', 'podwire.mjs')}`;
      const { status, stdout } = spawnSync(
        'bash',
        ['-o', 'pipefail', '-c', command.replace('podwire', podwire)],
        { input },
      );
      return `${status} ${stdout}`;
    };
    expect(run('podwire bgp decode - | head -1', KEEPALIVE)).toContain('#1 KEEPALIVE, 19 octets\n');
    const many = concat(...Array.from({ length: 4000 }, () => KEEPALIVE));
    expect(run('podwire bgp decode - | head -1', many)).toBe('0 #1 KEEPALIVE, 19 octets\n');
  });

  test.each<[string, () => string[], number, string]>([
    [
      'a digit that is none',
      () => [`${FF}0013zz`],
      2,
      'argument: expected a hex digit at offset 36, found "z"',
    ],
    ['an odd number of digits', () => [`${FF}00130`], 2, 'argument: odd number of hex digits'],
    [
      'a file with a bad line',
      () => [file('m.hex', 'ff\nff gg\n')],
      2,
      'expected a hex digit at offset 6 (line 2), found "g"',
    ],
    ['no such file', () => ['no/such.pcap'], 2, '"no/such.pcap" is neither a file nor hex'],
    ['a folder', () => [tmpdir()], 2, `${tmpdir()} is a folder`],
    ['an empty file', () => [file('empty', '')], 1, 'empty is empty'],
    [
      'damaged gzip',
      () => [file('a.gz', gzipSync(KEEPALIVE).subarray(0, 15))],
      1,
      'a.gz: unexpected end of file',
    ],
    ['both sizes', () => [FF, '--asn2', '--asn4'], 2, "option '--asn4' cannot be used with option '--asn2'"],
    ['another family', () => [FF, '--add-path', 'ipv5'], 2, 'Allowed choices are ipv4-unicast, '],
    ['another port', () => [FF, '--port', '0'], 2, 'Expected a whole number from 1 to 65535.'],
    ['another format', () => [FF, '--format', 'xml'], 2, 'Allowed choices are table, text, json.'],
    ['nothing', () => [], 2, "missing required argument 'hex|file|-'"],
  ])('%s', async (_name, args, expected, text) => {
    const { code, stdout, stderr } = await decode(...args());
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(text);
    expect(stderr.split('\n').length).toBeLessThanOrEqual(3);
  });
});

describe('single messages', () => {
  test.each([
    ['four-octet', UPDATE4, true],
    ['two-octet', UPDATE2, false],
  ])('the size of AS numbers is guessed: %s', async (_name, bytes, fourOctetAs) => {
    const { code, list } = await records(toHex(bytes));
    expect(code).toBe(0);
    expect(list[0].context).toMatchObject({ fourOctetAs, guessed: ['fourOctetAs', 'addPath', 'peerType'] });
    expect(find(list[0].fields, 'AS').map(({ value }) => value)).toEqual([65001]);
  });

  test('--asn2 and --asn4 are no guesses', async () => {
    expect((await records(toHex(UPDATE2), '--asn2')).list[0].context).toMatchObject({
      fourOctetAs: false,
      guessed: ['addPath', 'peerType'],
    });
    const { code, list } = await records(toHex(UPDATE2), '--asn4');
    expect(code).toBe(1);
    expect(list[0].outcome).toBe('treat-as-withdraw');
  });

  test('--add-path reads path identifiers of its families', async () => {
    const bytes = toHex(update(attributes(4), '00000007 18cb0071'));
    const { list } = await records(bytes, '--add-path', 'ipv4-unicast', '--add-path', 'ipv6-unicast');
    expect(list[0].context.addPath).toEqual(['ipv4-unicast', 'ipv6-unicast']);
    expect(list[0].malformed).toBe(false);
    expect(find(list[0].fields, 'prefix').map(({ value }) => value)).toEqual(['203.0.113.0/24']);
  });

  test('path identifiers are guessed where routes make no sense without', async () => {
    const one = update(attributes(4), '00000002 18cb0071');
    const four = update(attributes(4), '00000001 18cb0071 00000001 00');
    const { code, list } = await records(toHex(concat(one, four)));
    expect(code).toBe(0);
    expect(list.map((record) => find(record.fields, 'prefix').map(({ value }) => value))).toEqual([
      ['203.0.113.0/24'],
      ['203.0.113.0/24', '0.0.0.0/0'],
    ]);
    expect(list[0].context.addPath).toContain('ipv4-unicast');
    expect(list[0].context.guessed).toContain('addPath');
  });

  test('a message that is cut off is shown as far as it is there, and is malformed', async () => {
    const { code, list } = await records(toHex(UPDATE4.subarray(0, 30)));
    expect(code).toBe(1);
    expect(list[0]).toMatchObject({
      type: 'UPDATE',
      length: 30,
      missing: UPDATE4.length - 30,
      malformed: true,
    });
  });

  test('what follows a wrong header is skipped up to the next marker', async () => {
    const { code, list } = await records(toHex(concat(message(4, 'aabb').fill(0xfe, 3, 4), KEEPALIVE)));
    expect(code).toBe(1);
    expect(list.map(({ kind, type, octets }) => [kind, type ?? octets])).toEqual([
      ['message', 'KEEPALIVE'],
      ['skipped', 2],
      ['message', 'KEEPALIVE'],
    ]);
    expect(list[0].notification).toEqual({ code: 1, subcode: 1, data: '' });
  });
});

describe('sessions', () => {
  /** Records of a session in which each piece is a segment. */
  async function sessionRecords(
    pieces: Parameters<typeof session>[0],
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly list: Json[] }> {
    return records(file('a.pcap', pcap(session(pieces).map(packet))), ...args);
  }

  test('AS numbers have four octets where both OPENs say so', async () => {
    const both = await sessionRecords([
      [0, open(65001, AS4)],
      [1, open(65002, OTHER_AS4)],
      [0, UPDATE4],
    ]);
    expect(both.code).toBe(0);
    expect(both.list[2].context).toMatchObject({ fourOctetAs: true, peerType: 'external', guessed: [] });
    const one = await sessionRecords([
      [0, open(65001, AS4)],
      [1, open(65001)],
      [0, UPDATE2],
    ]);
    expect(one.code).toBe(0);
    expect(one.list[2].context).toMatchObject({ fourOctetAs: false, peerType: 'internal', guessed: [] });
  });

  test('what the OPENs say counts, whatever the command line says', async () => {
    const { code, list } = await sessionRecords(
      [
        [0, open(65001)],
        [1, open(65002)],
        [0, UPDATE2],
      ],
      '--asn4',
      '--add-path',
      'ipv4-unicast',
    );
    expect(code).toBe(0);
    expect(list[2].context).toMatchObject({ fourOctetAs: false, addPath: [], guessed: [] });
  });

  test('path identifiers go from who can send to who can receive', async () => {
    const sends: [number, string] = [69, '00010102'];
    const receives: [number, string] = [69, '00010101'];
    const { code, list } = await sessionRecords([
      [0, open(65001, AS4, sends)],
      [1, open(65002, OTHER_AS4, receives)],
      [0, update(attributes(4), '00000001 18cb0071')],
      [1, update(attributes(4), '18cb0071')],
    ]);
    expect(code).toBe(0);
    expect(list.map(({ context }) => context?.addPath)).toEqual([undefined, undefined, ['ipv4-unicast'], []]);
  });

  test('only who advertised it takes long messages', async () => {
    const long = update(attributes(4), '18cb0071'.repeat(1200));
    const { code, list } = await sessionRecords([
      [0, open(65001, AS4, [6, ''])],
      [1, open(65002, OTHER_AS4)],
      [1, long],
      [0, long],
      [0, KEEPALIVE],
    ]);
    expect(code).toBe(1);
    const summary = list.map(({ kind, type, length, notification }) => [
      kind,
      type,
      length,
      notification?.subcode,
    ]);
    expect(summary.slice(2)).toEqual([
      ['message', 'UPDATE', long.length, undefined],
      ['message', 'UPDATE', 19, 2],
      ['skipped', undefined, undefined, undefined],
      ['message', 'KEEPALIVE', 19, undefined],
    ]);
  });

  test('confederations show in their AS paths', async () => {
    const confederation = '40010100 400206 0301 0000fde9 400304 c0000201 400504 00000064';
    const local = '40010100 400206 0201 0000fde9 400304 c0000201 400504 00000064';
    const opens: [0 | 1, Uint8Array][] = [
      [0, open(65001, AS4)],
      [1, open(65002, OTHER_AS4)],
    ];
    const member = await sessionRecords([...opens, [0, update(confederation, '18cb0071')]]);
    expect(member.list[2]).toMatchObject({ malformed: false, context: { peerType: 'confederation' } });
    // LOCAL_PREF alone is what an external peer must not send.
    const external = await sessionRecords([...opens, [0, update(local, '18cb0071')]]);
    expect(external.list[2]).toMatchObject({
      outcome: 'attribute-discard',
      context: { peerType: 'external' },
    });
  });

  test('a capture without the OPENs, from the middle of a message', async () => {
    const pieces: [0 | 1, Uint8Array][] = [
      [0, UPDATE2.subarray(25)],
      [0, UPDATE2],
      [0, update(attributes(2), '')],
    ];
    const { code, list } = await records(file('a.pcap', pcap(session(pieces, false).map(packet))));
    expect(code).toBe(0);
    expect(list.map(({ kind, octets }) => [kind, octets])).toEqual([
      ['skipped', UPDATE2.length - 25],
      ['message', undefined],
      ['message', undefined],
    ]);
    expect(list[1].context).toMatchObject({
      fourOctetAs: false,
      guessed: ['fourOctetAs', 'addPath', 'peerType'],
    });
  });

  test('what is lost is a gap, and decoding goes on with the next message', async () => {
    const segments = session([
      [0, open(65001)],
      [1, open(65002)],
      [0, UPDATE2.subarray(0, 30)],
      [0, UPDATE2.subarray(30)],
      [0, KEEPALIVE],
    ]);
    segments.splice(5, 1);
    const { code, list } = await records(file('a.pcap', pcap(segments.map(packet))));
    expect(code).toBe(0);
    const lost = UPDATE2.length - 30;
    expect(list.slice(2).map(({ kind, type, octets }) => [kind, type ?? octets])).toEqual([
      ['gap', lost],
      ['skipped', 30],
      ['message', 'KEEPALIVE'],
    ]);
    expect(list[2]).toMatchObject({ connection: 1, source: { address: '192.0.2.1', port: 40000 } });
  });

  test('a capture that ends inside a packet shows what is before, and fails', async () => {
    const bytes = pcap(
      session([
        [0, KEEPALIVE],
        [1, KEEPALIVE],
      ]).map(packet),
    );
    const { code, stdout, stderr } = await decode(file('a.pcap', bytes.subarray(0, -4)));
    expect(code).toBe(1);
    expect(stdout.match(/^#\d+ KEEPALIVE/gm)).toHaveLength(1);
    expect(stderr).toMatch(
      /^podwire: .*a\.pcap: pcap stream, offset \d+: ends after \d+ bytes of a packet\n$/,
    );
  });

  test('other ports, other links', async () => {
    const bytes = pcap(session([[0, KEEPALIVE]]).map(packet));
    const none = await decode(file('a.pcap', bytes), '--port', '1179');
    expect(none).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'podwire: none of 3 packets is of TCP port 1179; --port names another\n',
    });
    expect((await records(file('a.pcap', bytes), '--port', '1179', '--port', '40000')).list).toHaveLength(1);
    const strange = await decode(file('a.pcap', pcap(session([[0, KEEPALIVE]]).map(packet), 147)));
    expect(strange.stderr).toContain('podwire: 3 packets of link type 147 were not looked into\n');
  });

  test('any cutting into segments, order and repetition gives the same messages', () => {
    const stream = concat(open(65001, AS4), KEEPALIVE, UPDATE4, UPDATE4, message(3, '0602'));
    const told = (frames: readonly Uint8Array[]): Json[] => {
      const list: Json[] = [];
      const decoder = decoderFor(pcap([]), 'test', {}, [179], (record) => {
        const { frame: _frame, time: _time, ...rest } = jsonRecord(record) as Json;
        list.push(rest);
      });
      decoder.push(pcap(frames));
      decoder.end();
      return list;
    };
    const expected = told(session([[0, stream]]).map(packet));
    expect(expected).toHaveLength(5);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(), { maxLength: 40 }), (size, swaps) => {
        const pieces: [0, Uint8Array][] = [];
        for (let at = 0; at < stream.length; at += size) pieces.push([0, stream.subarray(at, at + size)]);
        const [syn, answer, ...segments] = session(pieces);
        for (const [i, swap] of swaps.entries()) {
          const a = i % segments.length;
          const b = swap % segments.length;
          [segments[a], segments[b]] = [segments[b]!, segments[a]!];
          if (swap % 3 === 0) segments.push(segments[a]!);
        }
        expect(told([syn!, answer!, ...segments].map(packet))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe('any input', () => {
  /** Decodes and prints in both forms; a fault of the file is a DecodeError, and nothing else is thrown. */
  function survives(bytes: Uint8Array): void {
    const paint = (_style: unknown, text: string): string => text;
    const emit = (record: DecodeRecord): void => {
      JSON.stringify(jsonRecord(record));
      recordText(record, paint);
    };
    try {
      const decoder = decoderFor(bytes.subarray(0, 16), 'test', {}, [179], emit);
      for (let at = 0; at < bytes.length; at += 50) decoder.push(bytes.subarray(at, at + 50));
      decoder.end();
    } catch (error) {
      if (error instanceof DecodeError) return;
      expect((error as Error).name).toBe('CliError');
    }
  }

  test('arbitrary octets, also after markers', () => {
    const marked = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(KEEPALIVE.subarray(0, 16))),
    );
    fc.assert(
      fc.property(marked, (parts) => survives(concat(...parts))),
      { numRuns: 1000 },
    );
  });

  test('captures and messages with changed octets', () => {
    const capture = pcap(
      session([
        [0, open(65001, AS4, [69, '00010103'], [6, ''])],
        [1, open(65002, OTHER_AS4, [69, '00010103'])],
        [0, concat(UPDATE4, KEEPALIVE, UPDATE4)],
        [1, concat(message(5, '00010001'), message(3, '0602 05 68656c6c6f'))],
      ]).map(packet),
    );
    const messages = concat(open(65001, AS4), UPDATE4, UPDATE2, KEEPALIVE);
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(capture, messages),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (bytes, changes) => {
          const copy = bytes.slice();
          for (const [at, value] of changes) copy[at % copy.length] = value;
          survives(copy);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of speakers' files
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatProblem } from '../../../lab/file/problem.ts';
import { speakerSchemaFile } from '../../../lab/schema/generate.ts';
import { type SpeakerFile, SpeakerFileError } from '../../../lab/speaker/build.ts';
import { parseSpeakerFile } from '../../../lab/speaker/parse-file.ts';
import { readSpeakerFile } from '../../../lab/speaker/read-file.ts';
import { route } from '../bgp/policy-support.ts';

const manual = readFileSync(join(import.meta.dirname, '../../../docs/speaker-file.md'), 'utf8');

/** The file of the issue that asked for it; scripts rely on the form. */
const EXAMPLE = `
asn: 65000
routerId: 192.0.2.1
listen: [{ address: 127.0.0.1, port: 179 }]
peers:
  - { address: 127.0.0.2, asn: 65001, passive: true, multihop: 64, families: [ipv4-unicast] }
  - { range: 127.0.0.0/16, asn: 65000, passive: true, routeReflectorClient: true }     # dynamic neighbours
clusterId: 192.0.2.1
networks: [198.51.100.0/24]
policies:
api: { socket: /run/podwire/speaker.sock }
`;

const read = (text: string, env: Record<string, string> = {}): SpeakerFile =>
  parseSpeakerFile(text, 'speaker.yaml', env);

/** A file with the two fields that every one needs in its first two lines. */
const speaker = (...lines: string[]): SpeakerFile =>
  read(['asn: 65000', 'routerId: 192.0.2.1', ...lines].join('\n'));

function problems(text: string, env: Record<string, string> = {}): string[] {
  try {
    read(text, env);
  } catch (error) {
    if (error instanceof SpeakerFileError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

describe('a speaker’s file', () => {
  test('in the form that scripts rely on', () => {
    expect(read(EXAMPLE)).toEqual({
      speaker: {
        asn: 65000,
        routerId: '192.0.2.1',
        listen: [{ address: '127.0.0.1', port: 179 }],
        clusterId: '192.0.2.1',
      },
      peers: [
        {
          name: '127.0.0.2',
          address: '127.0.0.2',
          asn: 65001,
          passive: true,
          multihop: 64,
          families: ['ipv4-unicast'],
        },
      ],
      ranges: [
        {
          name: '127.0.0.0/16',
          range: '127.0.0.0/16',
          asn: 65000,
          passive: true,
          routeReflectorClient: true,
        },
      ],
      networks: [{ prefix: '198.51.100.0/24' }],
      nextHops: undefined,
      api: { socket: '/run/podwire/speaker.sock' },
      log: undefined,
    });
  });

  test('of two lines', () => {
    expect(speaker()).toEqual({
      speaker: { asn: 65000, routerId: '192.0.2.1', listen: [] },
      peers: [],
      ranges: [],
      networks: [],
      nextHops: undefined,
      api: undefined,
      log: undefined,
    });
  });

  test('short forms are spelled out', () => {
    const {
      speaker: config,
      networks,
      nextHops,
      log,
    } = speaker(
      'multipath: 4',
      'restarting: true',
      'nextHops: [192.0.2.0/24, { prefix: 198.51.100.0/24, cost: 5 }]',
      'networks: [203.0.113.0/24, { prefix: 203.0.114.0/24, med: 5, communities: ["65000:1:1"] }]',
      'log: { level: warn }',
      'listen: [{ address: "::1" }]',
    );
    expect(config).toEqual({
      asn: 65000,
      routerId: '192.0.2.1',
      listen: [{ address: '::1', port: 179 }],
      multipath: { ebgp: 4, ibgp: 4 },
      restarting: {},
    });
    expect(networks).toEqual([
      { prefix: '203.0.113.0/24' },
      { prefix: '203.0.114.0/24', med: 5, communities: ['65000:1:1'] },
    ]);
    expect(nextHops).toEqual([{ prefix: '192.0.2.0/24' }, { prefix: '198.51.100.0/24', cost: 5 }]);
    expect(log).toEqual({ level: 'warn' });
  });

  test('settings of peers', () => {
    const { peers } = speaker(
      'peers:',
      '  - { address: 192.0.2.2, asn: internal, localAsn: 65009, multihop: true, gracefulRestart: true }',
      '  - { address: 192.0.2.3, asn: any, multihop: false, ttlSecurity: true, gracefulRestart: false }',
      '  - { address: 192.0.2.4, asn: [1, 2], extendedNextHop: true, ao: { keys: [{ sendId: 1, receiveId: 2, key: k }] } }',
      '  - { address: 192.0.2.5, asn: 1, families: { ipv4-unicast: { maxPrefixes: 10, addPath: { send: all } }, l2vpn-evpn: null, ipv6-unicast: { required: true } } }',
    );
    expect(peers).toEqual([
      {
        name: '192.0.2.2',
        address: '192.0.2.2',
        asn: 65009,
        localAsn: 65009,
        multihop: 255,
        gracefulRestart: {},
      },
      { name: '192.0.2.3', address: '192.0.2.3', asn: 'any', ttlSecurity: 1 },
      {
        name: '192.0.2.4',
        address: '192.0.2.4',
        asn: [1, 2],
        familySettings: [{ family: 'ipv4-unicast', extendedNextHop: true }],
        ao: [{ sendId: 1, receiveId: 2, key: 'k', algorithm: 'hmac-sha-1-96' }],
      },
      {
        name: '192.0.2.5',
        address: '192.0.2.5',
        asn: 1,
        families: ['ipv4-unicast', 'ipv6-unicast', 'l2vpn-evpn'],
        familySettings: [
          { family: 'ipv4-unicast', maxPrefixes: { limit: 10 }, addPath: { send: 'all' } },
          { family: 'ipv6-unicast', required: true },
        ],
      },
    ]);
  });

  test('groups are inherited, and overridden as a whole', () => {
    const { peers, ranges } = speaker(
      'peerGroups:',
      '  g: { asn: internal, holdTime: 9, families: [ipv4-unicast, l2vpn-evpn], routeReflectorClient: true }',
      'peers:',
      '  - { address: 192.0.2.2, group: g, holdTime: 30 }',
      '  - { range: 192.0.2.0/24, group: g, name: dynamic, families: [ipv6-unicast], limit: 5 }',
    );
    expect(peers).toEqual([
      {
        name: '192.0.2.2',
        address: '192.0.2.2',
        group: 'g',
        asn: 65000,
        holdTime: 30,
        families: ['ipv4-unicast', 'l2vpn-evpn'],
        routeReflectorClient: true,
      },
    ]);
    expect(ranges).toEqual([
      {
        name: 'dynamic',
        range: '192.0.2.0/24',
        limit: 5,
        group: 'g',
        asn: 65000,
        holdTime: 9,
        families: ['ipv6-unicast'],
        routeReflectorClient: true,
      },
    ]);
  });

  test('policies are compiled, several into one', () => {
    const { peers } = speaker(
      'prefixSets: { ten: [10.0.0.0/8+] }',
      'policies:',
      '  a: [{ match: { prefixSet: ten }, set: { localPref: 7 } }]',
      '  b: { statements: [{ match: { localPref: 7 }, then: accept }] }',
      'peers: [{ address: 192.0.2.2, asn: 1, importPolicy: [a, b], exportPolicy: b }]',
    );
    const [peer] = peers;
    expect(peer?.importPolicy?.apply(route())).toMatchObject({ localPref: 7 });
    expect(peer?.importPolicy?.apply(route({ prefix: '11.0.0.0/8' }))).toBeUndefined();
    expect(peer?.exportPolicy?.apply(route())).toBeUndefined();
  });

  test('environment variables are put in', () => {
    const text = EXAMPLE.replace('65001', '${PEER_ASN}').replace('127.0.0.2', '${PEER:=127.0.0.3}');
    expect(read(text, { PEER_ASN: '65009' }).peers[0]).toMatchObject({ asn: 65009, address: '127.0.0.3' });
    expect(problems(text)).toEqual([
      'speaker.yaml:6:41: environment variable PEER_ASN is not set, expected a value or a default as in ${PEER_ASN:=value}',
    ]);
  });

  test('is read from disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'speaker-'));
    try {
      const file = join(folder, 'speaker.yaml');
      await expect(readSpeakerFile(file, {})).rejects.toThrow(
        `${file}:1:1: no such file, expected a speaker's file`,
      );
      await expect(readSpeakerFile(folder, {})).rejects.toThrow(
        `${folder}:1:1: is a folder, expected a speaker's file`,
      );
      writeFileSync(file, EXAMPLE);
      expect(await readSpeakerFile(file, {})).toEqual(read(EXAMPLE));
      writeFileSync(file, EXAMPLE.replace('65001', '0'));
      await expect(readSpeakerFile(file, {})).rejects.toThrow(`${file}:6:32: peers[0].asn is 0`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('the example for a first try is valid and names the schema for editors', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../lab/examples/speaker/speaker.yaml'), 'utf8');
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/\.\.\/schema\/speaker\.schema\.json\n/);
  const { peers, ranges, networks } = read(text);
  expect([peers, ranges, networks].map((list) => list?.length)).toEqual([1, 1, 2]);
});

describe('the manual', () => {
  const examples = [...manual.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

  test.each(examples)('example %#', (text) => {
    const whole = text.includes('routerId:') ? text : `asn: 65000\nrouterId: 192.0.2.1\n${text}`;
    expect(problems(whole)).toEqual([]);
  });

  test('names every field that the schema has, and shows it in an example', () => {
    const keys = new Set<string>();
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'properties') for (const name of Object.keys(inner)) keys.add(name);
        collect(inner);
      }
    };
    collect(JSON.parse(speakerSchemaFile.text()));
    expect(keys.size).toBeGreaterThan(100);
    const words = new Set(manual.match(/[A-Za-z][\w-]*/g));
    expect([...keys].filter((key) => !words.has(key))).toEqual([]);
  });

  test('its first example is the one that scripts rely on', () => {
    const { policies, ...example } = parse(EXAMPLE);
    expect(policies).toBeNull();
    expect(parse(examples[0]!)).toEqual(example);
  });
});

describe('faults', () => {
  /** The problems of lines behind the two that every file has, without the name of the file. */
  const faults = (...lines: string[]): string[] =>
    problems(['asn: 65000', 'routerId: 192.0.2.1', ...lines].join('\n')).map((line) =>
      line.replace('speaker.yaml:', ''),
    );
  const peer = (settings: string): string[] =>
    faults(`peers: [{ address: 192.0.2.2, asn: 65001, ${settings} }]`);

  test.each([
    ['', '1:1: empty file, expected a speaker with asn and routerId'],
    ['- 1', '1:1: the file is a list, expected a mapping'],
    ['asn: 1', '1:1: routerId is missing, expected a dotted quad such as 192.0.2.1'],
    ['asn: 1\nrouterId: 192.0.2', '2:11: routerId is "192.0.2", expected a dotted quad such as 192.0.2.1'],
    ['asn: 1\nrouterId: 0.0.0.0', '2:11: routerId is "0.0.0.0", expected a dotted quad such as 192.0.2.1'],
    ['asn: 0\nrouterId: 192.0.2.1', '1:6: asn is 0, expected an AS number from 1 to 4294967295'],
    ['asn: 1\nrouterId: 192.0.2.1\nasn: 2', '3:1: duplicate key, expected each key once'],
    ['asn: 1\nrouterId: 192.0.2.1\n---\nasn: 2', '4:1: second YAML document, expected one speaker per file'],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual([`speaker.yaml:${expected}`]);
  });

  test.each([
    ['routerID: 1.2.3.4', '3:1: unknown key "routerID", did you mean "routerId"?'],
    ['listen: 127.0.0.1', '3:9: listen is "127.0.0.1", expected a list of mappings with address and port'],
    [
      'listen: [{ address: localhost }]',
      '3:21: listen[0].address is "localhost", expected an IP address such as 192.0.2.1',
    ],
    ['networks: [10.0.0.1/8]', '3:12: networks[0]: 10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?'],
    ['networks: [10.0.0.0/8, 10.0.0.0/8]', '3:24: second network 10.0.0.0/8, expected each once'],
    ['multipath: 0', '3:12: multipath is 0, expected a whole number from 1 to 256'],
    ['restarting: soon', '3:13: restarting is "soon", expected true, false or a mapping with deferral'],
    [
      'confederation: { id: 65000, members: [1] }',
      '3:22: id 65000 is our own asn, expected the AS that outsiders see',
    ],
    [
      'confederation: { id: 1, members: [2, 65000] }',
      '3:38: member 65000 is our own asn, expected the others alone',
    ],
    ['peers: [{ asn: 1 }]', '3:9: peers[0] has neither, expected address or range'],
    [
      'peers: [{ address: 192.0.2.2, range: 192.0.2.0/24, asn: 1 }]',
      '3:9: peers[0] has both, expected address or range',
    ],
    [
      'peers: [{ address: 192.0.2.2 }]',
      '3:9: peers[0].asn is missing, expected the AS number of the peer, internal or any',
    ],
    [
      'peers: [{ range: 192.0.2.0/24, asn: 1, port: 1790 }]',
      '3:40: peers[0].port is for peers that are dialled, expected none here',
    ],
    [
      'peers: [{ range: 192.0.2.0/24, asn: 1, passive: false }]',
      '3:49: passive is false, expected true: nobody can dial a range',
    ],
    [
      'peers: [{ address: 192.0.2.2, asn: 1 }, { address: 192.0.2.2, asn: 2 }]',
      '3:41: second peer 192.0.2.2 port 179, expected each once',
    ],
    [
      'peers: [{ address: 192.0.2.2, asn: 1 }, { address: 192.0.2.2, port: 1790, asn: 2 }]',
      '3:41: second peer named "192.0.2.2", expected a name of its own',
    ],
    [
      'policies: { ok: [{ then: accept }], bad: [{ match: { asPath: "(" }, then: accept }] }',
      '3:62: policies.bad[0].match.asPath: not an AS path expression: "(" (Unterminated group)',
    ],
    [
      'policies: { p: [{ then: acept }] }',
      '3:25: policies.p[0].then is "acept", expected one of accept, reject, next, did you mean "accept"?',
    ],
    [
      'policies: { p: [{ match: { not: { comunity: "1:1" } }, then: accept }] }',
      '3:35: unknown key "comunity", did you mean "community"?',
    ],
    [
      'prefixSets: { s: [10.0.0.0/8 le 4] }',
      '3:19: prefixSets.s[0]: prefix lengths 8 to 4 of 10.0.0.0/8, expected 8 <= ge <= le <= 32',
    ],
    [
      'log: { level: verbose }',
      '3:15: log.level is "verbose", expected one of trace, debug, info, warn, error, silent',
    ],
  ])('%s', (line, expected) => {
    expect(faults(line)).toEqual([expected]);
  });

  test.each([
    ['pasive: true', '3:43: unknown key "pasive", did you mean "passive"?'],
    ['families: []', '3:53: peers[0].families is a list, expected at least one address family'],
    ['families: {}', '3:53: peers[0].families is empty, expected at least one'],
    [
      'families: [ipv4-unicst]',
      '3:54: peers[0].families[0] is "ipv4-unicst", expected an address family such as ipv4-unicast or l2vpn-evpn, did you mean "ipv4-unicast"?',
    ],
    ['families: { ipv4-unicast: { addpath: 1 } }', '3:71: unknown key "addpath", did you mean "addPath"?'],
    [
      'families: { ipv6-unicast: { extendedNextHop: true } }',
      '3:88: peers[0].families.ipv6-unicast.extendedNextHop is true, expected an IPv4 family',
    ],
    [
      'families: { ipv4-unicast: { maxPrefixes: { limit: 1, action: warn, restartAfter: 5 } } }',
      '3:110: peers[0].families.ipv4-unicast.maxPrefixes.restartAfter stands beside action: warn, expected action: teardown',
    ],
    [
      'extendedNextHop: true, families: [ipv6-unicast]',
      '3:60: extendedNextHop is true, expected ipv4-unicast among the families',
    ],
    ['holdTime: 2', '3:53: peers[0].holdTime is 2, expected 0 or a number of seconds from 3 to 65535'],
    ['multihop: 256', '3:53: peers[0].multihop is 256, expected a whole number from 1 to 255'],
    [
      'multihop: 2, ttlSecurity: 1',
      '3:56: peers[0].ttlSecurity stands beside multihop, expected one of the two',
    ],
    [
      'nextHopSelf: true, nextHopUnchanged: true',
      '3:62: peers[0].nextHopUnchanged stands beside nextHopSelf, expected one of the two',
    ],
    [
      'longLivedGracefulRestart: { staleTime: 5 }',
      '3:43: peers[0].longLivedGracefulRestart stands alone, expected gracefulRestart as well',
    ],
    ['roleStrict: true', '3:43: peers[0].roleStrict stands alone, expected role as well'],
    ['role: customer, asn: 1', '3:59: duplicate key, expected each key once'],
    [
      'routeReflectorClient: true',
      '3:65: routeReflectorClient is true in AS 65001, expected a peer of AS 65000',
    ],
    ['limit: 5', '3:43: peers[0].limit is for ranges, expected none here'],
    ['localAddress: "::1"', '3:57: localAddress is "::1", expected an IPv4 address like that of the peer'],
    ['group: g', '3:50: peers[0].group is "g", expected a name among peerGroups'],
    ['importPolicy: p', '3:57: peers[0].importPolicy is "p", expected a name among policies'],
    ['exportPolicy: [p]', '3:58: peers[0].exportPolicy[0] is "p", expected a name among policies'],
  ])('a peer with %s', (settings, expected) => {
    expect(peer(settings)).toEqual([expected]);
  });

  test.each([
    [
      '{ import: [65000:1] }',
      '3:26: rtConstraint.import[0] is "65000:1", expected a route target such as rt:65000:1',
    ],
    ['maybe', '3:15: rtConstraint is "maybe", expected true, false or a mapping with import'],
  ])('rtConstraint: %s', (value, expected) => {
    expect(faults(`rtConstraint: ${value}`)).toEqual([expected]);
  });

  test('a role in our own AS', () => {
    expect(faults('peers: [{ address: 192.0.2.2, asn: internal, role: peer }]')).toEqual([
      '3:52: role is "peer" in our own AS 65000, expected an external peer',
    ]);
  });

  test('what a group has is wrong there', () => {
    expect(
      faults(
        'peerGroups: { g: { asn: 1, routeReflectorClient: true, importPolicy: froom } }',
        'policies: { from: [{ then: accept }] }',
        'peers: [{ address: 192.0.2.2, group: g }]',
      ),
    ).toEqual([
      '3:50: routeReflectorClient is true in AS 1, expected a peer of AS 65000',
      '3:70: peerGroups.g.importPolicy is "froom", expected a name among policies, did you mean "from"?',
    ]);
  });

  test('all of them at once, in file order', () => {
    expect(
      faults(
        'peers:',
        '  - { address: x, asn: y }',
        '  - { address: 192.0.2.2, asn: 1, md5: "" }',
        'api: {}',
      ),
    ).toEqual([
      '4:16: peers[0].address is "x", expected an IP address such as 192.0.2.1',
      '4:24: peers[0].asn is "y", expected an AS number from 1 to 4294967295, a list of them, internal or any',
      '5:40: peers[1].md5 is "", expected a key of 1 to 80 characters',
      '6:6: api.socket is missing, expected some text (quote numbers and true/false)',
    ]);
  });
});

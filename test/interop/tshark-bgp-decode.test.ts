// What `podwire bgp decode` makes of captured sessions, field by field beside what tshark makes of them.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { all, root, tool } from '../support/tools.ts';
import { podwire } from '../unit/lab/support/fake-lab.ts';
import { captureSessions, PORT } from './tshark-bgp-sessions.ts';

const tshark = tool('tshark');
const need = all(
  root(),
  tshark,
  ...['tcpdump', 'bird', 'birdc', 'bgpd', 'vtysh', 'gobgpd', 'gobgp'].map(tool),
);

// biome-ignore lint/suspicious/noExplicitAny: JSON of two programs
type Json = any;

/** Something that stands in a message: octets from its marker, how many, and its value as text. */
interface Item {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly text: string;
  readonly hex: string;
}

interface Message {
  readonly frame: number;
  readonly type: number;
  readonly length: number;
  readonly items: readonly Item[];
}

/** NO_EXPORT, which tshark shows as a thing of its own. */
const WELL_KNOWN = 'no-export';

/** tshark's name of a thing that has parts, and podwire's. */
const RANGES: Readonly<Record<string, (field: Json, parent: string) => boolean>> = {
  'bgp.open.opt.param': ({ name }) => name === 'optional parameter',
  'bgp.cap': ({ name }) => name === 'capability',
  'bgp.update.path_attribute': (_field, parent) => parent === 'path attributes',
  'bgp.update.path_attribute.as_path_segment': ({ name }) => name === 'segment',
  'bgp.update.path_attribute.community': ({ name, length, value }) =>
    name === 'community' && length === 4 && value !== WELL_KNOWN,
  'bgp.update.path_attribute.community_wellknown': ({ value }) => value === WELL_KNOWN,
  'bgp.ext_community': ({ name, length }) => name === 'community' && length === 8,
  'bgp.large_communities': ({ name, length }) => name === 'community' && length === 12,
  'bgp.evpn.nlri': ({ name, value }) => name === 'route' && /^\[[1-5]\]:/.test(value),
};

/** Single values that both show, and what tshark's text is as podwire's value. */
const same = (text: string): string => text;
const VALUES: Readonly<Record<string, (text: string) => string>> = {
  'bgp.marker': (text) => text.replaceAll(':', ''),
  'bgp.length': same,
  'bgp.type': same,
  'bgp.open.version': same,
  'bgp.open.myas': same,
  'bgp.open.holdtime': same,
  'bgp.open.identifier': same,
  'bgp.open.opt.len': same,
  'bgp.open.opt.param.type': same,
  'bgp.open.opt.param.len': same,
  'bgp.cap.type': same,
  'bgp.cap.length': same,
  'bgp.cap.mp.afi': same,
  'bgp.cap.mp.safi': same,
  'bgp.cap.4as': same,
  'bgp.notify.major_error': same,
  'bgp.update.withdrawn_routes.length': same,
  'bgp.update.path_attributes.length': same,
  'bgp.update.path_attribute.flags': (text) => String(Number(text)),
  'bgp.update.path_attribute.type_code': same,
  'bgp.update.path_attribute.length': same,
  'bgp.update.path_attribute.origin': same,
  'bgp.update.path_attribute.as_path_segment.type': same,
  'bgp.update.path_attribute.as_path_segment.length': same,
  'bgp.update.path_attribute.as_path_segment.as4': same,
  'bgp.update.path_attribute.next_hop': same,
  'bgp.update.path_attribute.multi_exit_disc': same,
  'bgp.update.path_attribute.local_pref': same,
  'bgp.update.path_attribute.aggregator_as': same,
  'bgp.update.path_attribute.aggregator_origin': same,
  'bgp.update.path_attribute.originator_id': same,
  'bgp.update.path_attribute.mp_reach_nlri.afi': same,
  'bgp.update.path_attribute.mp_reach_nlri.safi': same,
  'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv4': same,
  'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6': same,
  'bgp.update.path_attribute.mp_unreach_nlri.afi': same,
  'bgp.update.path_attribute.mp_unreach_nlri.safi': same,
  'bgp.nlri_path_id': same,
  'bgp.evpn.nlri.rt': same,
  'bgp.evpn.nlri.len': same,
  'bgp.evpn.nlri.esi': same,
  'bgp.evpn.nlri.etag': same,
  'bgp.evpn.nlri.maclen': same,
  'bgp.evpn.nlri.mac_addr': same,
  'bgp.evpn.nlri.iplen': same,
  'bgp.evpn.nlri.ip.addr': same,
  'bgp.evpn.nlri.prefix_len': same,
  'bgp.evpn.nlri.ipv4.gtw_addr': same,
};

/** What must be in the captures for the comparison to be worth something. */
const EXPECTED = [
  'bgp.cap.4as',
  'bgp.notify.major_error',
  'bgp.update.path_attribute.as_path_segment.as4',
  'bgp.update.path_attribute.local_pref',
  'bgp.update.path_attribute.multi_exit_disc',
  'bgp.update.path_attribute.aggregator_as',
  'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6',
  'bgp.update.path_attribute.mp_unreach_nlri.afi',
  'bgp.nlri_path_id',
  'bgp.evpn.nlri.mac_addr',
  'bgp.evpn.nlri.ipv4.gtw_addr',
  ...Object.keys(RANGES),
];

/** Every `key` with its `key_raw` (hex, position, length, mask) below an object of tshark's, in the frame's octets. */
function* rawItems(object: Json): Generator<Item & { readonly mask: number }> {
  for (const [name, value] of Object.entries<Json>(object)) {
    if (name.endsWith('_raw')) continue;
    const raw = object[`${name}_raw`];
    if (raw !== undefined) {
      const list: Json[] = Array.isArray(raw[0]) ? raw : [raw];
      const texts: Json[] = Array.isArray(value) ? value : [value];
      for (const [i, [hex, offset, length, mask]] of list.entries()) {
        const text = typeof texts[i] === 'string' ? texts[i] : '';
        yield { name, offset, length, mask, text, hex };
      }
    }
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && typeof item === 'object') yield* rawItems(item);
    }
  }
}

function tsharkMessages(file: string): Message[] {
  const args = [
    '-n',
    '-r',
    file,
    '-d',
    `tcp.port==${PORT},bgp`,
    '-Y',
    'bgp',
    '-T',
    'json',
    '-x',
    '--no-duplicate-keys',
  ];
  const { stdout } = spawnSync(tshark.path, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return (JSON.parse(stdout) as Json[]).flatMap(({ _source: { layers } }) => {
    const frame = Number(layers.frame['frame.number']);
    return [layers.bgp].flat().map((layer: Json): Message => {
      const items = [...rawItems(layer)].filter(({ mask }) => mask === 0);
      const start = items.find(({ name }) => name === 'bgp.marker')!.offset;
      return {
        frame,
        type: Number(layer['bgp.type']),
        length: Number(layer['bgp.length']),
        items: items.map((item) => ({ ...item, offset: item.offset - start })),
      };
    });
  });
}

interface Decoded extends Message {
  readonly record: Json;
  /** All fields, each with the name of its parent. */
  readonly fields: readonly { readonly field: Json; readonly parent: string }[];
}

async function podwireMessages(file: string): Promise<Decoded[]> {
  const { code, stdout, stderr } = await podwire([
    'bgp',
    'decode',
    file,
    '--port',
    String(PORT),
    '--format',
    'json',
  ]);
  // Nothing malformed, and no gap: tcpdump kept up.
  const wrong = stdout.split('\n').filter((line) => line !== '' && !line.includes('"malformed":false'));
  expect({ wrong, code, stderr }).toEqual({ wrong: [], code: 0, stderr: '' });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const record = JSON.parse(line);
      const flat = (fields: Json[], parent: string): { field: Json; parent: string }[] =>
        fields.flatMap((field) => [{ field, parent }, ...flat(field.children ?? [], field.name)]);
      const type = Number.parseInt(record.bytes.slice(36, 38), 16);
      return {
        frame: record.frame,
        type,
        length: record.length,
        items: [],
        record,
        fields: flat(record.fields, ''),
      };
    });
}

const range = ({ offset, length }: { readonly offset: number; readonly length: number }): string =>
  `${offset}+${length}`;

describe.skipIf(need.missing)(need.title('podwire bgp decode beside tshark'), () => {
  let folder: string;
  const pairs: { readonly file: string; readonly theirs: Message; readonly ours: Decoded }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwire-decode-'));
    for (const file of await captureSessions(folder)) {
      const theirs = tsharkMessages(file);
      // Both tell of messages as they are complete; in one frame, in the order of its octets.
      const ours = await podwireMessages(file);
      const summary = ({ frame, type, length }: Message): string =>
        `${frame}: type ${type}, ${length} octets`;
      expect(ours.map(summary)).toEqual(theirs.map(summary));
      for (const [i, message] of theirs.entries()) pairs.push({ file, theirs: message, ours: ours[i]! });
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the captures have what there is to compare', () => {
    const names = new Set(pairs.flatMap(({ theirs }) => theirs.items.map(({ name }) => name)));
    expect(EXPECTED.filter((name) => !names.has(name))).toEqual([]);
    expect(new Set(pairs.map(({ theirs }) => theirs.type))).toEqual(new Set([1, 2, 3, 4, 5]));
    for (const { ours } of pairs) expect(ours.record).toMatchObject({ malformed: false });
  });

  test.each(Object.keys(RANGES))('%s: as many, in the same octets', (name) => {
    for (const { theirs, ours } of pairs) {
      const wanted = theirs.items.filter((item) => item.name === name).map(range);
      const found = ours.fields
        .filter(({ field, parent }) => RANGES[name]!(field, parent))
        .map(({ field }) => range(field));
      expect({ frame: theirs.frame, ranges: found.sort() }).toEqual({
        frame: theirs.frame,
        ranges: wanted.sort(),
      });
    }
  });

  test.each(Object.keys(VALUES))('%s: the same values in the same octets', (name) => {
    for (const { theirs, ours } of pairs) {
      for (const item of theirs.items.filter((each) => each.name === name)) {
        const here = ours.fields.filter(
          ({ field }) => range(field) === range(item) && field.value !== undefined,
        );
        expect(here.map(({ field }) => String(field.value))).toContain(VALUES[name]!(item.text));
      }
    }
  });

  test('prefixes are the same, announced and withdrawn', () => {
    let count = 0;
    for (const { theirs, ours } of pairs) {
      // The prefixes of a flow are components of one route.
      if (ours.fields.some(({ field }) => field.name === 'SAFI' && field.text === 'ipv4-flowspec')) continue;
      const lengths = theirs.items.filter(({ name }) => name === 'bgp.prefix_length');
      const prefixes = ours.fields.filter(({ field }) => field.name === 'prefix').map(({ field }) => field);
      expect(prefixes.map(({ offset }) => offset)).toEqual(
        lengths.map(({ offset }) => offset).sort((a, b) => a - b),
      );
      for (const { offset, text } of lengths) {
        const prefix = prefixes.find((field) => field.offset === offset);
        const address = theirs.items.find(
          ({ name, ...item }) => name.endsWith('prefix') && item.offset === offset + 1 && item.length > 0,
        );
        if (address === undefined) expect(['0.0.0.0/0', '::/0']).toContain(prefix.value);
        else expect(prefix.value).toBe(`${address.text}/${text}`);
        count++;
      }
    }
    expect(count).toBeGreaterThan(40);
  });

  test('communities are the same', () => {
    for (const { theirs, ours } of pairs) {
      for (const { name, hex, ...item } of theirs.items) {
        const size =
          name === 'bgp.update.path_attribute.community' ? 4 : name === 'bgp.large_communities' ? 8 : 0;
        if (size === 0) continue;
        const parts = hex.match(new RegExp(`.{${size}}`, 'g'))!.map((part) => Number.parseInt(part, 16));
        const { field } = ours.fields.find(
          (each) => range(each.field) === range(item) && each.field.name === 'community',
        )!;
        expect(field.value).toBe(parts.join(':'));
      }
    }
  });
});

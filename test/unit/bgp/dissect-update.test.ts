import { describe, expect, test } from 'vitest';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import type { Field } from '../../../protocol/bgp/dissect/field.ts';
import { dissectMessage } from '../../../protocol/bgp/dissect/message.ts';
import { FRR_UPDATE_IPV6, KEEPALIVE, message } from './golden.ts';
import { attribute, BASE, EXTERNAL, HOP, INTERNAL, NLRI, OLD, ORIGIN, PATH, update } from './update-bytes.ts';

const IPV6 = '20010db8000000000000000000000001';

/** Every field of a tree on a line of its own: `name offset+length value text`. */
function lines(field: Field, depth = 0): string[] {
  const { name, offset, length, value, text, children, error } = field;
  const shown = [value, text].filter((part) => part !== undefined).join(' = ');
  const fault = error === undefined ? '' : ` ! ${error.outcome}, ${error.rfc}`;
  const line = `${'  '.repeat(depth)}${name} ${offset}+${length}${shown === '' ? '' : `: ${shown}`}${fault}`;
  return [line, ...(children ?? []).flatMap((child) => lines(child, depth + 1))];
}

/** The fields with errors, by what stands above them: `"UPDATE/path attributes/ORIGIN/origin 26: outcome, clause"`. */
function errors(bytes: Uint8Array, context: CodecContext = INTERNAL): string[] {
  const found: string[] = [];
  const visit = (field: Field, above: string): void => {
    const path = above === '' ? field.name : `${above}/${field.name}`;
    const { error } = field;
    if (error !== undefined) {
      const { outcome, rfc, notification } = error;
      const sent = notification === undefined ? '' : ` ${notification.code}/${notification.subcode}`;
      found.push(`${path} ${field.offset}: ${outcome}${sent}, ${rfc}`);
    }
    for (const child of field.children ?? []) visit(child, path);
  };
  visit(dissectMessage(bytes, context), '');
  return found;
}

test('an UPDATE of FRR, octet by octet', () => {
  expect(lines(dissectMessage(FRR_UPDATE_IPV6, EXTERNAL))).toEqual([
    'UPDATE 0+108',
    '  header 0+19',
    '    marker 0+16: ffffffffffffffffffffffffffffffff',
    '    length 16+2: 108',
    '    type 18+1: 2 = UPDATE',
    '  withdrawn routes length 19+2: 0',
    '  path attributes length 21+2: 85',
    '  path attributes 23+85',
    '    MP_REACH_NLRI 23+34: ipv6-unicast next hop 2001:db8::78, 9 octets of NLRI',
    '      flags 23+1: 144 = optional, extended length',
    '      type 24+1: 14 = MP_REACH_NLRI',
    '      length 25+2: 30',
    '      AFI 27+2: 2',
    '      SAFI 29+1: 1 = ipv6-unicast',
    '      next hop length 30+1: 16',
    '      next hop 31+16: 2001:db8::78',
    '      reserved 47+1: 0',
    '      NLRI 48+9',
    '        route 48+9: 2001:db8:78::/64',
    '          prefix 48+9: 2001:db8:78::/64',
    '    ORIGIN 57+4: IGP',
    '      flags 57+1: 64 = transitive',
    '      type 58+1: 1 = ORIGIN',
    '      length 59+1: 1',
    '      origin 60+1: 0 = IGP',
    '    AS_PATH 61+14: 4200000078 65001',
    '      flags 61+1: 80 = transitive, extended length',
    '      type 62+1: 2 = AS_PATH',
    '      length 63+2: 10',
    '      segment 65+10: sequence',
    '        segment type 65+1: 2 = sequence',
    '        count 66+1: 2',
    '        AS 67+4: 4200000078',
    '        AS 71+4: 65001',
    '    MULTI_EXIT_DISC 75+7: 77',
    '      flags 75+1: 128 = optional',
    '      type 76+1: 4 = MULTI_EXIT_DISC',
    '      length 77+1: 4',
    '      metric 78+4: 77',
    '    COMMUNITIES 82+11: 64512:100 no-export',
    '      flags 82+1: 192 = optional, transitive',
    '      type 83+1: 8 = COMMUNITIES',
    '      length 84+1: 8',
    '      community 85+4: 64512:100',
    '      community 89+4: no-export',
    '    LARGE_COMMUNITY 93+15: 64512:1:2',
    '      flags 93+1: 192 = optional, transitive',
    '      type 94+1: 32 = LARGE_COMMUNITY',
    '      length 95+1: 12',
    '      community 96+12: 64512:1:2',
  ]);
});

test('withdrawn routes, NLRI and path identifiers', () => {
  const context: CodecContext = { ...INTERNAL, addPath: ['ipv4-unicast'] };
  const tree = dissectMessage(update(BASE, `00000007 ${NLRI}`, '00000001 08 0b'), context);
  const shown = lines(tree).filter((line) => /route|NLRI|path identifier|prefix/.test(line));
  expect(shown).toEqual([
    '  withdrawn routes length 19+2: 6',
    '  withdrawn routes 21+6',
    '    route 21+6: 11.0.0.0/8 = 11.0.0.0/8 path 1',
    '      path identifier 21+4: 1',
    '      prefix 25+2: 11.0.0.0/8',
    '  NLRI 49+8',
    '    route 49+8: 10.1.0.0/24 = 10.1.0.0/24 path 7',
    '      path identifier 49+4: 7',
    '      prefix 53+4: 10.1.0.0/24',
  ]);
});

test('the attributes in an ATTR_SET are attributes, with 4-octet AS numbers whatever the session has', () => {
  const set = attribute('c0', '80', `0000fc00 ${ORIGIN} ${PATH}`);
  const shown = lines(dissectMessage(update(set, ''), OLD)).filter((line) =>
    /ATTR_SET|origin|PATH|AS /.test(line),
  );
  expect(shown).toEqual([
    '    ATTR_SET 23+20: origin AS 64512, 13 octets of attributes',
    '      type 24+1: 128 = ATTR_SET',
    '      origin AS 26+4: 64512',
    '        origin 33+1: 0 = IGP',
    '      AS_PATH 34+9: 64513',
    '        type 35+1: 2 = AS_PATH',
    '          AS 39+4: 64513',
  ]);
});

test('sets within sets are not followed for ever', () => {
  let set = ORIGIN;
  for (let depth = 0; depth < 40; depth++) set = attribute('c0', '80', `0000fc00 ${set}`);
  expect(() => dissectMessage(update(set, ''), INTERNAL)).not.toThrow();
  const deepest = Math.max(
    ...lines(dissectMessage(update(set, ''), INTERNAL)).map((line) => line.search(/\S/)),
  );
  expect(deepest).toBeLessThan(20);
});

describe('errors stand where they are', () => {
  test.each<[string, Uint8Array, string[]]>([
    ['none', update(BASE), []],
    [
      'at the value',
      update(`40 01 01 03 ${PATH} ${HOP}`),
      ['UPDATE/path attributes/ORIGIN/origin 26: treat-as-withdraw, RFC 7606 §7.1'],
    ],
    [
      'at the length of an empty value',
      update(`40 01 00 ${PATH} ${HOP}`),
      ['UPDATE/path attributes/ORIGIN/length 25: treat-as-withdraw, RFC 7606 §7.1'],
    ],
    [
      'at the flags',
      update(`80 01 01 00 ${PATH} ${HOP}`),
      ['UPDATE/path attributes/ORIGIN/flags 23: treat-as-withdraw, RFC 7606 §3 c'],
    ],
    [
      'at the length of the attributes for what is missing',
      update(`${ORIGIN} ${PATH}`),
      ['UPDATE/path attributes length 21: treat-as-withdraw, RFC 7606 §3 d'],
    ],
    [
      'at the next hop',
      update(`${ORIGIN} ${PATH} 40 03 04 00000000`),
      ['UPDATE/path attributes/NEXT_HOP/next hop 39: treat-as-withdraw, RFC 4271 §6.3, RFC 7606 §3 e'],
    ],
    [
      'at an AS number',
      update(`${ORIGIN} 40 02 0a 02 02 0000fc01 00000000 ${HOP}`),
      ['UPDATE/path attributes/AS_PATH/segment/AS 36: treat-as-withdraw, RFC 7606 §7.2'],
    ],
    [
      'each at its own',
      update(`40 01 01 03 ${PATH} ${HOP} 40 06 01 00`),
      [
        'UPDATE/path attributes/ORIGIN/origin 26: treat-as-withdraw, RFC 7606 §7.1',
        'UPDATE/path attributes/ATOMIC_AGGREGATE/undecoded 46: attribute-discard, RFC 7606 §7.6',
      ],
    ],
    [
      'at a route that cannot be read, besides what was found before it',
      update(`40 01 01 03 ${PATH} ${HOP}`, `${NLRI} 21 0a`),
      [
        'UPDATE/path attributes/ORIGIN/origin 26: treat-as-withdraw, RFC 7606 §7.1',
        'UPDATE/NLRI/route 47: session-reset 3/10, RFC 7606 §5.3',
      ],
    ],
    [
      'at a next hop length that cannot be',
      update(`${attribute('80', '0e', `0002 01 04 0a000001 00 08 20`)} ${ORIGIN} ${PATH}`, ''),
      ['UPDATE/path attributes/MP_REACH_NLRI/next hop length 29: session-reset 3/9, RFC 7606 §5.3'],
    ],
    [
      'at a family that was not negotiated',
      update(`${attribute('80', '0e', `0019 46 04 0a000001 00 63 00`)} ${ORIGIN} ${PATH}`, ''),
      [
        'UPDATE/path attributes/MP_REACH_NLRI 23: ignored, RFC 4760 §7',
        'UPDATE/path attributes/MP_REACH_NLRI/NLRI/route 35: ignored, RFC 7606 §5.4',
      ],
    ],
    [
      'at a route that is ignored alone',
      update(BASE, `${NLRI} 18 e00100`),
      ['UPDATE/NLRI/route/prefix 47: ignored, RFC 4271 §6.3'],
    ],
    ['at a header', message('0012 02'), ['UPDATE/header/length 16: session-reset 1/2, RFC 4271 §6.1']],
    [
      'at a type that there is not',
      message('0013 09'),
      ['message type 9/header/type 18: session-reset 1/3, RFC 4271 §6.1'],
    ],
    [
      'at lengths that do not fit',
      message('0017 02 0005 0000'),
      ['UPDATE/withdrawn routes length 19: session-reset 3/1, RFC 7606 §3 b'],
    ],
    [
      'in a message that is cut off, nothing else',
      update(BASE).subarray(0, 40),
      ['UPDATE/header/length 16: none, RFC 4271 §4.1'],
    ],
    ['in less than a header', KEEPALIVE.subarray(0, 18), ['BGP message 0: none, RFC 4271 §4.1']],
  ])('%s', (_name, bytes, expected) => {
    expect(errors(bytes)).toEqual(expected);
  });

  test('two in one place say both', () => {
    const tree = dissectMessage(update(''), INTERNAL);
    const field = tree.children!.find(({ name }) => name === 'path attributes length')!;
    expect(field.error?.reason).toBe('ORIGIN is missing; AS_PATH is missing; NEXT_HOP is missing');
    expect(field.error?.outcome).toBe('treat-as-withdraw');
  });

  test('without routes, the fault that could have been survived ends the session', () => {
    const [found] = errors(update('40 01 01 03', ''));
    expect(found).toBe('UPDATE/path attributes/ORIGIN/origin 26: session-reset 3/1, RFC 7606 §5.2');
  });

  test('octets after the message are not part of it', () => {
    const bytes = new Uint8Array([...update(BASE), 1, 2, 3]);
    const tree = dissectMessage(bytes, INTERNAL);
    expect(tree.length).toBe(bytes.length);
    expect(tree.children!.at(-1)).toMatchObject({ name: 'undecoded', length: 3, value: '010203' });
    expect(errors(bytes)).toEqual([]);
  });

  test('an IPv6 route with what MP_REACH_NLRI needs has no error', () => {
    const reach = attribute('80', '0e', `0002 01 10 ${IPV6} 00 20 20010db8`);
    expect(errors(update(`${reach} ${ORIGIN} ${PATH}`, ''))).toEqual([]);
  });
});

describe('with several faults', () => {
  test('routes that cannot be used do not matter in a family that was not negotiated', () => {
    // A flow specification of an unknown component.
    const unreach = attribute('80', '0f', '0001 85 02 0000');
    const at = 'UPDATE/path attributes/MP_UNREACH_NLRI';
    expect(errors(update(unreach, ''))).toEqual([
      `${at} 23: ignored, RFC 4760 §7`,
      `${at}/NLRI/route 29: ignored, RFC 8955 §4.2`,
    ]);
  });

  test('NLRI that cannot be read is not what ends the session where the lengths already do', () => {
    const bytes = message('001a 02 0001 21 4000 0000');
    expect(errors(bytes)).toEqual([
      'UPDATE/withdrawn routes/route 21: none, RFC 4271 §6.3',
      'UPDATE/path attributes length 22: session-reset 3/1, RFC 7606 §3 b',
    ]);
  });

  test('as many as fit into the longest message are each shown where they stand', () => {
    const count = 21_000;
    const repeated = update(`${BASE} ${'40 06 00'.repeat(count)}`);
    const found = errors(repeated, { ...INTERNAL, extendedMessage: true });
    expect(found).toHaveLength(count - 1);
    expect(found.at(-1)).toBe(
      `UPDATE/path attributes/ATOMIC_AGGREGATE/flags ${23 + 20 + 3 * (count - 1)}: attribute-discard, RFC 7606 §3 g`,
    );
  });
});

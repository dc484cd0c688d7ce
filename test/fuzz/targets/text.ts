// Texts that people, files and peers give: parsers take them or refuse them with an error that says why.
import { parseAsPath } from '../../../protocol/bgp/attribute/as-path-text.ts';
import { parseCommunity, parseLargeCommunity } from '../../../protocol/bgp/attribute/communities.ts';
import { parseExtendedCommunity } from '../../../protocol/bgp/attribute/extended-community-text.ts';
import {
  decodeShutdownCommunication,
  encodeShutdownCommunication,
} from '../../../protocol/bgp/message/notification-data.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { compileAsPathRegex } from '../../../protocol/bgp/policy/as-path-regex.ts';
import { parseCommunityPattern } from '../../../protocol/bgp/policy/community-pattern.ts';
import { parsePrefixRange } from '../../../protocol/bgp/policy/prefix-set.ts';
import { parseRecording } from '../../../protocol/bgp/session/recording.ts';
import { mutateBytes } from '../mutate.ts';
import { ALL_FAMILIES, ROUTES } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';

interface Parser {
  readonly parse: (text: string) => unknown;
  readonly samples: readonly string[];
}

const NLRI_PARSERS: readonly Parser[] = ALL_FAMILIES.flatMap((family) => {
  const { parse, text } = NLRI_CODECS[family];
  const samples = ROUTES.filter((route) => route.family === family).map(({ nlri }) => text(nlri));
  return parse === undefined ? [] : [{ parse, samples }];
});

const PARSERS: readonly Parser[] = [
  ...NLRI_PARSERS,
  { parse: parseAsPath, samples: ['64512 {64513,4200000001} (65001) [65002]', ''] },
  { parse: parseCommunity, samples: ['64512:100', 'no-export', '4294967295'] },
  { parse: parseLargeCommunity, samples: ['64512:1:4294967295'] },
  {
    parse: parseExtendedCommunity,
    samples: ['rt:65000:100', 'soo:192.0.2.1:7', 'encap:vxlan', '0x0102030405060708'],
  },
  {
    parse: compileAsPathRegex,
    samples: ['^65001_', '_(65001|65002)_$', '^[0-9]+(_[0-9]+)*$', '[[:digit:]]+'],
  },
  { parse: parseCommunityPattern, samples: ['64512:*', '64512:[1-9]', 'large:1:2:3', 'rt:65000:*'] },
  {
    parse: (text) => parsePrefixRange({ prefix: text, ge: 25 } as never),
    samples: ['10.0.0.0/8', '2001:db8::/32'],
  },
  {
    parse: parseRecording,
    samples: [
      '{"recording":"bgp-session","version":1,"config":{"localAs":1,"localId":1,"holdTime":90,"passive":false,"families":["ipv4-unicast"],"connectRetryTime":1,"firstRetryTime":1,"delayOpenTime":0}}\n{"at":1,"input":{"kind":"received","connection":1,"bytes":"ff"}}',
    ],
  },
];

interface TextCase {
  /** Index in the list. */
  readonly which: number;
}

/** Parsers of texts. */
export const textTarget: FuzzTarget<TextCase> = {
  name: 'text',
  weight: 4,
  make(random) {
    const which = random.below(PARSERS.length);
    const { samples } = PARSERS[which]!;
    const seeds = samples.map((sample) => new TextEncoder().encode(sample));
    return { bytes: mutateBytes(random.pick(seeds), random, seeds), which };
  },
  check(bytes, { which }) {
    const text = new TextDecoder().decode(bytes);
    try {
      PARSERS[which]!.parse(text);
    } catch (error) {
      if (!(error instanceof RangeError) || /call stack/.test(error.message)) throw error;
      if (error.message === '') throw new Error('refused without a word');
    }
  },
};

/** The text that a peer says goodbye with. */
export const shutdownTarget: FuzzTarget = {
  name: 'shutdown',
  weight: 1,
  make(random) {
    const texts = ['back at noon', '再见 👋', 'a\u0007\u001b[31m\u202e\\', ''];
    const seeds = texts.map((text) => encodeShutdownCommunication(text));
    return { bytes: mutateBytes(random.pick(seeds), random, seeds) };
  },
  check(bytes) {
    const read = decodeShutdownCommunication(bytes);
    if (read === undefined) return;
    if (/[\p{C}\p{Zl}\p{Zp}]/u.test(read.text))
      throw new Error(`not fit for a log: ${JSON.stringify(read.text)}`);
    const again = decodeShutdownCommunication(encodeShutdownCommunication(read.text));
    if (read.text !== '' && !read.text.includes('\\') && read.text.length < 60 && again?.text !== read.text) {
      throw new Error(`${JSON.stringify(read.text)} comes back as ${JSON.stringify(again?.text)}`);
    }
  },
};

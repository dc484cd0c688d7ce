import { type HeaderParser, headerParser, Parser } from './binary-parser.ts';

/** The 20 fixed bytes of an IPv4 header (RFC 791 §3.1), field by field. */
export interface Ipv4Framing {
  readonly version: number;
  /** In 32-bit words. */
  readonly headerWords: number;
  readonly typeOfService: number;
  readonly totalLength: number;
  readonly identification: number;
  readonly reserved: number;
  readonly dontFragment: number;
  readonly moreFragments: number;
  /** In 8-byte units. */
  readonly fragmentOffset: number;
  readonly timeToLive: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly source: number;
  readonly destination: number;
}

export const ipv4Framing: HeaderParser<Ipv4Framing> = headerParser(
  'IPv4 header',
  20,
  new Parser()
    .endianness('big')
    .bit4('version')
    .bit4('headerWords')
    .uint8('typeOfService')
    .uint16('totalLength')
    .uint16('identification')
    .bit1('reserved')
    .bit1('dontFragment')
    .bit1('moreFragments')
    .bit13('fragmentOffset')
    .uint8('timeToLive')
    .uint8('protocol')
    .uint16('checksum')
    .uint32('source')
    .uint32('destination'),
);

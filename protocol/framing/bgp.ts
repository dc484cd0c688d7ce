import { type HeaderParser, headerParser, Parser } from './binary-parser.ts';

/** BGP message header (RFC 4271 §4.1); the marker in four parts. */
export interface BgpHeaderFraming {
  readonly marker0: number;
  readonly marker1: number;
  readonly marker2: number;
  readonly marker3: number;
  readonly length: number;
  readonly type: number;
}

export const bgpHeaderFraming: HeaderParser<BgpHeaderFraming> = headerParser(
  'BGP header',
  19,
  new Parser()
    .endianness('big')
    .uint32('marker0')
    .uint32('marker1')
    .uint32('marker2')
    .uint32('marker3')
    .uint16('length')
    .uint8('type'),
);

/** The fixed part of an OPEN after the header (RFC 4271 §4.2). */
export interface BgpOpenFraming {
  readonly version: number;
  readonly myAs: number;
  readonly holdTime: number;
  readonly bgpId: number;
  readonly parametersLength: number;
}

export const bgpOpenFraming: HeaderParser<BgpOpenFraming> = headerParser(
  'BGP OPEN',
  10,
  new Parser()
    .endianness('big')
    .uint8('version')
    .uint16('myAs')
    .uint16('holdTime')
    .uint32('bgpId')
    .uint8('parametersLength'),
);

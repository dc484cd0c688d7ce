import { type HeaderParser, headerParser, Parser } from './binary-parser.ts';

/** UDP header (RFC 768). */
export interface UdpFraming {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
  readonly checksum: number;
}

export const udpFraming: HeaderParser<UdpFraming> = headerParser(
  'UDP header',
  8,
  new Parser()
    .endianness('big')
    .uint16('sourcePort')
    .uint16('destinationPort')
    .uint16('length')
    .uint16('checksum'),
);

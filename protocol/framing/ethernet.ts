import { type HeaderParser, headerParser, Parser } from './binary-parser.ts';

/** Ethernet II header (IEEE 802.3 §3.1.1); 48-bit addresses in two parts. */
export interface EthernetFraming {
  readonly destinationHigh: number;
  readonly destinationLow: number;
  readonly sourceHigh: number;
  readonly sourceLow: number;
  readonly type: number;
}

export const ethernetFraming: HeaderParser<EthernetFraming> = headerParser(
  'Ethernet header',
  14,
  new Parser()
    .endianness('big')
    .uint16('destinationHigh')
    .uint32('destinationLow')
    .uint16('sourceHigh')
    .uint32('sourceLow')
    .uint16('type'),
);

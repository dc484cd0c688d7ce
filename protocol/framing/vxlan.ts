import { type HeaderParser, headerParser, Parser } from './binary-parser.ts';

/** VXLAN header (RFC 7348 §5), the flags octet bit by bit. */
export interface VxlanFraming {
  readonly reservedFlagsHigh: number;
  /** The I flag: the VNI is valid. */
  readonly vniValid: number;
  readonly reservedFlagsLow: number;
  readonly reserved1High: number;
  readonly reserved1Low: number;
  readonly vni: number;
  readonly reserved2: number;
}

export const vxlanFraming: HeaderParser<VxlanFraming> = headerParser(
  'VXLAN header',
  8,
  new Parser()
    .endianness('big')
    .bit4('reservedFlagsHigh')
    .bit1('vniValid')
    .bit3('reservedFlagsLow')
    .uint8('reserved1High')
    .uint16('reserved1Low')
    .bit24('vni')
    .bit8('reserved2'),
);

/**
 * PMSI_TUNNEL, type 22, RFC 6514 §5:
 *
 *   0: 1 flags (1 leaf information required) · 1: 1 tunnel type · 2: 3 MPLS label, or a VNI (RFC 8365 §5.1.3)
 *   5: tunnel identifier, by tunnel type
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { toHex } from '../../bytes/hex.ts';
import { formatAddress } from '../../ip/prefix.ts';
import { leaf, rest } from '../dissect/field.ts';
import { type AttributeCodec, OPTIONAL, TRANSITIVE } from './codec.ts';

export interface PmsiTunnel {
  readonly flags: number;
  readonly tunnelType: number;
  /** All 24 bits: a VNI as it is, an MPLS label in the upper 20. */
  readonly label: number;
  /** Empty for no tunnel, the address of the endpoint (4 or 16 octets) for ingress replication. */
  readonly identifier: Uint8Array;
}

export const INGRESS_REPLICATION = 6;

/** IANA's P-Multicast Service Interface Tunnel Types. */
const TUNNEL_NAMES: Readonly<Record<number, string>> = {
  0: 'no-tunnel',
  1: 'rsvp-te-p2mp',
  2: 'mldp-p2mp',
  3: 'pim-ssm',
  4: 'pim-sm',
  5: 'bidir-pim',
  [INGRESS_REPLICATION]: 'ingress-replication',
  7: 'mldp-mp2mp',
  8: 'transport-tunnel',
  11: 'assisted-replication',
};

export const pmsiTunnel: AttributeCodec<PmsiTunnel> = {
  type: 22,
  name: 'PMSI_TUNNEL',
  rfc: 'RFC 6514 §5',
  flags: OPTIONAL | TRANSITIVE,
  malformed: 'treat-as-withdraw',
  malformedRfc: 'RFC 6514 §5',
  decode(value, _context, offset) {
    if (value.length < 5) throw new DecodeError('PMSI_TUNNEL', offset, 'must have at least 5 octets');
    const [flags, tunnelType] = value as unknown as [number, number];
    const identifier = value.slice(5);
    if (tunnelType === INGRESS_REPLICATION && identifier.length !== 4 && identifier.length !== 16) {
      const expected = `tunnel identifier of ${identifier.length} octets must be an address`;
      throw new DecodeError('PMSI_TUNNEL', offset + 5, expected);
    }
    return { flags, tunnelType, label: labelOf(value), identifier };
  },
  encode({ flags, tunnelType, label, identifier }, writer) {
    writer.uint8(flags);
    writer.uint8(tunnelType);
    writer.uint8(label >>> 16);
    writer.uint16(label & 0xffff);
    writer.append(identifier);
  },
  text({ tunnelType, label, identifier }) {
    const where = identifier.length === 0 ? '' : ` ${identifierText(tunnelType, identifier)}`;
    return `${tunnelName(tunnelType)}${where} label ${label >>> 4} (VNI ${label})`;
  },
  fields(value, offset) {
    if (value.length < 5) return rest(value, 0, offset);
    const label = labelOf(value);
    const fields = [
      leaf('flags', offset, 1, value[0]!, value[0]! & 1 ? 'leaf information required' : 'none'),
      leaf('tunnel type', offset + 1, 1, value[1]!, tunnelName(value[1]!)),
      leaf('label', offset + 2, 3, label, `${label >>> 4} (VNI ${label})`),
    ];
    if (value.length === 5) return fields;
    const identifier = value.subarray(5);
    return [
      ...fields,
      leaf('tunnel identifier', offset + 5, identifier.length, identifierText(value[1]!, identifier)),
    ];
  },
};

function labelOf(value: Uint8Array): number {
  return (value[2]! << 16) | (value[3]! << 8) | value[4]!;
}

function tunnelName(type: number): string {
  return TUNNEL_NAMES[type] ?? `tunnel-${type}`;
}

function identifierText(type: number, identifier: Uint8Array): string {
  const isAddress = identifier.length === 4 || identifier.length === 16;
  return type === INGRESS_REPLICATION && isAddress ? formatAddress(identifier) : `0x${toHex(identifier)}`;
}

import type { Announced, RouteFault } from '../codec.ts';
import { readUint24 } from '../mpls-label.ts';
import { HEAD, IP_PREFIX, lengthsOf, type Part, partsOf, ROUTE_NAMES } from './layout.ts';

/**
 * What makes one measured EVPN route unusable: an unknown type (RFC 7606 §5.4), a length that its type does not have,
 * an address length that does not fit, or, in a type 5 route that is announced, nothing to resolve it by.
 */
export function validateEvpn(nlri: Uint8Array, announced?: Announced): RouteFault | undefined {
  const type = nlri[0]!;
  const length = nlri.length - HEAD;
  if (ROUTE_NAMES[type] === undefined) {
    return {
      outcome: 'drop',
      offset: 0,
      expected: `EVPN route type ${type} is unknown`,
      rfc: 'RFC 7606 §5.4',
    };
  }
  const rfc = type === IP_PREFIX ? 'RFC 9136 §3.1' : `RFC 7432 §7.${type}`;
  const fault = (offset: number, expected: string): RouteFault => ({
    outcome: 'treat-as-withdraw',
    offset,
    expected,
    rfc,
  });
  const parts = partsOf(nlri);
  if (parts === undefined) {
    return fault(1, `length ${length} of EVPN route type ${type} must be ${lengthsOf(type).join(' or ')}`);
  }
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'bits') continue;
    const next = parts[i + 1];
    // A length is followed by what it measures; an absent IP address has length 0.
    const measured =
      next?.kind === 'mac' || next?.kind === 'ip' || next?.kind === 'prefix' ? next.length * 8 : 0;
    const value = nlri[part.at]!;
    if (next?.kind === 'prefix' ? value > measured : value !== measured) {
      const must = next?.kind === 'prefix' ? `at most ${measured}` : `${measured}`;
      return fault(part.at, `${part.name} ${value} must be ${must}`);
    }
  }
  if (
    announced !== undefined &&
    type === IP_PREFIX &&
    !announced.routerMac &&
    lacksOverlayIndex(nlri, parts)
  ) {
    return fault(nlri.length - 3, 'label 0 needs an ESI, a gateway or a router MAC to resolve the route by');
  }
  return undefined;
}

/** Whether label, ESI and gateway of a type 5 route are all zero. */
function lacksOverlayIndex(nlri: Uint8Array, parts: readonly Part[]): boolean {
  return parts.every(({ kind, at, length }) => {
    if (kind === 'label') return readUint24(nlri, at) === 0;
    if (kind !== 'esi' && kind !== 'gateway') return true;
    return nlri.subarray(at, at + length).every((octet) => octet === 0);
  });
}

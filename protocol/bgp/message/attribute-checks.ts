/** What the attributes of an UPDATE that announces routes have to be together: RFC 4271 §6.3, RFC 7606 §3 d, §7.2. */
import { type AsPath, firstAs } from '../attribute/as-path.ts';
import { findAttribute } from '../attribute/decode.ts';
import { isHostAddress } from '../attribute/next-hop.ts';
import type { PathAttributes } from '../attribute/table.ts';
import type { CodecContext } from '../context.ts';
import type { AttributeFault } from '../error.ts';
import { AS_TRANS } from './open.ts';

const ORIGIN = 1;
const AS_PATH = 2;
const NEXT_HOP = 3;

/**
 * Adds a fault for each mandatory attribute that is absent, for a path that does not start with the peer's AS, and for
 * a NEXT_HOP that is no host's address.
 * @param start where the attributes start in the message, and where they end.
 * @param hasNlri whether there are routes in the NLRI field, whose next hop is NEXT_HOP. Without them it means nothing,
 * and what it says is ignored (RFC 4760 §3).
 */
export function checkAttributes(
  message: Uint8Array,
  start: number,
  end: number,
  attributes: PathAttributes,
  hasNlri: boolean,
  context: CodecContext,
  faults: AttributeFault[],
): void {
  const { origin, asPath, nextHop } = attributes;
  const add = (type: number, offset: number, reason: string, rfc: string): void => {
    faults.push({ outcome: 'treat-as-withdraw', type, offset, reason, rfc });
  };
  const absent = (type: number, name: string): void => {
    if (faults.some((fault) => fault.type === type && fault.outcome === 'treat-as-withdraw')) return;
    add(type, start - 2, `${name} is missing`, 'RFC 7606 §3 d');
  };
  /** Where the value of an attribute that is there starts. */
  const at = (type: number): number => findAttribute(message, start, end, type)?.value ?? start;
  if (origin === undefined) absent(ORIGIN, 'ORIGIN');
  if (asPath === undefined) absent(AS_PATH, 'AS_PATH');
  if (hasNlri && nextHop === undefined) absent(NEXT_HOP, 'NEXT_HOP');
  if (asPath !== undefined && context.firstAs !== undefined) {
    const first = leftmostAs(asPath, context);
    if (first !== context.firstAs && !(standsFor(first, context.firstAs) && !context.fourOctetAs)) {
      const reason = `AS_PATH starts with ${first ?? 'no AS'}, expected the peer's AS ${context.firstAs}`;
      add(AS_PATH, at(AS_PATH), reason, 'RFC 7606 §7.2');
    }
  }
  if (hasNlri && nextHop !== undefined && !isHostAddress(nextHop)) {
    const reason = `NEXT_HOP ${nextHop.join('.')} must be a host address`;
    add(NEXT_HOP, at(NEXT_HOP), reason, 'RFC 4271 §6.3, RFC 7606 §3 e');
  }
}

/** Of a member AS of our confederation, the first segment is one of the confederation (RFC 5065 §5.3). */
function leftmostAs(path: AsPath, context: CodecContext): number | undefined {
  return context.peerType === 'confederation' ? path[0]?.asns[0] : firstAs(path);
}

/** Whether 2 octets hold AS_TRANS where 4 would hold `asn` (RFC 6793 §4.2.2). */
function standsFor(first: number | undefined, asn: number): boolean {
  return first === AS_TRANS && asn > 0xffff;
}

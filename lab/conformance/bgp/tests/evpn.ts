/** EVPN: RFC 7432, RFC 9136. */
import type { Requirement } from '../requirement.ts';

export const EVPN_TESTS: readonly Requirement[] = [];

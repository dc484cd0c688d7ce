/** IPv4 prefixes: RFC 4271 §4.3 and §6.3, RFC 7606 §3 and §5.3. */
import type { Requirement } from '../requirement.ts';

export const NLRI_TESTS: readonly Requirement[] = [];

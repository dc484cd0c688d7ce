/** Path attributes: RFC 4271 §5 and §6.3, RFC 7606 §7, RFC 7607, RFC 9234 §5. */
import type { Requirement } from '../requirement.ts';

export const ATTRIBUTE_TESTS: readonly Requirement[] = [];

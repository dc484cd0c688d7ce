/** Propagation: RFC 4271 §5.1 and §9.2, RFC 1997, RFC 8212. */
import type { Requirement } from '../requirement.ts';

export const PROPAGATION_TESTS: readonly Requirement[] = [];

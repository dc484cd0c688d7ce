/** Decision process: RFC 4271 §9.1, RFC 4456 §9. */
import type { Requirement } from '../requirement.ts';

export const DECISION_TESTS: readonly Requirement[] = [];

/** Route reflection: RFC 4456. */
import type { Requirement } from '../requirement.ts';

export const REFLECTION_TESTS: readonly Requirement[] = [];

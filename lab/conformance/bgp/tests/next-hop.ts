/** Next hops: RFC 4271 §5.1.3. */
import type { Requirement } from '../requirement.ts';

export const NEXT_HOP_TESTS: readonly Requirement[] = [];

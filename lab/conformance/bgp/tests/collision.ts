/** Connection collisions: RFC 4271 §6.8, RFC 6286, RFC 4724 §5. */
import type { Requirement } from '../requirement.ts';

export const COLLISION_TESTS: readonly Requirement[] = [];

/** Capabilities: RFC 5492 and the RFC of each capability. */
import type { Requirement } from '../requirement.ts';

export const CAPABILITY_TESTS: readonly Requirement[] = [];

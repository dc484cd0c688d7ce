/** Graceful restart: RFC 4724, RFC 8538, RFC 9494. */
import type { Requirement } from '../requirement.ts';

export const GRACEFUL_RESTART_TESTS: readonly Requirement[] = [];

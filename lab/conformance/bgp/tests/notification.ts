/** NOTIFICATION: RFC 4271 §6.4, RFC 9003. */
import type { Requirement } from '../requirement.ts';

export const NOTIFICATION_TESTS: readonly Requirement[] = [];

/** Timers: RFC 4271 §4.2, §4.4, §6.5, §8.2.2, §9.2.1.1 and §10, RFC 9687. */
import type { Requirement } from '../requirement.ts';

export const TIMER_TESTS: readonly Requirement[] = [];

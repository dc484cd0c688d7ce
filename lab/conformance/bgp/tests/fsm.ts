/** Finite state machine: RFC 4271 §8.2.2, RFC 6608. */
import type { Requirement } from '../requirement.ts';

export const FSM_TESTS: readonly Requirement[] = [];

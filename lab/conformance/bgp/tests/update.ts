/** UPDATE messages: RFC 4271 §4.3, §6.3 and §9, RFC 7606. */
import type { Requirement } from '../requirement.ts';

export const UPDATE_TESTS: readonly Requirement[] = [];

/** Extended messages: RFC 8654. */
import type { Requirement } from '../requirement.ts';

export const EXTENDED_MESSAGE_TESTS: readonly Requirement[] = [];

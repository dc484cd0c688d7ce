/** ADD-PATH: RFC 7911. */
import type { Requirement } from '../requirement.ts';

export const ADD_PATH_TESTS: readonly Requirement[] = [];

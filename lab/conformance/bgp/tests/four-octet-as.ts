/** 4-octet AS numbers: RFC 6793. */
import type { Requirement } from '../requirement.ts';

export const FOUR_OCTET_AS_TESTS: readonly Requirement[] = [];

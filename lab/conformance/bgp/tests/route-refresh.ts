/** Route refresh: RFC 2918, RFC 7313. */
import type { Requirement } from '../requirement.ts';

export const ROUTE_REFRESH_TESTS: readonly Requirement[] = [];

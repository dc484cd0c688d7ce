/** Multiprotocol extensions: RFC 4760, RFC 7606 §5 and §7.11, RFC 8950. */
import type { Requirement } from '../requirement.ts';

export const MULTIPROTOCOL_TESTS: readonly Requirement[] = [];

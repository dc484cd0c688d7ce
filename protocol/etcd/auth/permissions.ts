import { toKeyText } from '../keys.ts';
import type { AuthState } from './state.ts';
import type { AuthPermission } from './types.ts';
import { ROOT } from './types.ts';

/**
 * What a user may do, all its roles together (etcd `server/auth/range_perm_cache.go`). Intervals are etcd's here: an end of ''
 * means no end, and so does a start of '', which is why a permission that starts at the empty key permits nothing.
 */
interface Permitted {
  readonly root: boolean;
  /** By start. */
  readonly read: readonly Span[];
  readonly write: readonly Span[];
}

interface Span {
  readonly begin: string;
  readonly end: string;
}

export type Access = 'READ' | 'WRITE';

/** Order in which the empty string is behind every other. */
function compareAffine(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  return a < b ? -1 : 1;
}

function spanOf(key: Uint8Array, rangeEnd: Uint8Array | undefined): Span {
  const begin = toKeyText(key);
  if (rangeEnd === undefined || rangeEnd.length === 0) return { begin, end: `${begin}\0` };
  const end = toKeyText(rangeEnd);
  return { begin, end: end === '\0' ? '' : end };
}

function spansOf(permissions: readonly AuthPermission[], access: Access): Span[] {
  return permissions
    .filter(({ type }) => type === access || type === 'READWRITE')
    .map(({ key, rangeEnd }) => spanOf(key, rangeEnd))
    .sort((a, b) => compareAffine(a.begin, b.begin) || compareAffine(a.end, b.end));
}

/** A state never changes, so what follows from it is found out once. */
const cache: WeakMap<AuthState, Map<string, Permitted>> = new WeakMap();

function permittedTo(state: AuthState, name: string): Permitted | undefined {
  let known = cache.get(state);
  if (known === undefined) {
    known = new Map();
    cache.set(state, known);
  }
  const found = known.get(name);
  if (found !== undefined) return found;
  const user = state.users.get(name);
  if (user === undefined) return undefined;
  const permissions = user.roles.flatMap((role) => state.roles.get(role)?.permissions ?? []);
  const permitted = {
    root: user.roles.includes(ROOT),
    read: spansOf(permissions, 'READ'),
    write: spansOf(permissions, 'WRITE'),
  };
  known.set(name, permitted);
  return permitted;
}

/** Whether the spans cover `wanted` without a gap; `spans` by start. */
function covers(spans: readonly Span[], wanted: Span): boolean {
  let begin: string | undefined;
  let end = '';
  for (const span of spans) {
    // As etcd compares intervals, also those that end before they begin (`pkg/adt/interval_tree.go`).
    const isLeft = compareAffine(wanted.begin, span.begin) < 0 && compareAffine(wanted.end, span.begin) <= 0;
    const overlaps = !isLeft && compareAffine(wanted.begin, span.end) < 0;
    if (!overlaps) continue;
    if (begin === undefined) {
      begin = span.begin;
      end = span.end;
      continue;
    }
    if (compareAffine(end, span.begin) < 0) return false;
    if (compareAffine(span.end, end) > 0) end = span.end;
  }
  return (
    begin !== undefined && compareAffine(begin, wanted.begin) <= 0 && compareAffine(end, wanted.end) >= 0
  );
}

/** Whether the user has the role root. False for an unknown one. */
export function isRoot(state: AuthState, name: string): boolean {
  return permittedTo(state, name)?.root === true;
}

/** Whether the user may access every key of the interval. */
export function mayAccess(
  state: AuthState,
  name: string,
  access: Access,
  key: Uint8Array,
  rangeEnd?: Uint8Array,
): boolean {
  const permitted = permittedTo(state, name);
  if (permitted === undefined) return false;
  if (permitted.root) return true;
  return covers(access === 'READ' ? permitted.read : permitted.write, spanOf(key, rangeEnd));
}

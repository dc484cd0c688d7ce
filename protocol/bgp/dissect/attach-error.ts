/** Putting what a decoder found wrong where it stands in the tree. */
import type { Field, FieldError, FieldOutcome } from './field.ts';

/** From weakest to strongest, RFC 7606 §2. */
const STRENGTH: readonly FieldOutcome[] = [
  'none',
  'ignored',
  'attribute-discard',
  'treat-as-withdraw',
  'session-reset',
];

/** A fault and the octet of the message that it is about. */
export type PlacedError = readonly [offset: number, error: FieldError];

/** The tree with an error at the innermost field that holds the octet at `offset`; at its root where none does. */
export function attachError(field: Field, offset: number, error: FieldError): Field {
  return attachErrors(field, [[offset, error]]);
}

/**
 * {@link attachError} for many errors at once: a message may have as many as it has octets, and each field with children
 * is copied only once.
 */
export function attachErrors(field: Field, errors: readonly PlacedError[]): Field {
  if (errors.length === 0) return field;
  const children = field.children ?? [];
  const inside = new Map<number, PlacedError[]>();
  let own = field.error;
  for (const placed of errors) {
    const index = childAt(children, placed[0]);
    const list = inside.get(index);
    if (index < 0) own = merge(own, placed[1]);
    else if (list === undefined) inside.set(index, [placed]);
    else list.push(placed);
  }
  const judged = own === undefined ? field : { ...field, error: own };
  if (inside.size === 0) return judged;
  const copies = [...children];
  for (const [index, list] of inside) copies[index] = attachErrors(copies[index]!, list);
  return { ...judged, children: copies };
}

/** Index of the child that holds an octet, -1 for none: children stand in the order of the bytes. */
function childAt(children: readonly Field[], offset: number): number {
  let low = 0;
  let high = children.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const child = children[middle]!;
    if (offset < child.offset) high = middle - 1;
    else if (offset >= child.offset + child.length) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** Two errors in one place: both reasons, unless one says what the other does, and the stronger outcome (§3 h). */
function merge(known: FieldError | undefined, error: FieldError): FieldError {
  if (known === undefined || error.reason.includes(known.reason)) return error;
  const stronger = STRENGTH.indexOf(error.outcome) > STRENGTH.indexOf(known.outcome) ? error : known;
  return { ...stronger, reason: `${known.reason}; ${error.reason}` };
}

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

/** The tree with an error at the innermost field that holds the octet at `offset`; at its root where none does. */
export function attachError(field: Field, offset: number, error: FieldError): Field {
  const index = (field.children ?? []).findIndex((child) => holds(child, offset));
  if (index < 0) return { ...field, error: merge(field.error, error) };
  const children = [...field.children!];
  children[index] = attachError(children[index]!, offset, error);
  return { ...field, children };
}

function holds(field: Field, offset: number): boolean {
  return offset >= field.offset && offset < field.offset + field.length;
}

/** Two errors in one place: both reasons, unless one says what the other does, and the stronger outcome (§3 h). */
function merge(known: FieldError | undefined, error: FieldError): FieldError {
  if (known === undefined || error.reason.includes(known.reason)) return error;
  const stronger = STRENGTH.indexOf(error.outcome) > STRENGTH.indexOf(known.outcome) ? error : known;
  return { ...stronger, reason: `${known.reason}; ${error.reason}` };
}

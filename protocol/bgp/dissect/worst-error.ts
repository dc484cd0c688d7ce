import type { Field, FieldError, FieldOutcome } from './field.ts';

/** How bad an outcome is; nothing of the message is lost below 2. */
const WEIGHT: Readonly<Record<FieldOutcome, number>> = {
  none: 0,
  ignored: 1,
  'attribute-discard': 2,
  'treat-as-withdraw': 3,
  'session-reset': 4,
};

/** The error with the strongest outcome in a tree, the first of equals; undefined where there is none. */
export function worstError(field: Field): FieldError | undefined {
  let worst = field.error;
  for (const child of field.children ?? []) {
    const error = worstError(child);
    if (error !== undefined && (worst === undefined || WEIGHT[error.outcome] > WEIGHT[worst.outcome]))
      worst = error;
  }
  return worst;
}

/** Whether a message is malformed: its receiver ends the session, or does not take all of it as it stands. */
export function isMalformed(error: FieldError | undefined): boolean {
  return error !== undefined && WEIGHT[error.outcome] >= WEIGHT['attribute-discard'];
}

/** How badly a message fits the context that it was dissected in: the weights of all its errors. */
export function faultWeight(field: Field): number {
  let weight = field.error === undefined ? 0 : WEIGHT[field.error.outcome];
  for (const child of field.children ?? []) weight += faultWeight(child);
  return weight;
}

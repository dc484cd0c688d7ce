import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import type { AppendResult, LoggedEntry } from './redis-log.ts';
import { comparePositions, follows, type Head, nextPosition } from './redis-position.ts';

/** A lease that must still have this deadline in Redis: nobody has renewed it. */
export interface LeaseGuard {
  readonly id: bigint;
  readonly deadline: string;
}

/** A request on its way. */
export interface Waiting {
  readonly evaluate: (draft: Draft) => Outcome<unknown>;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** What must hold when this is logged. */
  readonly guard: LeaseGuard | undefined;
  settled: boolean;
}

/** Requests evaluated together on one state, and what they append to it. */
export interface Batch {
  readonly operation: string;
  readonly expected: Head;
  readonly entries: readonly LoggedEntry[];
  readonly answers: readonly { readonly waiting: Waiting; readonly settle: () => void }[];
  /** Sent before without an answer: it may be in the log already. */
  unanswered: boolean;
}

/**
 * Evaluates requests one after the other on the state that the log has at `expected`. Their answers, errors too, count once the log
 * has been found unchanged.
 */
export function evaluateBatch(
  requests: readonly Waiting[],
  draft: Draft,
  expected: Head,
  operation: string,
): Batch {
  const entries: LoggedEntry[] = [];
  let at = expected;
  const answers = requests.map((waiting) => {
    try {
      const { response, entry } = waiting.evaluate(draft);
      if (entry !== undefined) {
        const previous = at.operation;
        at = { ...nextPosition(at, entry), operation };
        entries.push({ position: at, previous, entry });
      }
      return { waiting, settle: () => waiting.resolve(response) };
    } catch (error) {
      return { waiting, settle: () => waiting.reject(error) };
    }
  });
  return { operation, expected, entries, answers, unanswered: false };
}

/** Whether an append that had no answer may lie in a part of the log that has been dropped meanwhile. */
export function isHidden(batch: Batch, result: AppendResult): boolean {
  if (result.kind !== 'behind' || comparePositions(result.head, batch.expected) <= 0) return false;
  const first = result.missed[0];
  return first === undefined || !follows(batch.expected, first.position, first.entry);
}

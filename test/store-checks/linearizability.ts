import type { KeyValue } from '../../protocol/etcd/types.ts';
import { type Answer, type Done, type Operation, type Truth, text } from './history.ts';

/**
 * Whether a history is linearizable. As every answer carries a revision, that comes down to this: the writes, in order of their
 * revisions, give the states that were seen, and the order of revisions keeps to real time. A write without an answer either is in the
 * store's history, then it was done at that revision, or it was not done.
 *
 * Returns what is wrong, one line each; none: the history is linearizable.
 */
export function checkHistory(history: readonly Done[], truth: Truth): string[] {
  const wrong: string[] = [];
  for (const done of history) {
    const reason = done.answer === undefined ? undefined : contradiction(done.operation, done.answer, truth);
    if (reason !== undefined) wrong.push(`${JSON.stringify(done.operation, bigints)}: ${reason}`);
  }
  wrong.push(...checkRealTime(history, truth));
  return wrong;
}

/**
 * Whether the store's history is one: a revision for each change, versions that count from 1, creations that stay until the key is
 * deleted. Returns what is wrong, one line each.
 */
export function checkVersions(truth: Truth): string[] {
  const wrong: string[] = [];
  for (let revision = 2n; revision <= truth.last; revision++) {
    const events = truth.events.get(revision);
    if (events === undefined) wrong.push(`nothing happened at ${revision}`);
    const before = truth.at(revision - 1n);
    for (const { type, kv } of events ?? []) {
      const key = text(kv.key);
      const old = before.get(key);
      if (type === 'DELETE') {
        if (old === undefined) wrong.push(`${key} was deleted at ${revision}, but was not there`);
        continue;
      }
      const version = (old?.version ?? 0n) + 1n;
      if (kv.version !== version)
        wrong.push(`${key} at ${revision} has version ${kv.version} instead of ${version}`);
      const created = old?.createRevision ?? revision;
      if (kv.createRevision !== created)
        wrong.push(`${key} at ${revision} was created at ${kv.createRevision} instead of ${created}`);
    }
  }
  return wrong;
}

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

/** What of an answer is not true. */
function contradiction(operation: Operation, answer: Answer, truth: Truth): string | undefined {
  const { revision } = answer;
  if (revision > truth.last) return `acknowledged revision ${revision} is lost`;
  switch (operation.kind) {
    case 'list':
      return sameKvs(answer.kvs, [...truth.at(operation.revision || revision).values()]);
    case 'put':
      return writtenAt(operation, revision, truth) ?? replaced(operation, answer, truth);
    case 'cas': {
      const [{ key }] = operation.writes;
      const before = truth.at(answer.succeeded ? revision - 1n : revision).get(key)?.modRevision ?? 0n;
      if ((before === operation.expected) !== answer.succeeded) {
        return `${answer.succeeded ? 'done' : 'refused'} although the key was at ${before}`;
      }
      return answer.succeeded ? writtenAt(operation, revision, truth) : undefined;
    }
    case 'delete':
      return deletedAt(operation.key, answer, truth);
  }
}

function writtenAt(
  operation: Operation & { readonly kind: 'put' | 'cas' },
  revision: bigint,
  truth: Truth,
): string | undefined {
  const lost = operation.writes.find(({ value }) => truth.written.get(value) !== revision);
  if (lost === undefined) return undefined;
  return `acknowledged at ${revision}, but ${lost.value} was written at ${truth.written.get(lost.value) ?? 'no revision'}`;
}

function replaced(
  operation: Operation & { readonly kind: 'put' },
  answer: Answer,
  truth: Truth,
): string | undefined {
  const before = truth.at(answer.revision - 1n);
  for (const [i, { key }] of operation.writes.entries()) {
    if (differ(before.get(key), answer.previous[i])) return `another value before at ${answer.revision}`;
  }
  return undefined;
}

function deletedAt(key: string, answer: Answer, truth: Truth): string | undefined {
  if (answer.deleted === 0n) {
    return truth.at(answer.revision).has(key)
      ? `not found although it was there at ${answer.revision}`
      : undefined;
  }
  if (truth.at(answer.revision).has(key)) return `still there at ${answer.revision}`;
  const before = truth.at(answer.revision - 1n).get(key);
  return differ(before, answer.previous[0]) ? `another value deleted at ${answer.revision}` : undefined;
}

/** Whether two states of a key are not the same. */
export function differ(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  if (a === undefined || b === undefined) return a !== b;
  return a.modRevision !== b.modRevision || a.version !== b.version || text(a.value) !== text(b.value);
}

function sameKvs(got: readonly KeyValue[], expected: readonly KeyValue[]): string | undefined {
  const inOrder = [...expected].sort((a, b) => (text(a.key) < text(b.key) ? -1 : 1));
  const same = got.length === inOrder.length && got.every((kv, i) => !differ(kv, inOrder[i]));
  return same ? undefined : `${got.length} keys instead of ${inOrder.length}, or other values`;
}

/** Whoever asked after an answer had come must not be told of an earlier revision; a write not even of the same. */
function checkRealTime(history: readonly Done[], truth: Truth): string[] {
  const known = history.flatMap((done) => {
    const revision = revisionOf(done, truth);
    return revision === undefined ? [] : [{ ...done, revision }];
  });
  const byReturn = [...known].sort((a, b) => a.returned - b.returned);
  const wrong: string[] = [];
  let newest = 0n;
  let next = 0;
  for (const done of [...known].sort((a, b) => a.called - b.called)) {
    for (; next < byReturn.length && byReturn[next]!.returned < done.called; next++) {
      const { answer, revision } = byReturn[next]!;
      // Without an answer nobody could know of it.
      if (answer !== undefined && revision > newest) newest = revision;
    }
    const writes = isWrite(done);
    if (done.revision < newest || (writes && done.revision === newest)) {
      const operation = JSON.stringify(done.operation, bigints);
      wrong.push(`${operation}: at ${done.revision}, after an answer at ${newest}`);
    }
  }
  return wrong;
}

function isWrite({ operation, answer }: Done): boolean {
  if (operation.kind === 'list') return false;
  return answer === undefined || (answer.succeeded && (operation.kind !== 'delete' || answer.deleted > 0n));
}

/** Where in the order of revisions an operation belongs; undefined: it was not done, or nobody can tell. */
function revisionOf({ operation, answer }: Done, truth: Truth): bigint | undefined {
  if (answer !== undefined) return answer.revision;
  return operation.kind === 'put' || operation.kind === 'cas'
    ? truth.written.get(operation.writes[0].value)
    : undefined;
}

import type { PingRequest, PingResult } from '../control/types.ts';
import type { EchoPort, EchoReply } from '../pod/types.ts';
import type { Clock, Millis, Random } from '../ports.ts';
import { pause } from '../wait.ts';

/** What people call the ICMP errors that can answer an echo request (RFC 792, RFC 1812 §5.2.7). */
const ERRORS: Readonly<Record<string, string>> = {
  '3.0': 'Destination Net Unreachable',
  '3.1': 'Destination Host Unreachable',
  '3.2': 'Destination Protocol Unreachable',
  '3.3': 'Destination Port Unreachable',
  '3.4': 'Frag needed and DF set',
  '3.13': 'Packet filtered',
  '11.0': 'Time to live exceeded',
  '11.1': 'Frag reassembly time exceeded',
};

/** Who waits for the answer to a request, by the sequence number on the wire; without a reply it waits no longer. */
type Pending = Map<number, (reply?: EchoReply) => void>;

/**
 * Sends echo requests from a pod, one every `intervalMs` (or as soon as the one before is answered, where that is
 * 0), and reports each outcome once: reply, ICMP error, refusal by the pod's own stack (an error `from` nobody), or
 * silence for `timeoutMs`. Resolves when all are reported or `signal` aborts; rejects with what `onResult` throws.
 */
export async function ping(
  echo: EchoPort,
  request: PingRequest,
  ports: { readonly clock: Clock; readonly random: Random },
  onResult: (result: PingResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const id = ports.random.uint32() & 0xffff;
  const data = payload(request.size);
  const pending: Pending = new Map();
  // Replies come up through the packet path of all hosts: an error of the listener must not go down it.
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const report = (result: PingResult): void => {
    if (ended.aborted) return;
    try {
      onResult(result);
    } catch (error) {
      failed.abort(error);
    }
  };
  const send = (sequence: number): Promise<void> =>
    exchange(pending, sequence, request.timeoutMs, clock, report, () => {
      const { destination, ttl, dontFragment = false } = request;
      echo.send(destination, id, sequence & 0xffff, data, ttl, dontFragment);
    });
  const unsubscribe = echo.onReply((reply) => {
    if (reply.id === id) pending.get(reply.sequence)?.(reply);
  });
  const abort = (): void => {
    for (const settle of [...pending.values()]) settle();
  };
  ended.addEventListener('abort', abort);
  try {
    const sent: Promise<void>[] = [];
    for (let sequence = 1; sequence <= request.count && !ended.aborted; sequence++) {
      const one = send(sequence);
      sent.push(one);
      if (sequence === request.count) break;
      await (request.intervalMs === 0 ? one : pause(clock, request.intervalMs, ended));
    }
    await Promise.all(sent);
  } finally {
    ended.removeEventListener('abort', abort);
    unsubscribe();
  }
  failed.signal.throwIfAborted();
}

/** One request and what comes of it; resolves when that is reported, or when `pending` gave up on it. */
function exchange(
  pending: Pending,
  sequence: number,
  timeout: Millis,
  clock: Clock,
  report: (result: PingResult) => void,
  send: () => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wire = sequence & 0xffff;
  const sentAt = clock.now();
  let settled = false;
  const settle = (result?: PingResult): void => {
    if (settled) return;
    settled = true;
    timer.cancel();
    if (pending.get(wire) === answered) pending.delete(wire);
    if (result !== undefined) report(result);
    resolve();
  };
  const answered = (reply?: EchoReply): void =>
    settle(reply === undefined ? undefined : outcome(sequence, reply, clock.now() - sentAt));
  const timer = clock.setTimer(timeout, () => settle({ ...nothing(sequence), outcome: 'timeout' }));
  pending.set(wire, answered);
  try {
    send();
  } catch (error) {
    settle({ ...nothing(sequence), error: (error as Error).message });
  }
  return promise;
}

function nothing(sequence: number): PingResult {
  return { sequence, outcome: 'error', from: null, rttMs: null, ttl: null, bytes: null, error: null };
}

function outcome(sequence: number, reply: EchoReply, rttMs: Millis): PingResult {
  const { from, type, code, ttl, bytes, mtu } = reply;
  if (type === 0) {
    return { sequence, outcome: 'reply', from, rttMs: Number(rttMs.toFixed(3)), ttl, bytes, error: null };
  }
  const text = ERRORS[`${type}.${code}`] ?? `ICMP type ${type} code ${code}`;
  return { ...nothing(sequence), from, error: mtu === undefined ? text : `${text} (mtu = ${mtu})` };
}

/** Payload of iputils' pattern: each byte its own offset. */
function payload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

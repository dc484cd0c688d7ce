import type { PingRequest, PingResult } from '../control/types.ts';
import type { EchoPort, EchoReply } from '../pod/types.ts';
import type { Clock, Random } from '../ports.ts';

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

/**
 * Sends echo requests from a pod, one every `intervalMs` (or as soon as the one before is answered, where that is
 * 0), and reports each outcome once: reply, ICMP error, or silence for `timeoutMs`. Resolves when all are reported
 * or `signal` aborts.
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
  const pending = new Map<
    number,
    { readonly sentAt: number; readonly settle: (reply?: EchoReply) => void }
  >();
  const unsubscribe = echo.onReply((reply) => {
    if (reply.id === id) pending.get(reply.sequence)?.settle(reply);
  });
  const refused = (sequence: number, error: Error): void => {
    const settle = pending.get(sequence)?.settle;
    pending.delete(sequence);
    const nothing = { from: null, rttMs: null, ttl: null, bytes: null };
    onResult({ sequence, outcome: 'error', ...nothing, error: error.message });
    settle?.();
  };
  const sendOne = (sequence: number): Promise<void> =>
    new Promise((resolve) => {
      const sentAt = clock.now();
      const timer = clock.setTimer(request.timeoutMs, () => settle());
      const settle = (reply?: EchoReply): void => {
        timer.cancel();
        if (pending.delete(sequence) && !signal.aborted) {
          onResult(result(sequence, reply, clock.now() - sentAt));
        }
        resolve();
      };
      pending.set(sequence, { sentAt, settle });
      try {
        const data = payload(request.size);
        echo.send(request.destination, id, sequence, data, request.ttl, request.dontFragment === true);
      } catch (error) {
        refused(sequence, error as Error);
      }
    });
  const abort = (): void => {
    for (const each of [...pending.values()]) each.settle();
  };
  signal.addEventListener('abort', abort);
  try {
    const sent: Promise<void>[] = [];
    for (let sequence = 1; sequence <= request.count && !signal.aborted; sequence++) {
      const one = sendOne(sequence);
      sent.push(one);
      if (sequence === request.count) break;
      await (request.intervalMs === 0 ? one : elapsed(clock, request.intervalMs, signal));
    }
    await Promise.all(sent);
  } finally {
    signal.removeEventListener('abort', abort);
    unsubscribe();
  }
}

function result(sequence: number, reply: EchoReply | undefined, rttMs: number): PingResult {
  if (reply === undefined) {
    return { sequence, outcome: 'timeout', from: null, rttMs: null, ttl: null, bytes: null, error: null };
  }
  if (reply.type === 0) {
    const { from, ttl, bytes } = reply;
    return {
      sequence,
      outcome: 'reply',
      from,
      rttMs: Number(rttMs.toFixed(3)),
      ttl,
      bytes,
      error: null,
    };
  }
  const text = ERRORS[`${reply.type}.${reply.code}`] ?? `ICMP type ${reply.type} code ${reply.code}`;
  const error = reply.mtu === undefined ? text : `${text} (mtu = ${reply.mtu})`;
  return { sequence, outcome: 'error', from: reply.from, rttMs: null, ttl: reply.ttl, bytes: null, error };
}

/** Payload of iputils' pattern: each byte its own offset. */
function payload(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

function elapsed(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(delay, () => finish());
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish);
  });
}

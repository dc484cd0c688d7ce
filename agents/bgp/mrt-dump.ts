/** Dumps of a running speaker, to whoever takes the octets. */
import { ribDump } from './mrt-rib-dump.ts';
import type { BgpSpeaker } from './speaker.ts';

/** Octets of updates that may wait for who takes them. */
const LIMIT = 64 << 20;

type Sink = (bytes: Uint8Array) => void | Promise<void>;

/**
 * `rib`: all paths as they are, in pieces between which everybody else has a turn. `updates`: what the sessions receive,
 * until `signal` aborts.
 * @param onReady called when nothing that is received from now on will be missing.
 * @throws Error where updates come faster than they are taken for too long.
 */
export async function dumpMrt(
  speaker: BgpSpeaker,
  what: 'rib' | 'updates',
  onBytes: Sink,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  if (what === 'rib') {
    onReady?.();
    await dumpRib(speaker, onBytes, signal);
  } else await dumpUpdates(speaker, onBytes, signal, onReady);
}

async function dumpRib({ table }: BgpSpeaker, onBytes: Sink, signal: AbortSignal): Promise<void> {
  for (const piece of ribDump(table, Math.floor(Date.now() / 1000))) {
    if (signal.aborted) return;
    await onBytes(piece);
    await new Promise(setImmediate);
  }
}

async function dumpUpdates(
  { tap }: BgpSpeaker,
  onBytes: Sink,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  let waiting: Uint8Array[] = [];
  let octets = 0;
  let wake: () => void = () => undefined;
  const stop = tap.listen((record) => {
    waiting.push(record);
    octets += record.length;
    // Bounded, whatever the reader does.
    if (octets > LIMIT) stop();
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  onReady?.();
  try {
    while (!signal.aborted) {
      if (octets > LIMIT) throw new Error(`${octets >> 20} MiB of updates wait to be written`);
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const pieces = waiting;
      waiting = [];
      octets = 0;
      await onBytes(Buffer.concat(pieces));
    }
    if (waiting.length > 0) await onBytes(Buffer.concat(waiting));
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}

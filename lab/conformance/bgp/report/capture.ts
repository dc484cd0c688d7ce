/**
 * What a test sent and received as a capture file: TCP segments made from the octets that went through the tester's
 * sockets, one for each message. Connections over IPv6 are left out.
 */
import { CaptureHub } from '../../../../agents/capture/hub.ts';
import { bgpFraming } from '../../../../agents/capture/stream-framing.ts';
import { TcpConversation } from '../../../../agents/capture/tcp-conversation.ts';
import { UnderlayRecorder } from '../../../../agents/capture/underlay-recorder.ts';
import type { Clock } from '../../../../agents/ports.ts';
import type { WireConnection, WireEvent } from '../record.ts';
import type { TestResult } from '../run.ts';

/** A clock that shows the time of the event which is being written. */
class ReplayClock implements Clock {
  time = 0n;

  now(): number {
    return Number(this.time / 1_000_000n);
  }

  wallNanos(): bigint {
    return this.time;
  }

  setTimer(_delay: number, callback: () => void): { cancel(): void } {
    const timer = setImmediate(callback);
    return { cancel: () => clearImmediate(timer) };
  }
}

/** A whole pcapng file. @param application name and version of the program. */
export async function captureOf(
  { requirement, verdict, reason, record }: TestResult,
  application: string,
): Promise<Uint8Array> {
  const clock = new ReplayClock();
  const hub = new CaptureHub({
    clock,
    application,
    comments: [
      `${requirement.id} ${requirement.title} (${requirement.rfc}): ${verdict}${reason === undefined ? '' : `, ${reason}`}`,
    ],
    bufferBytes: Number.MAX_SAFE_INTEGER,
  });
  const chunks: Uint8Array[] = [];
  const finished = new AbortController();
  const done = hub.capture({ underlay: true }, (bytes) => void chunks.push(bytes.slice()), finished.signal);
  const id = hub.addInterface({ name: 'tester', scope: { kind: 'underlay' } });
  const recorder = new UnderlayRecorder(hub, id, {});
  const events = record.connections.flatMap((connection) => {
    const conversation = new TcpConversation(recorder, connection.local, connection.remote, bgpFraming);
    return connection.events.map((event) => ({ event, connection, conversation }));
  });
  for (const { event, connection, conversation } of events.toSorted((a, b) =>
    compare(a.event.time, b.event.time),
  )) {
    clock.time = event.time;
    replay(event, connection, conversation);
  }
  finished.abort();
  await done;
  return Buffer.concat(chunks);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function replay(event: WireEvent, { dialled }: WireConnection, conversation: TcpConversation): void {
  switch (event.what) {
    case 'opened':
      conversation.opened(dialled, event.time);
      break;
    case 'sent':
      conversation.sent(event.octets!);
      break;
    case 'received':
      conversation.received(event.octets!);
      break;
    case 'ended':
      conversation.ended();
      break;
    case 'closed':
      conversation.closed(event.error);
      break;
  }
}

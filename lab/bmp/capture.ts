import { closeSync, openSync, writeSync } from 'node:fs';
import { CaptureHub } from '../../agents/capture/hub.ts';
import type { StreamFraming } from '../../agents/capture/stream-framing.ts';
import { tapTcp } from '../../agents/capture/tap-tcp.ts';
import type { Clock, TcpPort } from '../../agents/ports.ts';
import { readUint32 } from '../../protocol/bgp/byte-writer.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, VERSION } from '../../protocol/bmp/header.ts';

/** Segments of a capture begin and end with messages. */
const bmpFraming: StreamFraming = {
  headerLength: HEADER_LENGTH,
  messageLength(header) {
    const length = readUint32(header, 1);
    return header[0] === VERSION && length >= HEADER_LENGTH && length <= MAX_MESSAGE_LENGTH
      ? length
      : undefined;
  },
};

/** A TCP port of which everything is written to a file as well. */
export interface CapturedTcp {
  readonly tcp: TcpPort;
  /** Resolves when the file is complete. */
  close(): Promise<void>;
}

/**
 * Writes connections over IPv4 to a pcapng file, as TCP segments made from their octets.
 * @param application name and version of the program.
 * @throws Error where the file cannot be opened; `close` rejects where it cannot be written.
 */
export function captureTcp(tcp: TcpPort, clock: Clock, file: string, application: string): CapturedTcp {
  const descriptor = openSync(file, 'w');
  const hub = new CaptureHub({ clock, application, comments: ['BMP'] });
  const finished = new AbortController();
  let failure: unknown;
  const done = hub.capture(
    { underlay: true },
    (bytes) => {
      try {
        if (failure === undefined) writeSync(descriptor, bytes);
      } catch (error) {
        failure = error;
      }
    },
    finished.signal,
  );
  const id = hub.addInterface({ name: 'bmp', scope: { kind: 'underlay' } });
  return {
    tcp: tapTcp(tcp, hub, id, { framing: bmpFraming }),
    async close() {
      finished.abort();
      await done;
      closeSync(descriptor);
      if (failure !== undefined) throw failure;
    },
  };
}

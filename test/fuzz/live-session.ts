// A session machine on a real connection, with everything that goes into it written down.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { SessionConfig } from '../../protocol/bgp/session/config.ts';
import type { SessionInput, SessionOutput } from '../../protocol/bgp/session/event.ts';
import { outputLine, recordingHeader, recordingLine } from '../../protocol/bgp/session/recording.ts';
import { Session } from '../../protocol/bgp/session/session.ts';

export class LiveSession {
  readonly session: Session;
  /** The recording so far, as lines of text. */
  readonly recording: string[];
  /** Outputs so far, a line each. */
  readonly outputs: string[] = [];
  /** Outputs by their kinds. */
  readonly counts: Map<SessionOutput['kind'], number> = new Map();
  readonly #server: Server;
  readonly #sockets = new Map<number, Socket>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #accepted = 0;
  #wake = (): void => undefined;

  /** Only listens: the configuration has to be passive. */
  constructor(config: SessionConfig) {
    this.session = new Session(config);
    this.recording = [recordingHeader(config)];
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    this.feed({ kind: 'start' });
  }

  /** Resolves when the condition holds; looked at after each input. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        if (condition()) resolve();
      };
      this.#wake();
    });
  }

  /** The connection that was accepted last. */
  get connection(): number {
    return this.#accepted;
  }

  feed(input: SessionInput): void {
    const at = performance.now();
    this.recording.push(recordingLine({ at, input }));
    for (const output of this.session.handle(input, at)) {
      this.outputs.push(outputLine(output));
      this.counts.set(output.kind, (this.counts.get(output.kind) ?? 0) + 1);
      this.#carryOut(output);
    }
    this.#wake();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#accepted += 2;
    const connection = this.#accepted;
    this.#sockets.set(connection, socket);
    socket.on('data', (bytes: Buffer) => this.feed({ kind: 'received', connection, bytes }));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#sockets.delete(connection)) this.feed({ kind: 'closed', connection });
    });
    this.feed({ kind: 'accepted', connection });
  }

  #carryOut(output: SessionOutput): void {
    if (output.kind === 'send') this.#sockets.get(output.connection)?.write(output.bytes);
    else if (output.kind === 'close') this.#sockets.get(output.connection)?.end();
    else if (output.kind === 'cancel') this.#cancel(`${output.direction}/${output.timer}`);
    else if (output.kind === 'arm') {
      const { direction, timer, delay } = output;
      this.#cancel(`${direction}/${timer}`);
      const pending = setTimeout(() => this.feed({ kind: 'timer', direction, timer }), delay);
      this.#timers.set(`${direction}/${timer}`, pending);
    }
  }

  #cancel(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}

import type { TcpHandler } from '../../../agents/ports.ts';

/** A handler that keeps what it is told and lets a test wait for it. */
export class TcpRecorder implements TcpHandler {
  text = '';
  readonly closes: Array<string | undefined> = [];
  readonly #connected = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #waiting: Array<() => void> = [];
  readonly connected: Promise<void> = this.#connected.promise;
  readonly closed: Promise<void> = this.#closed.promise;

  onConnect(): void {
    this.#connected.resolve();
  }

  onData(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
    for (const check of this.#waiting) check();
  }

  onClose(error?: string): void {
    this.closes.push(error);
    this.#closed.resolve();
  }

  received(text: string): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.text.includes(text)) resolve();
      };
      this.#waiting.push(check);
      check();
    });
  }
}

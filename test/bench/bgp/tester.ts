// The benchmark's side of a tester process.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Expectation, Order, Setup, TesterReport } from './tester-messages.ts';

type Kind = Answer['kind'];
type AnswerOf<K extends Kind> = Answer & { readonly kind: K };

export class Tester {
  readonly #process: ChildProcess;
  readonly #answers: Answer[] = [];
  readonly #wakes = new Set<() => void>();

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (answer: Answer) => this.#take(answer));
    process.on('exit', (code, signal) =>
      this.#take({ kind: 'failed', reason: `a tester process ended (${code ?? signal})` }),
    );
  }

  /** Starts a process and returns when its peers have their sessions. */
  static async start(setup: Setup, timeout: number): Promise<Tester> {
    const script = fileURLToPath(new URL('tester-process.ts', import.meta.url));
    const tester = new Tester(fork(script, { serialization: 'advanced' }));
    try {
      await tester.#ask({ kind: 'connect', setup }, 'ready', timeout);
    } catch (error) {
      await tester.stop();
      throw error;
    }
    return tester;
  }

  async expect(table: readonly Expectation[], timeout: number): Promise<void> {
    await this.#ask({ kind: 'expect', table }, 'ready', timeout);
  }

  /** Floods, and returns when it began and when each batch was written, ms. */
  flood(
    order: Order & { readonly kind: 'announce' | 'withdraw' | 'churn' },
    timeout: number,
  ): Promise<AnswerOf<'sent'>> {
    return this.#ask(order, 'sent', timeout);
  }

  /** When everything was there, ms. */
  async complete(timeout: number): Promise<number> {
    return (await this.#wait('complete', timeout)).at;
  }

  report(timeout: number): Promise<TesterReport> {
    return this.#ask({ kind: 'report' }, 'report', timeout);
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  #ask<K extends Kind>(order: Order, kind: K, timeout: number): Promise<AnswerOf<K>> {
    this.#process.send(order);
    return this.#wait(kind, timeout);
  }

  #take(answer: Answer): void {
    this.#answers.push(answer);
    for (const wake of this.#wakes) wake();
  }

  async #wait<K extends Kind>(kind: K, timeout: number): Promise<AnswerOf<K>> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const failed = this.#answers.find((answer) => answer.kind === 'failed');
      if (failed !== undefined) throw new Error((failed as AnswerOf<'failed'>).reason);
      const at = this.#answers.findIndex((answer) => answer.kind === kind);
      if (at >= 0) return this.#answers.splice(at, 1)[0] as AnswerOf<K>;
      const rest = deadline - performance.now();
      if (rest <= 0) throw new Error(`not ${kind} in time`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#wakes.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, rest);
        this.#wakes.add(wake);
      });
    }
  }
}

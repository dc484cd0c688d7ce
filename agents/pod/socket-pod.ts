import { errorCode } from '../io/errors.ts';
import { openPodWire, type PodWire } from '../io/linux/pod-wire.ts';
import { type HandOver, offerFds } from '../io/linux/scm-rights.ts';
import type { Clock, Log, Millis } from '../ports.ts';
import { type PodHandOver, type PodHandOverAnswer, UNKNOWN_POD } from './socket-message.ts';
import type { PodNetwork } from './types.ts';

/** Pause between attempts while there is no agent. */
const PAUSE: Millis = 200;

/** What making `eth0` says while an earlier one is there, up or down. */
const STILL_THERE: ReadonlySet<string> = new Set(['EEXIST', 'EBUSY']);

export interface SocketPodOptions {
  /** `namespace/name`. */
  readonly name: string;
  /** The agent's socket. */
  readonly socket: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the pod. */
  readonly signal: AbortSignal;
}

/**
 * A pod in this process's network namespace: makes its `eth0`, hands the wire end to the node agent, configures `eth0`
 * as the agent says, and does the same with each agent that comes after. Between two agents `eth0` stays as it is.
 * Resolves when `signal` aborts; rejects with one line where `eth0` cannot be made or the agent knows no such pod.
 */
export async function runSocketPod(options: SocketPodOptions): Promise<void> {
  const pod = new SocketPod(options);
  try {
    while (!options.signal.aborted) await pod.serveOnce();
  } finally {
    pod.close();
  }
}

class SocketPod {
  readonly #options: SocketPodOptions;
  #wire: PodWire;
  /** What `eth0` is configured as. */
  #network: PodNetwork | undefined;
  #said: string | undefined;
  readonly #aborted: Promise<void>;
  /** Ends a pause. */
  #wake: (() => void) | undefined;

  constructor(options: SocketPodOptions) {
    this.#options = options;
    this.#wire = openPodWire();
    this.#aborted = new Promise((resolve) => {
      options.signal.addEventListener('abort', () => {
        resolve();
        this.#wake?.();
      });
    });
  }

  /** One agent, from its taking over to its end; or one attempt and the pause after it. */
  async serveOnce(): Promise<void> {
    const { name, socket, log, signal } = this.#options;
    let handOver: HandOver;
    try {
      handOver = await offerFds(socket, { pod: name } satisfies PodHandOver, this.#wire.fds);
    } catch (error) {
      if (errorCode(error) === UNKNOWN_POD) throw error;
      this.#sayOnce((error as Error).message);
      return this.#pause();
    }
    try {
      const network = handOver.answer as PodHandOverAnswer;
      if (!this.#configure(network)) return await this.#makeAnew(handOver, network);
      this.#said = undefined;
      log.info({ pod: name, ...network }, 'pod up');
      await Promise.race([handOver.gone, this.#aborted]);
      if (!signal.aborted) log.warn({ pod: name }, 'the agent is gone, waiting for the next');
    } finally {
      handOver.close();
    }
  }

  close(): void {
    this.#wire.close();
  }

  /** Configures an `eth0` that is not yet; false where it is, as something else. */
  #configure(network: PodNetwork): boolean {
    if (this.#network === undefined) {
      this.#wire.configure(network);
      this.#network = network;
    }
    return JSON.stringify(network) === JSON.stringify(this.#network);
  }

  /** The store forgot the pod, so it has another address now: nothing of the old `eth0` may stay. */
  async #makeAnew(handOver: HandOver, network: PodNetwork): Promise<void> {
    const { name, log, signal } = this.#options;
    log.warn({ pod: name, from: this.#network?.address, to: network.address }, 'the address changed');
    this.#network = undefined;
    handOver.close();
    this.#wire.close();
    while (!signal.aborted) {
      try {
        this.#wire = openPodWire();
        return;
      } catch (error) {
        // The agent has not let go of the old one yet.
        if (!STILL_THERE.has(errorCode(error))) throw error;
        await this.#pause();
      }
    }
  }

  #sayOnce(message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    this.#options.log.info({ pod: this.#options.name, error: message }, 'waiting for the agent');
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = this.#options.clock.setTimer(PAUSE, resolve);
    await promise;
    timer.cancel();
    this.#wake = undefined;
  }
}

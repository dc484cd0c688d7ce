import type { BgpSpeaker } from '../bgp/speaker.ts';
import type { BmpPorts } from './collector.ts';
import type { BmpCollectors } from './collectors.ts';
import type { BmpCollectorConfig } from './types.ts';

/** Who a speaker says that it is, but for what can be read from it. */
export interface BmpSystem {
  /** Name of the machine or lab node. */
  readonly sysName: string;
  /** Program and version, such as `podwire 0.1.0`. */
  readonly program: string;
}

/** The BMP collectors that a speaker has, by its configuration. What they take is loaded when there is one. */
export class SpeakerBmp {
  readonly #speaker: BgpSpeaker;
  readonly #ports: BmpPorts;
  readonly #system: BmpSystem;
  #collectors: BmpCollectors | undefined;
  #configs: readonly BmpCollectorConfig[] = [];
  #loading: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(speaker: BgpSpeaker, ports: BmpPorts, system: BmpSystem) {
    this.#speaker = speaker;
    this.#ports = ports;
    this.#system = system;
  }

  /** Makes the collectors these: sessions with those that stay as they are go on. */
  configure(configs: readonly BmpCollectorConfig[] = []): void {
    this.#configs = configs;
    if (this.#collectors !== undefined) this.#collectors.configure(configs);
    else if (configs.length > 0) this.#loading = this.#load();
  }

  /** Tells the collectors that the speaker ends; resolves when the connections are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    await this.#collectors?.close();
  }

  async #load(): Promise<void> {
    const { BmpCollectors } = await import('./collectors.ts');
    // Another call may have been first, or have taken all of them out again.
    if (this.#closed || this.#collectors !== undefined) return;
    const { asn, routerId } = this.#speaker.config;
    const { sysName, program } = this.#system;
    const sysDescr = `${program}, BGP speaker ${routerId} AS ${asn}`;
    this.#collectors = new BmpCollectors(this.#speaker, this.#ports, { sysName, sysDescr });
    this.#collectors.configure(this.#configs);
  }
}

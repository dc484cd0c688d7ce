import { hostname } from 'node:os';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { BmpPorts } from '../../agents/bmp/collector.ts';
import type { BmpCollectors } from '../../agents/bmp/collectors.ts';
import type { BmpCollectorConfig } from '../../agents/bmp/types.ts';
import { packageVersion } from '../cli/package.ts';

/** The BMP collectors that a speaker's file names. What they take is loaded when there is one. */
export class SpeakerBmp {
  readonly #speaker: BgpSpeaker;
  readonly #ports: BmpPorts;
  #collectors: BmpCollectors | undefined;
  #configs: readonly BmpCollectorConfig[] = [];
  #loading: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(speaker: BgpSpeaker, ports: BmpPorts) {
    this.#speaker = speaker;
    this.#ports = ports;
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
    const { BmpCollectors } = await import('../../agents/bmp/collectors.ts');
    // Another call may have been first, or have taken all of them out again.
    if (this.#closed || this.#collectors !== undefined) return;
    const { asn, routerId } = this.#speaker.config;
    const sysDescr = `podwire ${packageVersion()}, BGP speaker ${routerId} AS ${asn}`;
    this.#collectors = new BmpCollectors(this.#speaker, this.#ports, { sysName: hostname(), sysDescr });
    this.#collectors.configure(this.#configs);
  }
}

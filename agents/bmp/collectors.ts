import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import { ADMINISTRATIVELY_CLOSED, PERMANENTLY_CLOSED } from '../../protocol/bmp/types.ts';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import { type BmpContext, type BmpPorts, Collector } from './collector.ts';
import { bmpTime } from './time.ts';
import type { BmpCollectorConfig, BmpIdentity } from './types.ts';

/** All collectors of a speaker. */
export class BmpCollectors {
  readonly #context: BmpContext;
  #collectors = new Map<string, Collector>();
  /** Those that are no more in the configuration, while they close. */
  readonly #leaving = new Set<Promise<void>>();

  /** @param limit octets of changes that may wait for a collector that does not read; default 32 MiB. */
  constructor(speaker: BgpSpeaker, ports: BmpPorts, identity: BmpIdentity, limit?: number) {
    const since: RouteTime = bmpTime(ports.clock.wallNanos());
    this.#context = { speaker, ports, identity, since, ...(limit === undefined ? {} : { limit }) };
  }

  /** Makes the collectors these: new ones are dialled, missing and changed ones are told so, others go on. */
  configure(configs: readonly BmpCollectorConfig[]): void {
    const wanted = new Map(configs.map((config) => [JSON.stringify(config), config]));
    const kept = new Map<string, Collector>();
    for (const [key, collector] of this.#collectors) {
      if (wanted.has(key)) kept.set(key, collector);
      else {
        const closed = collector.close(PERMANENTLY_CLOSED).finally(() => this.#leaving.delete(closed));
        this.#leaving.add(closed);
      }
    }
    for (const [key, config] of wanted) {
      if (!kept.has(key)) kept.set(key, new Collector(config, this.#context));
    }
    this.#collectors = kept;
  }

  /** Tells all collectors that the speaker ends; resolves when their connections are closed. */
  async close(): Promise<void> {
    const closing = [...this.#collectors.values()].map((each) => each.close(ADMINISTRATIVELY_CLOSED));
    this.#collectors.clear();
    await Promise.all([...closing, ...this.#leaving]);
  }
}

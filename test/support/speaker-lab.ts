// Speakers on a simulated network, for tests of what the driver does.
import { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { NeighborStatus, PeerConfig, SpeakerConfig } from '../../agents/bgp/types.ts';
import type { Log } from '../../agents/ports.ts';
import { silentLog } from './bgp.ts';
import { SimClock, SimNet, seededRandom } from './sim-net.ts';

const PORT = 179;
export const ASN = 64512;

/** A network with a clock of its own, and speakers on it. */
export class SpeakerLab {
  readonly clock: SimClock = new SimClock();
  readonly net: SimNet = new SimNet(this.clock);
  /** Everything that was logged, `message {"field": ...}`. */
  readonly logged: string[] = [];
  #seed = 1;

  speaker(address: string, more: Partial<SpeakerConfig> = {}): BgpSpeaker {
    const config = { asn: ASN, routerId: address, listen: [{ address, port: PORT }], ...more };
    const random = seededRandom(this.#seed++ * 7919);
    return new BgpSpeaker(config, { clock: this.clock, random, tcp: this.net.tcp(address), log: this.#log });
  }

  /** Stops a speaker while time goes on. */
  async stop(speaker: BgpSpeaker, options?: Parameters<BgpSpeaker['stop']>[0]): Promise<void> {
    let stopped = false;
    const done = speaker.stop(options).then(() => {
      stopped = true;
    });
    for (let i = 0; i < 50 && !stopped; i++) {
      this.clock.run(50);
      await Promise.resolve();
    }
    await done;
  }

  /** Lets time pass until all sessions of these speakers are up. */
  untilUp(...speakers: readonly BgpSpeaker[]): void {
    this.clock.runUntil(() =>
      speakers.every((speaker) => {
        const neighbors = speaker.neighbors();
        return neighbors.length > 0 && neighbors.every(({ state }) => state === 'Established');
      }),
    );
  }

  get #log(): Log {
    const write = (fields: object, message: string): void => {
      this.logged.push(`${message} ${JSON.stringify(fields)}`);
    };
    const log: Log = { ...silentLog, info: write, warn: write, error: write, child: () => log };
    return log;
  }
}

/** A peer of the same AS, unless said otherwise, named and addressed alike. */
export function peerAt(address: string, more: Partial<PeerConfig> = {}): PeerConfig {
  return { name: address, address, asn: ASN, holdTime: 90, ...more };
}

/** Neighbour by name. */
export function neighbor(speaker: BgpSpeaker, name: string): NeighborStatus {
  const found = speaker.neighbors().find((each) => each.name === name);
  if (found === undefined) throw new Error(`no neighbour ${name}`);
  return found;
}

/** Prefixes of all paths, those kept for a restarting peer with a `~`. */
export function prefixes(speaker: BgpSpeaker): string[] {
  return speaker.rib().map(({ prefix, stale }) => `${stale === true ? '~' : ''}${prefix}`);
}

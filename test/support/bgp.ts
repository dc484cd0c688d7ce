// What BGP tests share: a speaker on loopback, and waiting for what it tells.

import { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { PathView, SpeakerConfig } from '../../agents/bgp/types.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { systemRandom } from '../../agents/io/random.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import type { Log, TcpPort } from '../../agents/ports.ts';

/** A log that keeps nothing. */
export const silentLog: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** A speaker on the real clock and real sockets, or others. */
export function realSpeaker(config: SpeakerConfig, tcp: TcpPort = nodeTcp()): BgpSpeaker {
  return new BgpSpeaker(config, {
    clock: systemClock(),
    random: systemRandom(),
    tcp,
    log: silentLog,
  });
}

/** Resolves as soon as `condition` holds; asked again whenever the speaker tells something. */
export function until(speaker: BgpSpeaker, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const ask = (): void => {
      if (condition()) resolve();
    };
    speaker.onSessionChange(ask);
    speaker.onBestChange(ask);
    speaker.onEndOfRib(ask);
    ask();
  });
}

/** Resolves when the session with a peer is Established. */
export function untilEstablished(speaker: BgpSpeaker, peer: string): Promise<void> {
  return until(speaker, () =>
    speaker.neighbors().some(({ name, state }) => name === peer && state === 'Established'),
  );
}

/** Best paths as `"prefix via next hop"`, sorted. */
export function bestRoutes(paths: readonly PathView[]): string[] {
  return paths
    .filter(({ best }) => best)
    .map(({ prefix, nextHop }) => `${prefix} via ${nextHop}`)
    .sort();
}

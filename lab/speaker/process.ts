/** One BGP speaker as a process of its own, without a lab around it. */

import { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { controlSpeaker } from '../../agents/bgp/speaker-control.ts';
import type {
  NetworkConfig,
  NextHopConfig,
  PeerConfig,
  PeerRangeConfig,
  SpeakerConfig,
} from '../../agents/bgp/types.ts';
import { SPEAKER_NODE, type SpeakerControl } from '../../agents/control/bgp.ts';
import { serveControl } from '../../agents/control/server.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { systemRandom } from '../../agents/io/random.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import type { Log } from '../../agents/ports.ts';
import { type MrtConfig, MrtDumps } from '../mrt/dumps.ts';

/** Everything that a speaker's file says, with its peer groups and policies worked in. */
export interface SpeakerSetup {
  readonly speaker: SpeakerConfig;
  readonly peers: readonly PeerConfig[];
  readonly ranges: readonly PeerRangeConfig[];
  readonly networks: readonly NetworkConfig[];
  /** Absent: every next hop can be reached. */
  readonly nextHops?: readonly NextHopConfig[] | undefined;
  readonly mrt?: MrtConfig | undefined;
}

/** A running speaker. */
export interface SpeakerProcess {
  readonly speaker: BgpSpeaker;
  /** Writes the RIB to the file that the configuration names; resolves when that is done. */
  dumpRib(): Promise<void>;
  /**
   * Makes it what a file says now: sessions of unchanged peers go on.
   * @throws RangeError naming what cannot be changed while it runs, or what is wrong; nothing has changed then.
   */
  reload(setup: SpeakerSetup): void;
  /** Resolves when somebody stopped it through the control socket. */
  readonly asked: Promise<void>;
  /**
   * Ends the sessions with Cease, Administrative Shutdown; resolves when everything is closed. With `restart` without a
   * word, so that peers with graceful restart keep the routes until the speaker is back (RFC 4724 §4).
   */
  stop(options?: { readonly restart?: boolean }): Promise<void>;
}

/**
 * Starts a speaker on the sockets of the system, controlled through a Unix socket. Rejects with a PortError where it
 * cannot listen, or cannot serve the socket.
 */
export async function startSpeaker(setup: SpeakerSetup, socket: string, log: Log): Promise<SpeakerProcess> {
  const ports = { clock: systemClock(), random: systemRandom(), tcp: nodeTcp(), log };
  const { nextHops } = setup;
  const speaker = new BgpSpeaker(
    nextHops === undefined ? setup.speaker : { ...setup.speaker, nextHops },
    ports,
  );
  speaker.setPeers(setup.peers, setup.ranges);
  let announced = announce(speaker, setup.networks, new Map());
  let ended: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const target: SpeakerControl = {
    node: SPEAKER_NODE,
    speaker: controlSpeaker(SPEAKER_NODE, () => speaker),
    stop: async () => {
      await speaker.stop();
      ended();
    },
  };
  const control = await serveControl(socket, new Map([[SPEAKER_NODE, target]]));
  try {
    await speaker.start();
  } catch (error) {
    await control.close();
    throw error;
  }
  const dumps = new MrtDumps(speaker, log);
  dumps.configure(setup.mrt);
  return {
    speaker,
    asked,
    dumpRib: () => dumps.dumpRib(),
    reload(next) {
      const fixed = (config: SpeakerConfig): string => JSON.stringify(FIXED.map((key) => config[key]));
      if (fixed(next.speaker) !== fixed(speaker.config)) {
        throw new RangeError(
          `${FIXED.slice(0, -1).join(', ')} and ${FIXED.at(-1)} stay as they are until the speaker is started anew`,
        );
      }
      speaker.setPeers(next.peers, next.ranges);
      speaker.setNextHops(next.nextHops);
      announced = announce(speaker, next.networks, announced);
      dumps.configure(next.mrt);
    },
    async stop(options) {
      await speaker.stop(options);
      await dumps.close();
      await control.close();
    },
  };
}

/** What a running speaker cannot change. */
const FIXED = [
  'asn',
  'routerId',
  'listen',
  'clusterId',
  'confederation',
  'ebgpRequiresPolicy',
  'multipath',
  'rtConstraint',
] as const;

type Announced = ReadonlyMap<string, string>;

/** Announces what is new or different, and withdraws what is no more. Returns what is announced now. */
function announce(speaker: BgpSpeaker, networks: readonly NetworkConfig[], before: Announced): Announced {
  const now = new Map(networks.map(({ prefix, ...options }) => [prefix, JSON.stringify(options)]));
  for (const prefix of before.keys()) if (!now.has(prefix)) speaker.withdraw(prefix);
  for (const { prefix, ...options } of networks) {
    if (before.get(prefix) !== now.get(prefix)) speaker.announce(prefix, options);
  }
  return now;
}

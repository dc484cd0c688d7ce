/** One BGP speaker as a process of its own, without a lab around it. */

import { hostname } from 'node:os';
import { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type {
  NetworkConfig,
  NextHopConfig,
  PeerConfig,
  PeerRangeConfig,
  SpeakerConfig,
} from '../../agents/bgp/types.ts';
import type { BmpCollectorConfig } from '../../agents/bmp/types.ts';
import type { ControlServer } from '../../agents/control/server.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { useHugePages } from '../../agents/io/linux/huge-pages.ts';
import { systemRandom } from '../../agents/io/random.ts';
import { boundRegExpTime } from '../../agents/io/regexp-time.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import type { MetricsServer } from '../../agents/metrics/server.ts';
import type { Endpoint, Log } from '../../agents/ports.ts';
import { packageVersion } from '../cli/package.ts';
import type { MrtConfig } from '../mrt/dumps.ts';

/** Everything that a speaker's file says, with its peer groups and policies worked in. */
export interface SpeakerSetup {
  readonly speaker: SpeakerConfig;
  readonly peers: readonly PeerConfig[];
  readonly ranges: readonly PeerRangeConfig[];
  readonly networks: readonly NetworkConfig[];
  /** Absent: every next hop can be reached. */
  readonly nextHops?: readonly NextHopConfig[] | undefined;
  readonly mrt?: MrtConfig | undefined;
  /** BMP collectors. */
  readonly bmp?: readonly BmpCollectorConfig[] | undefined;
  /** Where Prometheus scrapes it; absent: nowhere. */
  readonly metrics?: Endpoint | undefined;
}

/** A running speaker. */
export interface SpeakerProcess {
  readonly speaker: BgpSpeaker;
  /** Where metrics are served. */
  readonly metrics: Endpoint | undefined;
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
 * cannot listen, or cannot serve the socket or the metrics.
 */
export async function startSpeaker(setup: SpeakerSetup, socket: string, log: Log): Promise<SpeakerProcess> {
  useHugePages();
  boundRegExpTime();
  const ports = { clock: systemClock(), random: systemRandom(), tcp: nodeTcp(), log };
  const { nextHops } = setup;
  const speaker = new BgpSpeaker(
    nextHops === undefined ? setup.speaker : { ...setup.speaker, nextHops },
    ports,
  );
  speaker.setPeers(setup.peers, setup.ranges);
  let announced = announce(speaker, setup.networks, new Map());
  const dumps = (): Promise<typeof import('../mrt/dumps.ts')> => import('../mrt/dumps.ts');
  // Peers need not wait for what serves people: it is loaded when we listen, dumps of updates apart.
  if (setup.mrt !== undefined) await dumps();
  await speaker.start();
  let control: ControlServer;
  let asked: Promise<void>;
  let metrics: MetricsServer | undefined;
  try {
    if (setup.metrics !== undefined) metrics = await serveMetricsOf(speaker, setup.metrics);
    ({ control, asked } = await serve(speaker, socket));
  } catch (error) {
    await metrics?.close();
    await speaker.stop();
    throw error;
  }
  const { MrtDumps } = await dumps();
  const mrt = new MrtDumps(speaker, log);
  mrt.configure(setup.mrt);
  const { SpeakerBmp } = await import('../../agents/bmp/speaker-bmp.ts');
  const program = `podwire ${packageVersion()}`;
  const bmp = new SpeakerBmp(speaker, ports, { sysName: hostname(), program });
  bmp.configure(setup.bmp);
  return {
    speaker,
    metrics: metrics?.local,
    asked,
    dumpRib: () => mrt.dumpRib(),
    reload(next) {
      const fixed = (config: SpeakerConfig): string => JSON.stringify(FIXED.map((key) => config[key]));
      if (JSON.stringify(next.metrics) !== JSON.stringify(setup.metrics)) {
        throw new RangeError('metrics stays as it is until the speaker is started anew');
      }
      if (fixed(next.speaker) !== fixed(speaker.config)) {
        throw new RangeError(
          `${FIXED.slice(0, -1).join(', ')} and ${FIXED.at(-1)} stay as they are until the speaker is started anew`,
        );
      }
      speaker.setPeers(next.peers, next.ranges);
      speaker.setNextHops(next.nextHops);
      announced = announce(speaker, next.networks, announced);
      mrt.configure(next.mrt);
      bmp.configure(next.bmp);
    },
    async stop(options) {
      await speaker.stop(options);
      await mrt.close();
      await bmp.close();
      await metrics?.close();
      await control.close();
    },
  };
}

/** Serves the speaker's control socket; `asked` resolves when somebody stopped the speaker through it. */
async function serve(
  speaker: BgpSpeaker,
  socket: string,
): Promise<{ readonly control: ControlServer; readonly asked: Promise<void> }> {
  const [{ controlSpeaker }, { SPEAKER_NODE }, { serveControl }] = await Promise.all([
    import('../../agents/bgp/speaker-control.ts'),
    import('../../agents/control/bgp.ts'),
    import('../../agents/control/server.ts'),
  ]);
  const { promise: asked, resolve: ended } = Promise.withResolvers<void>();
  const target = {
    node: SPEAKER_NODE,
    speaker: controlSpeaker(SPEAKER_NODE, () => speaker),
    stop: async (): Promise<void> => {
      await speaker.stop();
      ended();
    },
  };
  return { control: await serveControl(socket, new Map([[SPEAKER_NODE, target]])), asked };
}

async function serveMetricsOf(speaker: BgpSpeaker, at: Endpoint): Promise<MetricsServer> {
  const { serveMetrics } = await import('../../agents/metrics/server.ts');
  return serveMetrics(at, () => [{ of: speaker, labels: {} }], packageVersion());
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

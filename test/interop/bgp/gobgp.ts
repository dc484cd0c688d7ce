// GoBGP as a router of interop tests.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { communityText } from '../../../protocol/bgp/attribute/communities.ts';
import { requireTool } from '../../support/tools.ts';
import {
  ask,
  byPrefix,
  type Router,
  type RouterFamily,
  type RouterNetwork,
  type RouterPath,
  type RouterPeer,
  type RouterSpec,
} from './router.ts';

const run = promisify(execFile);

/** How many of its client's processes run side by side. */
const AT_A_TIME = 8;

/** Next hop of the IPv4 routes that a GoBGP originates: it takes none in 127/8. */
export const GOBGP_NEXT_HOP = '192.0.2.99';

/** Starts gobgpd and returns when its API answers and its own routes are in. */
export async function startGobgp(spec: RouterSpec): Promise<Router> {
  const folder = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
  const router = new GobgpRouter(spec, folder);
  await router.launch(false);
  return router;
}

class GobgpRouter implements Router {
  readonly name = 'GoBGP';
  readonly spec: RouterSpec;
  readonly #folder: string;
  #networks: readonly RouterNetwork[];
  #process: ChildProcess | undefined;

  constructor(spec: RouterSpec, folder: string) {
    this.spec = spec;
    this.#folder = folder;
    this.#networks = spec.networks;
  }

  async launch(restarted: boolean): Promise<void> {
    const config = join(this.#folder, 'gobgpd.conf');
    await writeFile(config, configuration(this.spec));
    const api = ['--api-hosts', `${this.#api}:50051`, '--pprof-disable'];
    const gobgpd = spawn(requireTool('gobgpd'), ['-f', config, ...api, ...(restarted ? ['-r'] : [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [gobgpd.stdout!, gobgpd.stderr!]) {
      stream.on('data', (text: Buffer) => {
        output += text.toString();
      });
    }
    this.#process = gobgpd;
    await ask(
      async () => (gobgpd.exitCode === null ? await this.#gobgp('global') : 'ended'),
      (text) => text.includes(String(this.spec.asn)) || text === 'ended',
    );
    if (gobgpd.exitCode !== null) throw new Error(`gobgpd ended: ${output}`);
    await this.#routes('add', this.#networks);
    // Its End-of-RIB is to come after its routes.
    for (const { address } of this.spec.peers) await this.#gobgp('neighbor', address, 'enable');
  }

  async received(peer: string, family: RouterFamily): Promise<readonly RouterPath[]> {
    const table = ['-a', afiName(family)];
    if (await this.established(peer)) {
      const text = await this.#gobgp('-j', 'neighbor', peer, 'adj-in', ...table);
      return parseTable(text).map(pathOf).sort(byPrefix);
    }
    // Of a peer that is down only its own table tells what is kept.
    const kept = parseTable(await this.#gobgp('-j', 'global', 'rib', ...table));
    return kept
      .filter((path) => path['neighbor-ip'] === peer)
      .map(pathOf)
      .sort(byPrefix);
  }

  async originate(networks: readonly RouterNetwork[]): Promise<void> {
    const key = (network: RouterNetwork): string => JSON.stringify(network);
    const before = new Set(this.#networks.map(key));
    const prefixes = new Set(networks.map(({ prefix }) => prefix));
    const gone = this.#networks.filter(({ prefix }) => !prefixes.has(prefix));
    await this.#routes('del', gone);
    const changed = networks.filter((network) => !before.has(key(network)));
    await this.#routes('add', changed);
    this.#networks = networks;
  }

  /** Its soft reset judges what it has again, and asks nobody. */
  async refresh(): Promise<boolean> {
    return false;
  }

  async capabilities(peer: string): Promise<readonly string[]> {
    const text = await this.#gobgp('neighbor', peer);
    return [...text.matchAll(/^\s+([\w-]+):\s+advertised and received/gm)].map((match) => match[1]!);
  }

  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async established(peer: string): Promise<boolean> {
    return (await this.#gobgp('neighbor', peer)).includes('BGP_FSM_ESTABLISHED');
  }

  async restart(networks: readonly RouterNetwork[]): Promise<void> {
    this.#networks = networks;
    await this.launch(true);
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const gobgpd = this.#process;
    if (gobgpd === undefined || gobgpd.exitCode !== null || gobgpd.signalCode !== null) return;
    const ended = new Promise((resolve) => gobgpd.once('exit', resolve));
    gobgpd.kill(signal);
    await ended;
  }

  /** Each route is a process of its own, so several at a time. */
  async #routes(verb: 'add' | 'del', networks: readonly RouterNetwork[]): Promise<void> {
    for (let i = 0; i < networks.length; i += AT_A_TIME) {
      await Promise.all(networks.slice(i, i + AT_A_TIME).map((network) => this.#route(verb, network)));
    }
  }

  async #route(verb: 'add' | 'del', { prefix, community, med }: RouterNetwork): Promise<void> {
    const ipv6 = prefix.includes(':');
    const extended = this.spec.peers.every(({ extendedNextHop }) => extendedNextHop === true);
    const attributes = [
      ...['nexthop', ipv6 || extended ? this.spec.nextHop6 : GOBGP_NEXT_HOP],
      ...['origin', 'igp'],
      ...(community === undefined ? [] : ['community', community]),
      ...(med === undefined ? [] : ['med', String(med)]),
    ];
    const rest = verb === 'add' ? attributes : [];
    await this.#gobgp('global', 'rib', verb, '-a', ipv6 ? 'ipv6' : 'ipv4', prefix, ...rest);
  }

  /** Its API listens on the IPv4 address of loopback that is its own. */
  get #api(): string {
    return this.spec.routerId ?? this.spec.address;
  }

  async #gobgp(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(requireTool('gobgp'), ['-u', this.#api, ...args], {
      maxBuffer: 1 << 26,
    });
    return stdout;
  }
}

function afiName(family: RouterFamily): string {
  return family === 'ipv4-unicast' ? 'ipv4' : 'ipv6';
}

function configuration(spec: RouterSpec): string {
  return `
[global.config]
  as = ${spec.asn}
  router-id = "${spec.routerId ?? spec.address}"
  port = ${spec.port}
  local-address-list = ["${spec.address}"]
${spec.peers.map((peer) => neighbor(spec, peer)).join('\n')}`;
}

function neighbor(spec: RouterSpec, peer: RouterPeer): string {
  const families = spec.families.map(
    (family) => `
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "${family}"
    ${familyRestart(spec)}
    ${peer.addPath === true ? '[neighbors.afi-safis.add-paths.config]\n      receive = true\n      send-max = 8' : ''}`,
  );
  return `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${peer.address}"
    peer-as = ${peer.asn}
    admin-down = true
    ${peer.md5 === undefined ? '' : `auth-password = "${peer.md5}"`}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    local-address = "${spec.address}"
    remote-port = ${spec.port}
    passive-mode = true
  ${peer.client === true ? `[neighbors.route-reflector.config]\n    route-reflector-client = true\n    route-reflector-cluster-id = "${spec.address}"` : ''}
  ${restart(spec)}
  ${families.join('')}`;
}

function restart({ restartTime, longLivedTime }: RouterSpec): string {
  if (restartTime === undefined) return '';
  return `[neighbors.graceful-restart.config]
    enabled = true
    restart-time = ${restartTime}
    notification-enabled = true
    long-lived-enabled = ${longLivedTime !== undefined}`;
}

function familyRestart({ restartTime, longLivedTime }: RouterSpec): string {
  if (restartTime === undefined) return '';
  const plain = '[neighbors.afi-safis.mp-graceful-restart.config]\n      enabled = true';
  if (longLivedTime === undefined) return plain;
  return `${plain}
    [neighbors.afi-safis.long-lived-graceful-restart.config]
      enabled = true
      restart-time = ${longLivedTime}`;
}

interface GobgpPath {
  readonly 'neighbor-ip'?: string;
  readonly nlri: { readonly prefix: string };
  readonly attrs: readonly { readonly type: number; readonly [name: string]: unknown }[];
}

function parseTable(text: string): readonly GobgpPath[] {
  const table = JSON.parse(text === '' ? '{}' : text) as Record<string, readonly GobgpPath[]>;
  return Object.values(table).flat();
}

function pathOf({ nlri, attrs }: GobgpPath): RouterPath {
  const attribute = (type: number): Record<string, unknown> | undefined =>
    attrs.find((candidate) => candidate.type === type);
  const segments = (attribute(2)?.as_paths ?? []) as readonly { readonly asns: readonly number[] }[];
  const originatorId = attribute(9)?.value as string | undefined;
  const clusterList = attribute(10)?.value as readonly string[] | undefined;
  return {
    prefix: nlri.prefix,
    nextHop: ((attribute(3) ?? attribute(14))?.nexthop as string | undefined) ?? '',
    asPath: segments.flatMap(({ asns }) => asns).join(' '),
    med: attribute(4)?.metric as number | undefined,
    communities: ((attribute(8)?.communities ?? []) as readonly number[]).map(communityText),
    ...(originatorId === undefined ? {} : { originatorId }),
    ...(clusterList === undefined ? {} : { clusterList }),
  };
}

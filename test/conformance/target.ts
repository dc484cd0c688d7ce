// The speakers that the suite runs against, each with the configuration that `podwire conformance bgp --print-config`
// prints for it, on a loopback address of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import type { Commands } from '../../lab/conformance/bgp/commands.ts';
import type { CommandName, Profile } from '../../lab/conformance/bgp/profile.ts';
import { loadProfile, type ProfileOptions } from '../../lab/conformance/bgp/profile-load.ts';
import { offeredBy, type ProgramName, targetConfig } from '../../lab/conformance/bgp/target-config/all.ts';
import { NotApplicable } from '../../lab/conformance/bgp/verdict.ts';
import { formatIpv4, ipv4Mask, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { BirdDaemon } from '../interop/bgp-bird-daemon.ts';
import { FrrDaemon } from '../interop/bgp-frr-daemon.ts';
import { requireTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

const ASN = 65000;
const PORT = 1790;
/** Seconds for which a target waits for End-of-RIBs after a restart: the steps of GR-5 before it take about ten. */
const DEFERRAL = 25;

/** A running speaker and how the suite is to talk to it. */
export interface Target {
  readonly profile: Profile;
  readonly commands: Commands;
  stop(): Promise<void>;
}

/** Where each speaker listens and which quarter of the range its peers come from; they never run at the same time. */
const PLACES: Readonly<Record<ProgramName, ProfileOptions>> = {
  bird: {
    target: { address: '127.108.0.1', port: PORT },
    peers: '127.108.0.0/18',
    // BIRD resolves no next hops in 127.0.0.0/8.
    nextHops: '203.0.113.0/24',
  },
  frr: {
    target: { address: '127.108.64.1', port: PORT },
    peers: '127.108.64.0/18',
    // Next hops in 127.0.0.0/8 would need `bgp allow-martian-nexthop`.
    nextHops: '203.0.113.0/24',
  },
  gobgp: {
    target: { address: '127.108.128.1', port: PORT },
    peers: '127.108.128.0/18',
    // GoBGP takes no next hops in 127.0.0.0/8.
    nextHops: '203.0.113.0/24',
  },
  podwire: { target: { address: '127.108.192.1', port: PORT }, peers: '127.108.192.0/18' },
};

async function profileFor(program: ProgramName): Promise<Profile> {
  const profile = await loadProfile({ ...PLACES[program], asn: ASN, localAsn: 65001 });
  const settings = { ...profile.settings, deferralTime: DEFERRAL };
  return offeredBy(program, { ...profile, settings });
}

type Handlers = Readonly<
  Partial<Record<CommandName, (values: Readonly<Record<string, string>>) => Promise<string>>>
>;

/** Commands as functions; those that are not there do not apply. */
function commands(handlers: Handlers): Commands {
  return {
    async run(name, values) {
      const handler = handlers[name];
      if (handler === undefined) throw new NotApplicable(`no command "${name}" for this speaker`);
      return await handler(values);
    },
  };
}

/** BIRD: `startup hold time` makes it wait only 20 s for an OPEN. */
export async function startBird(): Promise<Target> {
  const base = await profileFor('bird');
  const profile = { ...base, settings: { ...base.settings, openHoldTime: 20 } };
  const folder = await mkdtemp(join(tmpdir(), 'podwire-bird-log-'));
  const [log, originated] = [join(folder, 'log'), join(folder, 'originated.conf')];
  const costs = join(folder, 'costs.conf');
  const costOf = new Map<string, string>();
  await writeFile(originated, '');
  await writeFile(costs, '');
  const config = `log "${log}" all;
graceful restart wait ${DEFERRAL};
protocol static originated {
  ipv4;
include "${originated}";
}
protocol static costs {
  ipv4;
include "${costs}";
}
${targetConfig('bird', profile)}`;
  let bird = await BirdDaemon.start(config);
  const restart = async (): Promise<string> => {
    await bird.kill();
    bird = await BirdDaemon.start(config, true);
    return '';
  };
  const originate = async (route: string): Promise<string> => {
    await writeFile(originated, route);
    return await bird.order('configure');
  };
  // A host route beside the range that covers all next hops.
  const setCost = async (nextHop: string, cost: string): Promise<string> => {
    costOf.set(nextHop, cost === '' ? 'unreachable' : `via "lo" { igp_metric = ${cost}; }`);
    const routes = [...costOf].map(([address, rest]) => `route ${address}/32 ${rest};`);
    await writeFile(costs, `${routes.join('\n')}\n`);
    return await bird.order('configure');
  };
  return {
    profile,
    commands: commands({
      stop: ({ name }) => bird.order(`disable peer_${name}`),
      start: ({ name }) => bird.order(`enable peer_${name}`),
      restart,
      'igp-cost': ({ nextHop, cost }) => setCost(nextHop!, cost ?? ''),
      originate: ({ prefix }) => originate(`route ${prefix} blackhole;`),
      'originate-end': () => originate(''),
      log: () => readFile(log, 'utf8'),
    }),
    async stop() {
      await bird.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** FRR's bgpd without zebra. */
export async function startFrr(): Promise<Target> {
  const profile = await profileFor('frr');
  const { address, port } = profile.target;
  const folder = await mkdtemp(join(tmpdir(), 'podwire-frr-log-'));
  const log = join(folder, 'log');
  const config = `log file ${log}\n${targetConfig('frr', profile)}`;
  let frr = await FrrDaemon.start(address, port, config);
  const restart = async (): Promise<string> => {
    await frr.kill();
    // It waits only where it says that it has kept its forwarding state.
    const lines = ['preserve-fw-state', `select-defer-time ${DEFERRAL}`].map(
      (setting) => ` bgp graceful-restart ${setting}\n`,
    );
    frr = await FrrDaemon.start(address, port, `${config}\nrouter bgp ${ASN}\n${lines.join('')}`);
    return '';
  };
  const order = (...lines: readonly string[]): Promise<string> =>
    frr.command('configure terminal', `router bgp ${ASN}`, ...lines);
  return {
    profile,
    commands: commands({
      stop: ({ address: peer }) => order(`neighbor ${peer} shutdown`),
      start: ({ address: peer }) => order(`no neighbor ${peer} shutdown`),
      restart,
      originate: ({ prefix }) => order('address-family ipv4 unicast', `network ${prefix}`),
      'originate-end': ({ prefix }) => order('address-family ipv4 unicast', `no network ${prefix}`),
      log: () => readFile(log, 'utf8'),
    }),
    async stop() {
      await frr.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** GoBGP, started again whenever it crashes: some malformed messages end the 3.10 process. */
export async function startGobgp(): Promise<Target> {
  const profile = await profileFor('gobgp');
  const folder = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
  const config = join(folder, 'gobgpd.conf');
  const time = '    restart-time = 120\n';
  await writeFile(
    config,
    targetConfig('gobgp', profile).replaceAll(time, `${time}    deferral-time = ${DEFERRAL}\n`),
  );
  const api = [profile.target.address, '50051'] as const;
  const gobgp = async (...args: readonly string[]): Promise<string> =>
    (await run(requireTool('gobgp'), ['-u', api[0], '-p', api[1], ...args])).stdout;
  const log = join(folder, 'log');
  const args = ['-f', config, '--api-hosts', api.join(':'), '--pprof-disable'];
  const supervisor = new Supervisor(requireTool('gobgpd'), args, { log });
  await until('gobgpd listens', () => listens(profile.target));
  const restart = async (): Promise<string> => {
    await supervisor.restart([...args, '-r']);
    await until('gobgpd listens again', () => listens(profile.target));
    return '';
  };
  return {
    profile,
    commands: commands({
      stop: ({ address }) => gobgp('neighbor', address!, 'disable'),
      start: ({ address }) => gobgp('neighbor', address!, 'enable'),
      restart,
      'originate-mac': ({ mac, routeTarget }) => {
        const ids = ['rd', `${profile.target.address}:1`, 'rt', routeTarget!, 'encap', 'vxlan'];
        const route = ['macadv', mac!, '0.0.0.0', 'etag', '0', 'label', '100', ...ids];
        return gobgp('global', 'rib', 'add', '-a', 'evpn', ...route);
      },
      originate: ({ prefix }) => gobgp('global', 'rib', 'add', prefix!, 'nexthop', '203.0.113.255'),
      'originate-end': ({ prefix }) => gobgp('global', 'rib', 'del', prefix!, 'nexthop', '203.0.113.255'),
      log: () => readFile(log, 'utf8'),
    }),
    async stop() {
      await supervisor.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `podwire speaker` as a process of its own, controlled through its socket. */
export async function startPodwire(): Promise<Target> {
  const profile = await profileFor('podwire');
  const folder = await mkdtemp(join(tmpdir(), 'podwire-speaker-'));
  const config = join(folder, 'speaker.yaml');
  const socket = join(folder, 'speaker.sock');
  await writeFile(config, `${targetConfig('podwire', profile)}api: { socket: ${socket} }\n`);
  const podwire = (...args: readonly string[]): readonly string[] => ['bin/podwire.mjs', ...args];
  const log = join(folder, 'log');
  const args = podwire('speaker', '--config', config);
  const supervisor = new Supervisor(process.execPath, args, { again: false, log });
  await until('podwire speaker listens', () => listens(profile.target));
  const order = async (verb: string, ...rest: readonly string[]): Promise<string> =>
    (await run(process.execPath, podwire('bgp', verb, '--socket', socket, ...rest))).stdout;
  const restart = async (): Promise<string> => {
    const text = await readFile(config, 'utf8');
    await writeFile(config, `${text}restarting: { deferral: ${DEFERRAL} }\n`);
    await supervisor.restart();
    await until('podwire speaker listens again', () => listens(profile.target));
    await writeFile(config, text);
    return '';
  };
  return {
    profile,
    commands: commands({
      stop: ({ address }) => order('shutdown', address!),
      start: ({ address }) => order('enable', address!),
      restart,
      log: () => readFile(log, 'utf8'),
      originate: ({ prefix }) => order('inject', prefix!),
      'originate-end': ({ prefix }) => order('withdraw', prefix!),
      'originate-mac': ({ mac, routeTarget }) => {
        const route = `[2]:[0]:[48]:[${mac}] RD ${profile.target.address}:1 label 100`;
        return order('inject', route, '--community', `rt:${routeTarget}`, '--community', 'encap:vxlan');
      },
      'igp-cost': async ({ nextHop, cost }) => {
        await writeFile(config, withCost(await readFile(config, 'utf8'), nextHop!, cost ?? ''));
        supervisor.signal('SIGHUP');
        return '';
      },
    }),
    async stop() {
      await supervisor.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A speaker file in which an IPv4 next hop has another cost, or (no cost) cannot be reached. */
function withCost(text: string, nextHop: string, cost: string): string {
  const file = parse(text) as { nextHops: readonly (string | { readonly prefix: string })[] };
  const rest = file.nextHops
    .map((hop) => (typeof hop === 'string' ? hop : hop.prefix))
    .filter((prefix) => prefix !== `${nextHop}/32`)
    .flatMap((prefix) => (prefix.includes(':') ? [prefix] : without(prefix, nextHop)));
  const own = cost === '' ? [] : [{ prefix: `${nextHop}/32`, cost: Number(cost) }];
  return stringify({ ...file, nextHops: [...rest, ...own] });
}

/** The prefixes that make up a prefix but for one address. */
function without(prefix: string, address: string): string[] {
  const [base, length] = prefix.split('/');
  const bits = parseIpv4(address);
  const inside = (from: number): boolean => (bits ^ parseIpv4(base!)) >>> (32 - from) === 0 || from === 0;
  if (!inside(Number(length))) return [prefix];
  const siblings: string[] = [];
  for (let from = Number(length) + 1; from <= 32; from++) {
    const sibling = ((bits ^ (1 << (32 - from))) & ipv4Mask(from)) >>> 0;
    siblings.push(`${formatIpv4(sibling)}/${from}`);
  }
  return siblings;
}

/** A process; where it may crash it is started again each time, and its log may be kept. */
class Supervisor {
  readonly #path: string;
  #args: readonly string[];
  readonly #again: boolean;
  readonly #log: string | undefined;
  #process: ChildProcess;
  #stopped = false;

  constructor(
    path: string,
    args: readonly string[],
    { again = true, log }: { readonly again?: boolean; readonly log?: string } = {},
  ) {
    this.#path = path;
    this.#args = args;
    this.#again = again;
    this.#log = log;
    this.#process = this.#spawn();
  }

  #spawn(): ChildProcess {
    const log = this.#log === undefined ? undefined : openSync(this.#log, 'a');
    const child = spawn(this.#path, this.#args, { stdio: ['ignore', log ?? 'ignore', log ?? 'ignore'] });
    if (log !== undefined) closeSync(log);
    child.once('exit', () => {
      if (this.#again && !this.#stopped) this.#process = this.#spawn();
    });
    return child;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it as a crash would and starts it again, this once with other arguments where they are given. */
  async restart(args: readonly string[] = this.#args): Promise<void> {
    const usual = this.#args;
    this.#args = args;
    const child = this.#process;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    // Where it is started again in any case, that has been done.
    if (!this.#again) this.#process = this.#spawn();
    this.#args = usual;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

function listens({ address, port }: { readonly address: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port, localAddress: address });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

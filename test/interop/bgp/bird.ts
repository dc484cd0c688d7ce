// BIRD 2 as a router of interop tests.
import { BirdDaemon } from '../bgp-bird-daemon.ts';
import {
  byPrefix,
  type Router,
  type RouterFamily,
  type RouterNetwork,
  type RouterPath,
  type RouterPeer,
  type RouterSpec,
} from './router.ts';

/** Name of the protocol for a peer. */
function protocolName(peer: string): string {
  return `peer_${peer.replaceAll(/[.:]/g, '_')}`;
}

/** Starts BIRD and returns when its control socket answers. */
export async function startBird(spec: RouterSpec): Promise<Router> {
  const router = new BirdRouter(spec);
  await router.launch(false);
  return router;
}

class BirdRouter implements Router {
  readonly name = 'BIRD';
  readonly spec: RouterSpec;
  #networks: readonly RouterNetwork[];
  #daemon!: BirdDaemon;

  constructor(spec: RouterSpec) {
    this.spec = spec;
    this.#networks = spec.networks;
  }

  async launch(restarted: boolean): Promise<void> {
    this.#daemon = await BirdDaemon.start(configuration(this.spec, this.#networks), restarted);
  }

  async received(peer: string, family: RouterFamily): Promise<readonly RouterPath[]> {
    const table = family === 'ipv4-unicast' ? 'master4' : 'master6';
    const text = await this.#daemon.command(`show route table ${table} protocol ${protocolName(peer)} all`);
    return parseRoutes(text).sort(byPrefix);
  }

  async originate(networks: readonly RouterNetwork[]): Promise<void> {
    this.#networks = networks;
    await this.#daemon.configure(configuration(this.spec, networks));
  }

  async refresh(peer: string): Promise<boolean> {
    await this.#daemon.order(`reload in ${protocolName(peer)}`);
    return true;
  }

  async capabilities(peer: string): Promise<readonly string[]> {
    const text = await this.#daemon.command(`show protocols all ${protocolName(peer)}`);
    const section = (name: string): Set<string> => {
      const lines = text.split('\n');
      const start = lines.findIndex((line) => line.includes(name));
      const list: string[] = [];
      for (const line of lines.slice(start + 1)) {
        if (!/^ {6}/.test(line)) break;
        // What is deeper says more about the capability before it.
        if (/^ {6}\S/.test(line)) list.push(line.trim().split(':')[0]!);
      }
      return new Set(list);
    };
    const ours = section('Local capabilities');
    return [...section('Neighbor capabilities')].filter((name) => ours.has(name));
  }

  crash(): Promise<void> {
    return this.#daemon.kill();
  }

  async established(peer: string): Promise<boolean> {
    return (await this.#daemon.command(`show protocols ${protocolName(peer)}`)).includes('Established');
  }

  async restart(networks: readonly RouterNetwork[]): Promise<void> {
    this.#networks = networks;
    await this.launch(true);
  }

  stop(): Promise<void> {
    return this.#daemon.stop();
  }
}

function configuration(spec: RouterSpec, networks: readonly RouterNetwork[]): string {
  const routes = (version: 4 | 6): string =>
    networks
      .filter(({ prefix }) => prefix.includes(':') === (version === 6))
      .map(({ prefix, community }) => {
        const set = community === undefined ? '' : `bgp_community.add(${pair(community)});`;
        return `route ${prefix} blackhole { ${set} };`;
      })
      .join('\n  ');
  return `
router id ${spec.routerId ?? spec.address};
protocol device {}
protocol static { ipv4;
  ${routes(4)}
}
protocol static { ipv6;
  ${routes(6)}
}
filter announce {
  ${metrics(networks)}
  accept;
}
${spec.peers.map((peer) => bgp(spec, peer)).join('\n')}`;
}

function pair(community: string): string {
  return `(${community.replace(':', ',')})`;
}

/** BIRD drops the MED of a route before it filters what goes to an external peer, so the filter sets it. */
function metrics(networks: readonly RouterNetwork[]): string {
  const lines = networks
    .filter(({ community, med }) => community !== undefined && med !== undefined)
    .map(({ community, med }) => `if ${pair(community!)} ~ bgp_community then bgp_med = ${med};`);
  return [...new Set(lines)].join('\n  ');
}

function bgp(spec: RouterSpec, peer: RouterPeer): string {
  const channel = (family: RouterFamily): string => {
    const hop = family === 'ipv4-unicast' ? 'next hop self;' : `next hop address ${spec.nextHop6};`;
    // A reflector leaves the next hop of what it reflects alone.
    const nextHop = peer.client === true ? hop.replace('self', 'self ebgp') : hop;
    const options = [
      peer.addPath === true ? 'add paths on;' : '',
      peer.extendedNextHop === true && family === 'ipv4-unicast' ? 'extended next hop on;' : '',
      spec.restartTime === undefined ? '' : 'graceful restart on;',
    ].join(' ');
    const name = family === 'ipv4-unicast' ? 'ipv4' : 'ipv6';
    return `${name} { import all; export filter announce; ${nextHop} ${options} };`;
  };
  return `protocol bgp ${protocolName(peer.address)} {
  local ${spec.address} port ${spec.port} as ${spec.asn};
  neighbor ${peer.address} port ${spec.port} as ${peer.asn};
  strict bind yes;
  multihop;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  ${peer.client === true ? 'rr client;' : ''}
  ${peer.md5 === undefined ? '' : `password "${peer.md5}";`}
  enable extended messages on;
  ${peer.role === undefined ? '' : `local role ${peer.role};`}
  ${restart(spec)}
  ${spec.families.map(channel).join('\n  ')}
}`;
}

function restart({ restartTime, longLivedTime }: RouterSpec): string {
  if (restartTime === undefined) return 'graceful restart aware;';
  const longLived =
    longLivedTime === undefined
      ? ''
      : `long lived graceful restart on; long lived stale time ${longLivedTime};`;
  return `graceful restart on; graceful restart time ${restartTime}; ${longLived}`;
}

/** `show route all` into paths: a line with a prefix begins one, a line that repeats it leaves the prefix out. */
function parseRoutes(text: string): RouterPath[] {
  const paths: RouterPath[] = [];
  let prefix = '';
  let fields = new Map<string, string>();
  const finish = (): void => {
    if (fields.size === 0) return;
    const words = (name: string): string[] => (fields.get(name) ?? '').split(' ').filter(Boolean);
    const med = fields.get('BGP.med');
    const originatorId = fields.get('BGP.originator_id');
    const clusters = words('BGP.cluster_list');
    paths.push({
      prefix,
      nextHop: words('BGP.next_hop')[0] ?? '',
      asPath: fields.get('BGP.as_path') ?? '',
      med: med === undefined ? undefined : Number(med),
      communities: words('BGP.community').map((word) => word.replace(/^\((\d+),(\d+)\)$/, '$1:$2')),
      ...(originatorId === undefined ? {} : { originatorId }),
      ...(clusters.length === 0 ? {} : { clusterList: clusters }),
    });
    fields = new Map();
  };
  for (const line of text.split('\n')) {
    const start = /^(\S+\/\d+)?\s+(?:unreachable|unicast|blackhole|recursive) \[/.exec(line);
    if (start !== null) {
      finish();
      prefix = start[1] ?? prefix;
    }
    const attribute = /^\t(BGP\.\w+): (.*)$/.exec(line);
    if (attribute !== null) fields.set(attribute[1]!, attribute[2]!.trim());
  }
  finish();
  return paths;
}

// FRR's bgpd, without zebra, as a router of interop tests.
import { FrrDaemon } from '../bgp-frr-daemon.ts';
import {
  byPrefix,
  type Router,
  type RouterFamily,
  type RouterNetwork,
  type RouterPath,
  type RouterPeer,
  type RouterSpec,
} from './router.ts';

/** Starts bgpd and returns when its vty answers. */
export async function startFrr(spec: RouterSpec): Promise<Router> {
  const router = new FrrRouter(spec);
  await router.launch();
  return router;
}

class FrrRouter implements Router {
  readonly name = 'FRR';
  readonly spec: RouterSpec;
  #networks: readonly RouterNetwork[];
  #daemon!: FrrDaemon;

  constructor(spec: RouterSpec) {
    this.spec = spec;
    this.#networks = spec.networks;
  }

  async launch(): Promise<void> {
    const { address, port } = this.spec;
    this.#daemon = await FrrDaemon.start(address, port, configuration(this.spec, this.#networks));
  }

  async received(peer: string, family: RouterFamily): Promise<readonly RouterPath[]> {
    const text = await this.#daemon.command(`show bgp ${addressFamily(family)} json detail`);
    const { routes } = JSON.parse(text) as { routes: Record<string, readonly FrrPath[]> };
    return Object.entries(routes)
      .flatMap(([prefix, paths]) =>
        paths.filter((path) => path.peer?.peerId === peer).map((path) => pathOf(prefix, path)),
      )
      .sort(byPrefix);
  }

  async originate(networks: readonly RouterNetwork[]): Promise<void> {
    const wanted = new Set(networks.map(statement));
    const gone = this.#networks.filter((network) => !wanted.has(statement(network)));
    const lines = (['ipv4-unicast', 'ipv6-unicast'] as const).flatMap((family) => [
      `address-family ${addressFamily(family)}`,
      ...gone.filter(({ prefix }) => familyOf(prefix) === family).map(({ prefix }) => `no network ${prefix}`),
      ...networks.filter(({ prefix }) => familyOf(prefix) === family).map(statement),
      'exit-address-family',
    ]);
    this.#networks = networks;
    const maps = routeMaps(networks);
    await this.#daemon.command('configure terminal', ...maps, `router bgp ${this.spec.asn}`, ...lines);
  }

  async refresh(peer: string): Promise<boolean> {
    await this.#daemon.command(`clear bgp ${peer} soft in`);
    return true;
  }

  async capabilities(peer: string): Promise<readonly string[]> {
    const text = await this.#daemon.command(`show bgp neighbors ${peer} json`);
    const capabilities = JSON.parse(text)[peer].neighborCapabilities as Record<string, unknown>;
    return Object.keys(capabilities).filter((name) =>
      JSON.stringify(capabilities[name]).toLowerCase().includes('advertisedandreceived'),
    );
  }

  crash(): Promise<void> {
    return this.#daemon.kill();
  }

  async established(peer: string): Promise<boolean> {
    const text = await this.#daemon.command(`show bgp neighbors ${peer} json`);
    return JSON.parse(text)[peer].bgpState === 'Established';
  }

  async restart(networks: readonly RouterNetwork[]): Promise<void> {
    this.#networks = networks;
    await this.launch();
  }

  stop(): Promise<void> {
    return this.#daemon.stop();
  }
}

function addressFamily(family: RouterFamily): string {
  return family === 'ipv4-unicast' ? 'ipv4 unicast' : 'ipv6 unicast';
}

function familyOf(prefix: string): RouterFamily {
  return prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast';
}

function mapName({ community, med }: RouterNetwork): string {
  return `M${community?.replace(':', '_') ?? ''}x${med ?? ''}`;
}

function statement(network: RouterNetwork): string {
  return `network ${network.prefix} route-map ${mapName(network)}`;
}

/** One route map for each combination of attributes. */
function routeMaps(networks: readonly RouterNetwork[]): string[] {
  const maps = new Map(networks.map((network) => [mapName(network), network]));
  return [...maps].flatMap(([name, { community, med }]) => [
    `route-map ${name} permit 10`,
    ...(community === undefined ? [] : [` set community ${community}`]),
    ...(med === undefined ? [] : [` set metric ${med}`]),
    'exit',
  ]);
}

function configuration(spec: RouterSpec, networks: readonly RouterNetwork[]): string {
  const families = spec.families.map((family) =>
    [
      `address-family ${addressFamily(family)}`,
      ...networks.filter(({ prefix }) => familyOf(prefix) === family).map(statement),
      ...spec.peers.flatMap((peer) => activation(peer, family)),
      'exit-address-family',
    ].join('\n '),
  );
  return `
${routeMaps(networks).join('\n')}
route-map HOP6 permit 10
 set ipv6 next-hop global ${spec.nextHop6}
exit
router bgp ${spec.asn}
 bgp router-id ${spec.routerId ?? spec.address}
 bgp allow-martian-nexthop
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 ${restart(spec).join('\n ')}
 ${spec.peers.flatMap((peer) => neighbor(spec, peer)).join('\n ')}
 ${families.join('\n ')}
`;
}

function restart({ restartTime, longLivedTime }: RouterSpec): string[] {
  if (restartTime === undefined) return [];
  return [
    'bgp graceful-restart',
    `bgp graceful-restart restart-time ${restartTime}`,
    'bgp graceful-restart preserve-fw-state',
    'bgp graceful-restart notification',
    ...(longLivedTime === undefined ? [] : [`bgp long-lived-graceful-restart stale-time ${longLivedTime}`]),
  ];
}

function neighbor(spec: RouterSpec, peer: RouterPeer): string[] {
  const { address } = peer;
  return [
    `neighbor ${address} remote-as ${peer.asn}`,
    `neighbor ${address} port ${spec.port}`,
    `neighbor ${address} update-source ${spec.address}`,
    `neighbor ${address} timers connect 1`,
    `neighbor ${address} disable-connected-check`,
    `neighbor ${address} advertisement-interval 0`,
    ...(peer.md5 === undefined ? [] : [`neighbor ${address} password ${peer.md5}`]),
    ...(peer.extendedNextHop === true ? [`neighbor ${address} capability extended-nexthop`] : []),
    ...(peer.role === undefined ? [] : [`neighbor ${address} local-role ${peer.role}`]),
  ];
}

function activation(peer: RouterPeer, family: RouterFamily): string[] {
  const { address } = peer;
  return [
    `neighbor ${address} activate`,
    ...(peer.client === true ? [`neighbor ${address} route-reflector-client`] : []),
    ...(peer.addPath === true ? [`neighbor ${address} addpath-tx-all-paths`] : []),
    // What FRR reflects keeps its next hop also with this map.
    ...(family === 'ipv6-unicast' && peer.client !== true ? [`neighbor ${address} route-map HOP6 out`] : []),
  ];
}

interface FrrPath {
  readonly addpathRxId?: number;
  readonly peer?: { readonly peerId: string };
  readonly aspath?: { readonly string: string };
  readonly metric?: number;
  readonly community?: { readonly list: readonly string[] };
  readonly originatorId?: string;
  readonly clusterList?: { readonly list: readonly string[] };
  readonly nexthops?: readonly { readonly ip: string; readonly scope?: string }[];
}

const WELL_KNOWN: Readonly<Record<string, string>> = { noExport: 'no-export', noAdvertise: 'no-advertise' };

function pathOf(prefix: string, path: FrrPath): RouterPath {
  const asPath = path.aspath?.string ?? '';
  const hop = path.nexthops?.find(({ scope }) => scope !== 'link-local') ?? path.nexthops?.[0];
  return {
    prefix,
    ...(path.addpathRxId === undefined || path.addpathRxId === 0 ? {} : { pathId: path.addpathRxId }),
    nextHop: hop?.ip ?? '',
    asPath: asPath === 'Local' ? '' : asPath,
    med: path.metric,
    communities: (path.community?.list ?? []).map((name) => WELL_KNOWN[name] ?? name),
    ...(path.originatorId === undefined ? {} : { originatorId: path.originatorId }),
    ...(path.clusterList === undefined ? {} : { clusterList: path.clusterList.list }),
  };
}

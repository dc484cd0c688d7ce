import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import type { Endpoint } from '../../agents/ports.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { packageVersion } from './package.ts';
import { hostAndPort, ipv4Address, ipv4AndPort } from './parsers.ts';

interface Options extends GlobalOptions {
  readonly node: string;
  readonly address: string;
  readonly store: string;
  readonly lab: string;
  readonly control: string;
  readonly podSocket?: string;
  readonly metrics?: Endpoint;
  readonly bmp?: Endpoint;
}

/** Of an underlay whose interface does not say. */
const DEFAULT_PREFIX_LENGTH = 24;

/** `podwire agent --node N --address IP --store URL --lab FILE --control SOCKET [--pod-socket SOCKET]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('agent')
    .description('run the agent of one node until SIGTERM, as the containers of a compose lab do')
    .requiredOption('--node <node>', 'node of the lab file')
    .requiredOption('--address <ip>', "the node's address on the underlay", ipv4Address)
    .requiredOption('--store <url>', 'store, such as http://store:2379')
    .requiredOption('--lab <file>', 'lab file')
    .requiredOption('--control <socket>', 'Unix socket for podwire inspect and others')
    .option('--pod-socket <socket>', 'Unix socket where pods of other containers hand over their eth0')
    .option('--metrics <host:port>', 'serve metrics for Prometheus there (docs/metrics.md)', hostAndPort)
    .option('--bmp <ip:port>', 'tell this BMP collector of sessions and routes (docs/bmp.md)', ipv4AndPort)
    .action(async (_options: object, command: Command) => {
      await agent(context, command.optsWithGlobals<Options>());
    });
}

async function agent(context: CliContext, options: Options): Promise<void> {
  const signal = context.interrupted();
  const [{ loadLab }, { planContainerNode }, { runAgentProcess }, { canUseLinuxPods }] = await Promise.all([
    import('../file/load.ts'),
    import('../runtime/container-plan.ts'),
    import('../../agents/process.ts'),
    import('../../agents/io/linux/privileges.ts'),
  ]);
  const { node, address, podSocket, metrics, bmp } = options;
  const ability = podSocket === undefined ? canUseLinuxPods() : ({ ok: true } as const);
  const config = planContainerNode(loadLab(options.lab, context.env), {
    node,
    address,
    ...interfaceOf(address),
    name: options.name,
    linuxPods: ability.ok ? { possible: true } : { possible: false, reason: ability.reason },
    podSocket: podSocket !== undefined,
  });
  const running = await runAgentProcess({
    config,
    store: options.store,
    control: options.control,
    ...(podSocket === undefined ? {} : { podSocket }),
    ...(metrics === undefined ? {} : { metrics: { at: metrics, version: packageVersion() } }),
    ...(bmp === undefined ? {} : { bmp: { collector: bmp, program: `podwire ${packageVersion()}` } }),
    log: 'stderr',
    logLevel: options.logLevel,
  });
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  await running.stop();
}

/** Prefix length and MTU of the interface that has the address. */
function interfaceOf(address: string): { readonly prefixLength: number; readonly mtu: number | undefined } {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const found = addresses?.find((each) => each.address === address);
    if (found?.cidr != null) return { prefixLength: Number(found.cidr.split('/')[1]), mtu: mtuOf(name) };
  }
  return { prefixLength: DEFAULT_PREFIX_LENGTH, mtu: undefined };
}

/** Linux tells it in a file; elsewhere the lab file's stands. */
function mtuOf(name: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
  } catch {
    return undefined;
  }
}

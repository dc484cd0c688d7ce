import type { Command } from 'commander';
import type { Clock, Log } from '../../agents/ports.ts';
import type { StoreAddress } from '../../agents/store/http-server.ts';
import type { Store } from '../../agents/store/store.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { hostAndPort, storeUrl } from './parsers.ts';

interface Options extends GlobalOptions {
  readonly listen: Extract<StoreAddress, { port: number }>;
  readonly backend: string;
  readonly lab?: string;
  readonly namespace?: string;
}

/** Namespace in Redis of a store that belongs to no lab. */
const DEFAULT_NAMESPACE = 'podwire';

/** `podwire store --listen HOST:PORT [--backend memory|redis://...] [--lab FILE] [--namespace NAME]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('store')
    .description('run a store with the etcd API until SIGTERM, as the container of a compose lab does')
    .requiredOption('--listen <host:port>', 'where to serve it, such as 0.0.0.0:2379', hostAndPort)
    .option('--backend <backend>', 'where it keeps its data: memory or redis://HOST:PORT', storeUrl, 'memory')
    .option('--lab <file>', 'lab file whose Calico resources are put into it')
    .option('--namespace <name>', "name of its data in Redis (default: the lab's name, or podwire)")
    .action(async (_options: object, command: Command) => {
      await store(context, command.optsWithGlobals<Options>());
    });
}

async function store(context: CliContext, options: Options): Promise<void> {
  const signal = context.interrupted();
  const [{ openLog }, { systemClock }, { serveStore }] = await Promise.all([
    import('../../agents/log.ts'),
    import('../../agents/io/clock.ts'),
    import('../../agents/store/http-server.ts'),
  ]);
  const plan = options.lab === undefined ? undefined : await planOf(context, options.lab, options.name);
  const namespace = options.namespace ?? options.name ?? plan?.name ?? DEFAULT_NAMESPACE;
  const { log, flush } = openLog('stderr', options.logLevel, { node: 'store' });
  const clock = systemClock();
  const opened = await open(options.backend, namespace, clock, log);
  try {
    if (plan !== undefined) {
      const [{ applyResources }, { systemRandom }] = await Promise.all([
        import('../runtime/resources.ts'),
        import('../../agents/io/random.ts'),
      ]);
      const client = opened.client();
      await applyResources(plan, client, { clock, random: systemRandom() });
      await client.close();
    }
    const server = await serveStore(opened, options.listen, { log });
    log.info({ endpoint: server.endpoint, namespace, resources: plan?.resources.length ?? 0 }, 'store up');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await server.close();
  } finally {
    await opened.close();
    flush();
  }
}

async function planOf(
  context: CliContext,
  file: string,
  name: string | undefined,
): Promise<import('../plan/plan.ts').LabPlan> {
  const { loadLab } = await import('../file/load.ts');
  const { planContainerResources } = await import('../runtime/container-plan.ts');
  return planContainerResources(loadLab(file, context.env), name);
}

async function open(backend: string, namespace: string, clock: Clock, log: Log): Promise<Store> {
  if (backend === 'memory')
    return (await import('../../agents/store/memory.ts')).createMemoryStore({ clock, log });
  const { createRedisStore } = await import('../../agents/store/redis.ts');
  return createRedisStore(backend, { namespace, clock, log });
}

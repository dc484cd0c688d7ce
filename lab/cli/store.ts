import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Clock, Log } from '../../agents/ports.ts';
import type { StoreAddress } from '../../agents/store/http-server.ts';
import type { Store, StoreOptions } from '../../agents/store/store.ts';
import type { ServerTls } from '../../agents/store/tls.ts';
import type { Backup } from '../../protocol/etcd/backup.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';
import { UsageError } from './errors.ts';
import { hostAndPort } from './parsers.ts';
import { storeUrl } from './store-option.ts';
import { addTuning, type TuningOptions, tuningOf } from './store-tuning.ts';

interface Options extends GlobalOptions, TuningOptions {
  readonly listen: Extract<StoreAddress, { port: number }>;
  readonly backend: string;
  readonly restore?: string;
  readonly lab?: string;
  readonly dataNamespace?: string;
  /** Former name of `dataNamespace`. */
  readonly namespace?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly clientCertAuth?: boolean;
}

/** Where etcd listens for clients. */
const DEFAULT_LISTEN = '127.0.0.1:2379';

/** Namespace in Redis of a store that belongs to no lab. */
const DEFAULT_NAMESPACE = 'podwire';

/** `podwire store --listen HOST:PORT [--backend memory|redis://...] [--tls-cert FILE --tls-key FILE ...] ...` */
export function register(program: Command, context: CliContext): void {
  const command = program
    .command('store')
    .description("serve etcd's v3 API (gRPC, and JSON over HTTP) until SIGTERM; etcdctl works with it")
    .addOption(
      new Option('--listen <host:port>', 'where to serve it')
        .argParser(hostAndPort)
        .default(hostAndPort(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .option(
      '--backend <backend>',
      'where it keeps its data: memory or redis://HOST:PORT/DB',
      storeUrl,
      'memory',
    )
    .option(
      '--data-namespace <name>',
      "name of its data in Redis (default: the lab's name, or podwire)",
      namespace,
    )
    .addOption(new Option('--namespace <name>').argParser(namespace).hideHelp())
    .option('--tls-cert <file>', 'serve TLS only, with this certificate (PEM)')
    .option('--tls-key <file>', 'the private key of --tls-cert (PEM)')
    .option('--tls-ca <file>', 'the CA whose certificates clients may show (PEM)')
    .option(
      '--client-cert-auth',
      "refuse clients without a certificate; its common name is the client's user",
    )
    .option(
      '--restore <file>',
      'begin with what "etcdctl snapshot save" wrote of a podwire store; a namespace in Redis has to be empty',
    )
    .option('--lab <file>', 'lab file whose Calico resources are put into it');
  addTuning(command).action(async (_options: object, called: Command) => {
    await store(context, called.optsWithGlobals<Options>());
  });
}

/** Part of every key's name in Redis. */
function namespace(text: string): string {
  if (/^[A-Za-z0-9._:-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected up to 128 of A-Z, a-z, 0-9, ".", "_", ":", "-".');
}

async function store(context: CliContext, options: Options): Promise<void> {
  if (options.restore !== undefined && options.lab !== undefined) {
    throw new UsageError('--restore and --lab exclude each other: a snapshot has the resources in it');
  }
  const tuning = tuningOf(options);
  const signal = context.interrupted();
  const [{ openLog }, { systemClock }, { assertCanListen, serveStore }, tls] = await Promise.all([
    import('../../agents/log.ts'),
    import('../../agents/io/clock.ts'),
    import('../../agents/store/http-server.ts'),
    serverTls(options),
  ]);
  const plan = options.lab === undefined ? undefined : await planOf(context, options.lab, options.name);
  const namespace =
    options.dataNamespace ?? options.namespace ?? options.name ?? plan?.name ?? DEFAULT_NAMESPACE;
  // A namespace of Redis takes only one snapshot.
  if (options.restore !== undefined) await assertCanListen(options.listen);
  const { log, flush } = openLog('stderr', options.logLevel, { node: 'store' });
  const clock = systemClock();
  const opened = await open(options, tuning, namespace, { clock, log });
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
    const server = await serveStore(opened, options.listen, { log, ...(tls === undefined ? {} : { tls }) });
    log.info({ endpoint: server.endpoint, namespace, resources: plan?.resources.length ?? 0 }, 'store up');
    announceReady(context, options, server.endpoint, namespace);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await server.close();
  } finally {
    await opened.close();
    flush();
  }
}

/** One line for people, or a JSON line for scripts, once requests are served. */
function announceReady(context: CliContext, options: Options, endpoint: string, namespace: string): void {
  if (options.format === 'json') {
    context.stdout.write(`${JSON.stringify({ event: 'ready', pid: process.pid, endpoint, namespace })}\n`);
    return;
  }
  const where = options.backend === 'memory' ? 'in memory' : `kept in Redis as ${namespace}`;
  say(context, options, `podwire: store serves etcd's API on ${endpoint}, ${where}`);
}

/** What the TLS options ask for; undefined: no TLS. */
async function serverTls(options: Options): Promise<ServerTls | undefined> {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca, clientCertAuth = false } = options;
  if (cert === undefined && key === undefined) {
    if (ca !== undefined || clientCertAuth) {
      throw new UsageError(
        `${ca === undefined ? '--client-cert-auth' : '--tls-ca'} needs --tls-cert and --tls-key`,
      );
    }
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    throw new UsageError('expected --tls-cert and --tls-key together');
  }
  if (clientCertAuth && ca === undefined) throw new UsageError('--client-cert-auth needs --tls-ca');
  const { loadServerTls } = await import('../../agents/store/tls.ts');
  return loadServerTls({ cert, key, ...(ca === undefined ? {} : { ca }), clientCertAuth });
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

async function open(
  { backend, restore }: Options,
  tuning: StoreOptions,
  namespace: string,
  ports: { readonly clock: Clock; readonly log: Log },
): Promise<Store> {
  const initial = restore === undefined ? undefined : await backupOf(restore);
  const stored = { ...tuning, ...ports, initial };
  if (backend === 'memory') return (await import('../../agents/store/memory.ts')).createMemoryStore(stored);
  const { createRedisStore } = await import('../../agents/store/redis.ts');
  return createRedisStore(backend, { ...stored, namespace });
}

async function backupOf(file: string): Promise<Backup> {
  return (await import('../../agents/store/backup-file.ts')).readBackupFile(file);
}

import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Endpoint } from '../../agents/ports.ts';
import type { Lab } from '../file/model.ts';
import { type CliContext, type GlobalOptions, paintFor, print, printJson, say } from './context.ts';
import { CliError, EXIT, ExitWith, UsageError } from './errors.ts';
import type { LabAccess, LabHandle, UpOptions } from './lab-access.ts';
import { defaultLabFile } from './package.ts';
import { hostAndPort, ipv4AndPort, seconds } from './parsers.ts';
import { labStoreUrl } from './store-option.ts';

interface Options extends GlobalOptions {
  readonly detach?: boolean;
  readonly runtime: UpOptions['runtime'];
  readonly pods: UpOptions['pods'];
  readonly store: string;
  readonly metrics?: Endpoint;
  readonly bmp?: Endpoint;
  readonly timeout: number;
}

/** `podwire up [LAB.yaml] [-d] ...` */
export function register(program: Command, context: CliContext): void {
  program
    .command('up')
    .description(
      'bring a lab up and keep it until Ctrl-C; without a file the example with two route reflectors',
    )
    .argument('[lab.yaml]', 'lab file')
    .option('-d, --detach', 'return when the lab has converged; it runs on in the background')
    .addOption(
      new Option('--runtime <runtime>', 'where hosts run').choices(['local', 'netns']).default('local'),
    )
    .addOption(
      new Option('--pods <kind>', 'what pods are; auto takes linux where it can')
        .choices(['auto', 'linux', 'emulated'])
        .default('auto'),
    )
    .option(
      '--store <url>',
      'where the store keeps its data: memory, redis://host:port, or a real etcd: ' +
        'etcd[s]://[user:password@]host:port[,host:port...][?ca=file&cert=file&key=file]',
      labStoreUrl,
      'memory',
    )
    .option(
      '--metrics <host:port>',
      'serve metrics of all nodes for Prometheus there; with netns in the namespace of each node (docs/metrics.md)',
      hostAndPort,
    )
    .option(
      '--bmp <ip:port>',
      'tell this BMP collector of the sessions and routes of all nodes, such as podwire bmp listen; with netns it has to be a node of the lab (docs/bmp.md)',
      ipv4AndPort,
    )
    .option('--timeout <seconds>', 'how long convergence may take', seconds, 60)
    .action(async (file: string | undefined, _options: object, command: Command) => {
      await up(context, file ?? defaultLabFile(), command.optsWithGlobals<Options>());
    });
}

async function up(context: CliContext, file: string, options: Options): Promise<void> {
  const store = await usableStore(options.store);
  checkBmp(options);
  const lab = await load(context, file);
  const name = options.name ?? lab.name;
  const labs = await context.labs();
  const running = (await labs.listLabs()).find((info) => info.name === name);
  if (running !== undefined) {
    say(context, options, `podwire: lab ${name} is up already (process ${running.pid})`);
    return;
  }
  const request: UpOptions = {
    lab,
    file: resolve(file),
    name,
    runtime: options.runtime,
    pods: options.pods,
    store,
    logLevel: options.logLevel,
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    ...(options.bmp === undefined ? {} : { bmp: options.bmp }),
    timeoutMs: options.timeout * 1000,
    signal: context.interrupted(),
  };
  await (options.detach === true
    ? detached(context, labs, request, options)
    : foreground(context, labs, request, options));
}

/** The store's URL, good in any working directory. @throws UsageError */
async function usableStore(url: string): Promise<string> {
  const { isEtcdUrl, withAbsoluteFiles } = await import('../../agents/store/etcd-url.ts');
  if (!isEtcdUrl(url)) return url;
  try {
    return withAbsoluteFiles(url, (path) => resolve(path));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Nodes of the runtime local dial from their own addresses, and those reach nothing else. */
function checkBmp({ bmp, runtime }: Options): void {
  if (bmp === undefined || runtime !== 'local' || bmp.address.startsWith('127.')) return;
  throw new UsageError(
    `--bmp ${bmp.address}:${bmp.port}: expected an address of 127.0.0.0/8, where the nodes of the runtime local are`,
  );
}

async function load(context: CliContext, file: string): Promise<Lab> {
  const { loadLab } = await import('../file/load.ts');
  const { formatProblem, LabFileError } = await import('../file/problem.ts');
  try {
    return loadLab(file, context.env);
  } catch (error) {
    if (!(error instanceof LabFileError)) throw error;
    for (const problem of error.problems) context.stderr.write(`${formatProblem(problem)}\n`);
    throw new ExitWith(EXIT.failed);
  }
}

async function detached(
  context: CliContext,
  labs: LabAccess,
  request: UpOptions,
  options: Options,
): Promise<void> {
  const lab = await withProgress(context, options, (onStage) => labs.upLabDetached(request, onStage));
  try {
    await summary(context, lab, options);
    await nextCommands(context, lab, request, options, true);
  } finally {
    lab.close();
  }
}

async function foreground(
  context: CliContext,
  labs: LabAccess,
  request: UpOptions,
  options: Options,
): Promise<void> {
  const lab = await withProgress(context, options, (onStage) => labs.upLab(request, onStage));
  try {
    await summary(context, lab, options);
    await showPing(context, lab, options);
    await nextCommands(context, lab, request, options, false);
    await Promise.race([aborted(request.signal), lab.ended]);
    say(context, options, `podwire: taking lab ${request.name} down`);
  } finally {
    await lab.down();
    lab.close();
  }
}

async function withProgress<T>(
  context: CliContext,
  options: Options,
  work: (onStage: Parameters<LabAccess['upLab']>[1]) => Promise<T>,
): Promise<T> {
  const { startProgress } = await import('./progress.ts');
  const progress = startProgress(context, options);
  try {
    const result = await work(progress.onStage);
    await progress.finish(false);
    return result;
  } catch (error) {
    await progress.finish(true);
    const { stage, message } = error as Error & { stage?: string };
    // A stage that failed is named, so that `up` says where it got to.
    throw stage === undefined ? error : new CliError(`stage ${stage} failed: ${message}`);
  }
}

async function summary(context: CliContext, lab: LabHandle, options: Options): Promise<void> {
  const { countSessions } = await import('./sessions.ts');
  const [info, nodes] = await Promise.all([lab.info(), lab.nodes()]);
  const sessions = await countSessions(nodes);
  if (options.format === 'json') {
    printJson(context, { ...info, sessions });
    return;
  }
  if (options.quiet) return;
  const paint = paintFor(context, 'stdout', options);
  const time = info.convergedMs === null ? '' : `, converged in ${info.convergedMs.toFixed(0)} ms`;
  const count = `${sessions.established}/${sessions.total} BGP sessions Established`;
  print(context, `Lab ${paint('bold', lab.name)}: ${paint('green', count)}${time}.`);
  if (info.storeEndpoint !== null) print(context, `Store: etcd's API on ${info.storeEndpoint}.`);
}

async function showPing(context: CliContext, lab: LabHandle, options: Options): Promise<void> {
  if (options.format === 'json' || options.quiet) return;
  const [{ choosePods, tracedPing }, { renderPaths }] = await Promise.all([
    import('./demo.ts'),
    import('./hops.ts'),
  ]);
  const nodes = await lab.nodes();
  const pair = await choosePods(nodes);
  if (pair === undefined) return;
  const { result, paths } = await tracedPing(nodes, pair[0], pair[1]);
  const outcome =
    result?.outcome === 'reply' ? `reply in ${result.rttMs?.toFixed(3)} ms` : (result?.error ?? 'no reply');
  print(context, `\nPing from ${pair[0].key} to ${pair[1].key}: ${outcome}\n`);
  print(context, renderPaths(paths, paintFor(context, 'stdout', options)));
}

async function nextCommands(
  context: CliContext,
  lab: LabHandle,
  request: UpOptions,
  options: Options,
  background: boolean,
): Promise<void> {
  if (options.quiet || options.format === 'json') return;
  const hosts = [...new Set(request.lab.pods.map(({ node }) => node))].slice(0, 2);
  const [from, to] = hosts.map((host) => request.lab.pods.find(({ node }) => node === host)!.name);
  const { storeEndpoint } = await lab.info();
  // Started by npm or npx, podwire is not on the PATH of the next terminal.
  const program = context.env.npm_lifecycle_event === undefined ? 'podwire' : 'npx podwire';
  const command = `${program}${request.name === request.lab.name ? '' : ` --name ${request.name}`}`;
  const lines = [
    `${command} inspect bgp`,
    `${command} inspect routes`,
    ...(from !== undefined && to !== undefined ? [`${command} ping ${from} ${to}`] : []),
    `${command} capture -w - | wireshark -k -i -`,
    ...(storeEndpoint === null ? [] : [`etcdctl --endpoints ${storeEndpoint} get --prefix /calico`]),
    ...(background ? [`${command} down`] : []),
  ];
  print(
    context,
    `\nNext, ${background ? 'try' : 'in another terminal'}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
  if (!background) say(context, options, '\nCtrl-C ends the lab.');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((settle) => signal.addEventListener('abort', () => settle(), { once: true }));
}

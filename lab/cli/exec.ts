import { constants } from 'node:os';
import type { Command } from 'commander';
import type { LabNodeInfo } from '../../agents/control/routes.ts';
import type { SpawnInNetnsOptions } from '../../agents/io/linux/spawn-in-netns.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { CliError, ExitWith } from './errors.ts';
import type { LabHandle } from './lab-access.ts';
import { allPods, type FoundPod, findPod, withLab } from './targets.ts';

/** `podwire exec POD -- CMD...` */
export function register(program: Command, context: CliContext): void {
  program
    .command('exec')
    .description(
      'run a command in a pod: any in a linux pod; ping, nc and ip addr in an emulated one; or in a node of the netns runtime',
    )
    .usage('[options] <pod> -- <command...>')
    .argument('<pod>', 'pod, as name or namespace/name, or node')
    .argument('<command...>', 'command with its arguments, after --')
    .action(async (pod: string, command: string[], _options: object, self: Command) => {
      const code = await withLab(context, self.optsWithGlobals<GlobalOptions>(), async (lab) => {
        const pods = await allPods(await lab.nodes());
        const node = pods.some(({ pod: { name } }) => name === pod) ? undefined : await nodeNamed(lab, pod);
        if (node !== undefined) return inNode(node, command);
        const found = findPod(pods, pod);
        return found.pod.kind === 'linux' ? inPod(found, command) : builtIn(context, found, command);
      });
      if (code !== 0) throw new ExitWith(code);
    });
}

async function nodeNamed(lab: LabHandle, name: string): Promise<LabNodeInfo | undefined> {
  return (await lab.info()).nodes.find((node) => node.name === name);
}

/** In a node's namespace; commands of a foreign node see its variables and start in its folder. */
function inNode(node: LabNodeInfo, command: readonly string[]): Promise<number> {
  const { name, running, netns, folder, env } = node;
  if (!running) throw new CliError(`node ${name} does not run; start it with: podwire start ${name}`);
  if (netns === null)
    throw new CliError(`node ${name} has no network namespace; it has with --runtime netns`);
  return inNamespace(netns, command, {
    ...(folder === undefined ? {} : { cwd: folder }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
}

function inPod({ pod, key }: FoundPod, command: readonly string[]): Promise<number> {
  if (pod.netns === null)
    throw new CliError(`pod ${key} is a linux pod whose namespace cannot be entered from here`);
  return inNamespace(pod.netns, command, { utsPath: pod.uts ?? undefined });
}

/** The real command in a namespace, with our own standard streams. Returns its exit code. */
async function inNamespace(
  netns: string,
  [program, ...args]: readonly string[],
  options: SpawnInNetnsOptions,
): Promise<number> {
  const { spawnInNetns } = await import('../../agents/io/linux/spawn-in-netns.ts');
  const child = spawnInNetns(netns, program!, args, { stdio: 'inherit', ...options });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  // A terminal sends Ctrl-C to both of us: the command decides what it means. Other senders reach only us.
  const interrupt = (signal: NodeJS.Signals): void => {
    if (process.stdin.isTTY !== true) forward(signal);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) => reject(startError(program!, error)));
      child.on('exit', (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', forward);
  }
}

/** As shells do: 127 where there is no such command, 126 where it cannot be run. */
function startError(program: string, error: NodeJS.ErrnoException): CliError {
  if (error.code === 'ENOENT') return new CliError(`no command ${program} on this machine`, 127);
  return new CliError(`cannot run ${program}: ${error.message}`, 126);
}

async function builtIn(
  context: CliContext,
  { agent, key }: FoundPod,
  command: readonly string[],
): Promise<number> {
  const output = (stream: 'stdout' | 'stderr', bytes: Uint8Array): void => {
    context[stream].write(bytes);
  };
  const input = await standardInput(command);
  return agent.exec(key, command, output, context.interrupted(), input);
}

/** `nc` sends its standard input; other built-in commands read none, so they never wait for it. */
async function standardInput([program]: readonly string[]): Promise<Uint8Array | undefined> {
  if (program !== 'nc' || process.stdin.isTTY === true) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

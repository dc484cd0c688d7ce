import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from './context.ts';

interface Options extends GlobalOptions {
  readonly pod: string;
  readonly agentSocket: string;
}

/** `podwire pod --pod NAMESPACE/POD --agent-socket SOCKET` */
export function register(program: Command, context: CliContext): void {
  program
    .command('pod')
    .description('be a pod in this network namespace until SIGTERM, as the containers of a compose lab are')
    .usage('--pod NAMESPACE/POD --agent-socket SOCKET')
    .requiredOption('--pod <pod>', 'which pod of the lab file; without a namespace, of default')
    .requiredOption('--agent-socket <socket>', "the node agent's --pod-socket")
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { pod } = options;
      await run(context, pod.includes('/') ? pod : `default/${pod}`, options);
    });
}

async function run(context: CliContext, name: string, options: Options): Promise<void> {
  const signal = context.interrupted();
  // An agent that does not answer must not hold up the end; the kernel closes what is open.
  signal.addEventListener('abort', () => process.exit(0));
  const [{ openLog }, { systemClock }, { runSocketPod }] = await Promise.all([
    import('../../agents/log.ts'),
    import('../../agents/io/clock.ts'),
    import('../../agents/pod/socket-pod.ts'),
  ]);
  const { log } = openLog('stderr', options.logLevel, {});
  await runSocketPod({ name, socket: options.agentSocket, clock: systemClock(), log, signal });
}

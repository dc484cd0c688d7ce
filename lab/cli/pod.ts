import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from './context.ts';
import { UsageError } from './errors.ts';

interface Options extends GlobalOptions {
  readonly agentSocket: string;
}

/** `podwire pod --name NAMESPACE/POD --agent-socket SOCKET` */
export function register(program: Command, context: CliContext): void {
  program
    .command('pod')
    .description('be a pod in this network namespace until SIGTERM, as the containers of a compose lab are')
    .usage('--name NAMESPACE/POD --agent-socket SOCKET')
    .requiredOption('--agent-socket <socket>', "the node agent's --pod-socket")
    .addHelpText('after', '\n--name is the pod here, not the lab.')
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { name } = options;
      if (name === undefined) throw new UsageError('expected --name NAMESPACE/POD, a pod of the lab file');
      await run(context, name.includes('/') ? name : `default/${name}`, options);
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

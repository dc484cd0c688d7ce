import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { type as osType, release } from 'node:os';
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import type { MergeResult } from '../capture/merge.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';
import { CliError, EXIT, ExitWith, UsageError } from './errors.ts';
import type { LabHandle } from './lab-access.ts';
import { packageVersion } from './package.ts';
import { gather, seconds, wholeNumber } from './parsers.ts';
import { allPods, type FoundPod, findPod, selectNodes, withLab } from './targets.ts';

interface Options extends GlobalOptions {
  readonly node?: readonly string[];
  readonly link?: readonly string[];
  readonly pod?: readonly string[];
  readonly write: string;
  readonly count?: number;
  readonly duration?: number;
}

/** `podwire capture [--node N] [--link L] [--pod P] [-w FILE|-] [-c N] [--duration S]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('capture')
    .description('capture packets as pcapng: of all nodes and pods, or of those named; until Ctrl-C')
    .option('--node <node>', 'underlay and pods of a node; may be given several times', gather)
    .option('--link <link>', 'a network between nodes; may be given several times', gather)
    .option('--pod <pod>', 'a pod; may be given several times', gather)
    .option('-w, --write <file>', 'file to write; - is standard output', '-')
    .option('-c, --count <n>', 'end after so many packets', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--duration <seconds>', 'end after this time', seconds)
    .addHelpText('after', '\nExample:\n  podwire capture -w - | wireshark -k -i -')
    .action(async (_options: object, command: Command) => {
      await capture(context, command.optsWithGlobals<Options>());
    });
}

async function capture(context: CliContext, options: Options): Promise<void> {
  if (options.write === '-' && context.stdout.isTTY === true) {
    throw new UsageError(
      'a capture is binary and does not belong on a terminal',
      'write it to a file (-w lab.pcapng) or pipe it (| wireshark -k -i -)',
    );
  }
  const result = await withLab(context, options, async (lab) => {
    const output =
      options.write === '-' ? (context.stdout as unknown as Writable) : await openFile(options.write);
    try {
      return await merge(context, lab, output, options);
    } finally {
      if (options.write !== '-') await closeFile(output as WriteStream);
    }
  });
  for (const { source, message } of result.failures) context.stderr.write(`podwire: ${source}: ${message}\n`);
  if (result.lost > 0n)
    context.stderr.write(`podwire: ${result.lost} packets are missing: the reader was too slow\n`);
  if (result.reason !== 'reader-gone') say(context, options, `podwire: ${result.packets} packets captured`);
  if (result.failures.length > 0) throw new ExitWith(EXIT.failed);
}

async function merge(
  context: CliContext,
  lab: LabHandle,
  output: Writable,
  options: Options,
): Promise<MergeResult> {
  const [{ agentSource, mergeCaptures }, { captureFilters }, { streamOutput }, { systemClock }] =
    await Promise.all([
      import('../capture/merge.ts'),
      import('../capture/select.ts'),
      import('../capture/output.ts'),
      import('../../agents/io/clock.ts'),
    ]);
  const agents = await lab.nodes();
  if (options.node !== undefined) selectNodes(agents, options.node);
  const pods = await findPods(agents, options.pod);
  const filters = captureFilters(
    {
      nodes: (options.node ?? []).flatMap((name) => name.split(',')),
      links: options.link ?? [],
      pods: pods.map(({ key }) => key),
    },
    agents.map(({ node }) => node),
    (key) => pods.find((pod) => pod.key === key)?.pod.node,
  );
  const sources = agents.flatMap((agent) => {
    const filter = filters.get(agent.node);
    return filter === undefined ? [] : [agentSource(agent, filter)];
  });
  return mergeCaptures(sources, streamOutput(output), {
    clock: systemClock(),
    signal: context.interrupted(),
    ...(options.count === undefined ? {} : { count: options.count }),
    ...(options.duration === undefined ? {} : { durationMs: options.duration * 1000 }),
    application: `podwire ${packageVersion()}`,
    os: `${osType()} ${release()}`,
    comments: [`lab ${lab.name}`],
    onReady: () => say(context, options, 'podwire: capturing'),
  });
}

async function findPods(
  agents: Awaited<ReturnType<LabHandle['nodes']>>,
  names: readonly string[] | undefined,
): Promise<FoundPod[]> {
  if (names === undefined) return [];
  const pods = await allPods(agents);
  return names.flatMap((name) => name.split(',')).map((name) => findPod(pods, name));
}

async function openFile(file: string): Promise<Writable> {
  const stream = createWriteStream(file);
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new CliError(
      `cannot write ${file}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    );
  }
  return stream;
}

async function closeFile(stream: WriteStream): Promise<void> {
  if (stream.destroyed) return;
  stream.end();
  await once(stream, 'close');
}

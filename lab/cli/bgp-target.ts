import type { BgpControl } from '../../agents/control/bgp.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { CliError, UsageError } from './errors.ts';
import { selectNodes, withLab } from './targets.ts';

/** Options that say which speaker is meant. */
export interface TargetOptions extends GlobalOptions {
  readonly socket?: string;
  readonly node?: string;
}

/**
 * The speaker that is meant: at a socket, of a node of a lab, or the only one that runs by itself.
 * @throws CliError where there is none, or several.
 */
export async function withSpeaker<T>(
  context: CliContext,
  options: TargetOptions,
  work: (bgp: BgpControl) => Promise<T>,
): Promise<T> {
  const { socket, node } = options;
  if (socket !== undefined && node !== undefined) throw new UsageError('give --socket or --node, not both');
  if (node !== undefined || (socket === undefined && options.name !== undefined)) {
    return withLab(context, options, async (lab) => {
      const agents = selectNodes(await lab.nodes(), node === undefined ? undefined : [node]);
      const [agent, ...others] = agents;
      if (agent === undefined) throw new CliError(`lab ${lab.name} runs no node`);
      if (others.length > 0) {
        const names = agents.map((each) => each.node).join(', ');
        throw new UsageError(`choose a node with --node: ${names}`);
      }
      return work(agent.speaker);
    });
  }
  return work(await speakerAt(socket ?? (await onlySpeaker())));
}

async function speakerAt(path: string): Promise<BgpControl> {
  const [{ listNodes }, { connectBgp }] = await Promise.all([
    import('../../agents/control/client.ts'),
    import('../../agents/control/bgp-client.ts'),
  ]);
  const endpoint = { kind: 'unix', path } as const;
  const nodes = await listNodes(endpoint);
  const [first, ...others] = nodes;
  if (first === undefined) throw new CliError(`no speaker is behind ${path}`);
  if (others.length > 0) throw new UsageError(`${path} is that of a lab: choose a node with --node`);
  return connectBgp(endpoint, first);
}

async function onlySpeaker(): Promise<string> {
  const { listSpeakers } = await import('../speaker/registry.ts');
  const speakers = listSpeakers();
  const [only, ...others] = speakers;
  if (only === undefined) {
    throw new CliError(
      'no BGP speaker runs',
      1,
      'start one with: podwire speaker --config FILE; for a node of a lab say --node NODE',
    );
  }
  if (others.length > 0) {
    const sockets = speakers.map(({ socket, routerId, asn }) => `${socket} (${routerId} AS ${asn})`);
    throw new CliError(`several BGP speakers run, choose one with --socket: ${sockets.join(', ')}`);
  }
  return only.socket;
}

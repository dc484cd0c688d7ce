import type { AgentControl, PodRow } from '../../agents/control/types.ts';
import { suggest } from '../file/suggest.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { CliError } from './errors.ts';
import type { LabHandle } from './lab-access.ts';

/** Opens the lab that the options name, and lets go of it after `work`. */
export async function withLab<T>(
  context: CliContext,
  options: Pick<GlobalOptions, 'name'>,
  work: (lab: LabHandle) => Promise<T>,
): Promise<T> {
  const lab = await (await context.labs()).openLab(options.name);
  try {
    return await work(lab);
  } finally {
    lab.close();
  }
}

/** The nodes that were named (several, or comma-separated), or all. @throws CliError where one does not run. */
export function selectNodes(
  nodes: readonly AgentControl[],
  names: readonly string[] | undefined,
): readonly AgentControl[] {
  if (names === undefined || names.length === 0) return nodes;
  return names
    .flatMap((name) => name.split(','))
    .map((name) => {
      const found = nodes.find(({ node }) => node === name);
      if (found !== undefined) return found;
      const all = nodes.map(({ node }) => node);
      throw new CliError(`no node ${name} runs in this lab${otherwise(name, all)}`);
    });
}

/** A pod and the agent that runs it. */
export interface FoundPod {
  readonly agent: AgentControl;
  readonly pod: PodRow;
  /** `namespace/name`. */
  readonly key: string;
}

/** Every pod of the agents. */
export async function allPods(nodes: readonly AgentControl[]): Promise<readonly FoundPod[]> {
  const lists = await Promise.all(
    nodes.map(async (agent) =>
      (await agent.pods()).map((pod) => ({ agent, pod, key: `${pod.namespace}/${pod.name}` })),
    ),
  );
  return lists.flat();
}

/**
 * The pod that a person means by `namespace/name` or by a name alone, which in case of doubt is that of the namespace
 * `default`.
 * @throws CliError where there is none, or several.
 */
export function findPod(pods: readonly FoundPod[], text: string): FoundPod {
  const named = text.includes('/')
    ? pods.filter(({ key }) => key === text)
    : pods.filter(({ pod }) => pod.name === text);
  if (named.length === 1) return named[0]!;
  const preferred = named.find(({ pod }) => pod.namespace === 'default');
  if (preferred !== undefined) return preferred;
  if (named.length > 1) {
    throw new CliError(`pod ${text} is ambiguous, expected one of ${named.map(({ key }) => key).join(', ')}`);
  }
  const names = pods.flatMap(({ pod, key }) => (text.includes('/') ? key : pod.name));
  throw new CliError(`no pod ${text} in this lab${otherwise(text, names)}`);
}

/** First address of a pod. @throws CliError where it has none yet. */
export function podAddress({ pod, key }: FoundPod): string {
  const address = pod.addresses[0]?.split('/')[0];
  if (address === undefined) throw new CliError(`pod ${key} has no address yet`);
  return address;
}

function otherwise(word: string, candidates: readonly string[]): string {
  const guess = suggest(word, candidates);
  if (guess !== undefined) return `, did you mean ${guess}?`;
  if (candidates.length === 0) return ', which has none';
  const shown = candidates.slice(0, 8).join(', ');
  return `, expected one of ${shown}${candidates.length > 8 ? ', ...' : ''}`;
}

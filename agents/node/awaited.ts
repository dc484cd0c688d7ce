import { type PodSpec, podName } from '../pod/types.ts';
import type { ClusterView } from './cluster-view.ts';
import type { NodeAgentConfig } from './config.ts';

/** Nodes of the lab that the store does not have yet, or hosts that it has without a block. */
export function awaitedNodes(
  view: Pick<ClusterView, 'nodes' | 'confirmedBlocks'>,
  expected: NodeAgentConfig['labNodes'] = [],
): string[] {
  if (expected.length === 0) return [];
  const withBlock = new Set(view.confirmedBlocks().map(({ node }) => node));
  return expected.flatMap(({ name, kind }) =>
    view.nodes.has(name) && (kind === 'route-reflector' || withBlock.has(name)) ? [] : [name],
  );
}

/** Names of the pods that should run and do not. */
export function missingPods(
  wanted: readonly PodSpec[],
  running: readonly { readonly spec: PodSpec }[],
): string[] {
  const present = new Set(running.map(({ spec }) => podName(spec)));
  return wanted.map(podName).filter((name) => !present.has(name));
}

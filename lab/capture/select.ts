import type { CaptureFilter } from '../../agents/control/types.ts';

/** What a person asked to capture, by name; empty lists ask for nothing in particular. */
export interface CaptureSelection {
  readonly nodes: readonly string[];
  readonly links: readonly string[];
  /** `namespace/name`. */
  readonly pods: readonly string[];
}

/**
 * What each node must capture. Options add up: `--node` adds a node's underlay and its pods, `--link` a link,
 * `--pod` a pod. Without any: everything but links, whose frames the nodes' own interfaces show already.
 * A node that has nothing to capture is left out.
 * @param podNode the node of a pod; undefined where it is not known (then every node looks for it).
 */
export function captureFilters(
  selection: CaptureSelection,
  nodes: readonly string[],
  podNode: (pod: string) => string | undefined,
): Map<string, CaptureFilter> {
  const { links } = selection;
  const everything = selection.nodes.length + links.length + selection.pods.length === 0;
  const filters = new Map<string, CaptureFilter>();
  for (const node of nodes) {
    const whole = everything || selection.nodes.includes(node);
    const pods = selection.pods.filter((pod) => (podNode(pod) ?? node) === node);
    if (!whole && links.length === 0 && pods.length === 0) continue;
    filters.set(node, {
      underlay: whole,
      ...(whole ? {} : { pods }),
      ...(links.length === 0 ? {} : { links }),
    });
  }
  return filters;
}

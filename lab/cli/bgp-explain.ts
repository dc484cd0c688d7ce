import type { ExplainedPath } from '../../agents/bgp/types.ts';
import type { BgpExplanation } from '../../agents/control/bgp.ts';

/** `podwire bgp explain`: the paths, then the decision process step by step. */
export function explanationText(explanation: BgpExplanation): string {
  const { prefix, family, paths, steps } = explanation;
  const count = paths.length === 1 ? 'one path' : `${paths.length} paths`;
  const lines = [`${prefix} (${family}): ${count}`, ''];
  for (const [i, path] of paths.entries()) lines.push(...pathLines(path, i + 1), '');
  const eligible = paths.filter(({ ineligible }) => ineligible === undefined);
  if (eligible.length === 0) lines.push('No path is eligible, so there is no best one.');
  else if (eligible.length === 1) lines.push('Only one path is eligible, so it is the best one.');
  else {
    lines.push('Decision, step by step:');
    for (const { step, rule, best, lost, left } of steps) {
      const result =
        lost.length === 0
          ? `all ${left} equal${best === '' ? '' : ` (${best})`}`
          : `${best} wins; ${lost.map(({ path, value }) => `#${path} has ${value}`).join(', ')}`;
      lines.push(`  ${step.padEnd(22)} ${result}`, `  ${' '.repeat(22)} ${rule}`);
    }
    lines.push(`  #1 is the best path.`);
  }
  return lines.join('\n');
}

function pathLines(path: ExplainedPath, number: number): string[] {
  const from =
    path.peer === undefined
      ? 'own route'
      : `from ${path.peer.name === path.peer.address ? path.peer.address : `${path.peer.name} (${path.peer.address})`}, ${path.source}`;
  const attributes: (readonly [string, string | undefined])[] = [
    ['next hop', path.nextHop],
    ['AS path', path.asPath === '' ? 'empty' : path.asPath],
    ['origin', path.origin],
    ['local preference', path.localPref?.toString()],
    ['MED', path.med?.toString()],
    ['originator', path.originatorId],
    ['cluster list', path.clusterList.length === 0 ? undefined : path.clusterList.join(' ')],
    ['communities', path.communities.length === 0 ? undefined : path.communities.join(' ')],
  ];
  const verdict = path.best
    ? 'best'
    : path.ineligible !== undefined
      ? `not eligible: ${path.ineligible}`
      : path.lost !== undefined
        ? `lost at ${path.lost.step}: ${path.lost.value} against ${path.lost.best}`
        : path.multipath === true
          ? 'as good as the best: multipath'
          : 'not selected';
  const id = path.pathId === undefined ? '' : `, path ${path.pathId}`;
  return [
    `${path.best ? '>' : ' '} #${number} ${from}${id}${path.stale === true ? ', stale' : ''}`,
    `     ${attributes.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`])).join(', ')}`,
    `     ${verdict}`,
  ];
}

// What the tests of lab files share: files as texts, and what is said of them.
import { parseLab } from '../../../lab/file/load.ts';
import type { Lab } from '../../../lab/file/model.ts';
import { formatProblem, LabFileError } from '../../../lab/file/problem.ts';

/** What stands around a lab file: variables, and the text of files beside it by name. */
export interface Surroundings {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

export function parse(text: string, { env = {}, files = {} }: Surroundings = {}): Lab {
  const readBeside = (name: string): { file: string; text: string } => {
    const found = files[name];
    if (found === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT' });
    return { file: `beside/${name}`, text: found };
  };
  return parseLab(text, 'lab.yaml', { env, readBeside });
}

export function problems(text: string, surroundings: Surroundings = {}): string[] {
  try {
    parse(text, surroundings);
  } catch (error) {
    if (error instanceof LabFileError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

/** A lab of two hosts with more lines below; they begin at line 3. */
export function lab(...lines: string[]): string {
  return ['name: test', 'nodes: { h1: {}, h2: {}, rr1: { kind: route-reflector } }', ...lines].join('\n');
}

export function pool(name: string, spec: string): string {
  return `  - { apiVersion: projectcalico.org/v3, kind: IPPool, metadata: { name: ${name} }, spec: ${spec} }`;
}

export function peer(spec: string): string {
  return `  - { apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: { name: p }, spec: ${spec} }`;
}

export function filter(name: string, spec: string): string {
  return `  - { apiVersion: projectcalico.org/v3, kind: BGPFilter, metadata: { name: ${name} }, spec: ${spec} }`;
}

export function configuration(name: string, spec: string): string {
  return `  - { apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: { name: ${name} }, spec: ${spec} }`;
}

/**
 * The problems of a text as `line:column: message`, and `expected` with `@` replaced by the place of the mark `¦`,
 * which is taken out of the text.
 */
export function compare(marked: string, expected: readonly string[]): { found: string[]; wanted: string[] } {
  const before = marked.split('¦')[0]!.split('\n');
  const place = `${before.length}:${before.at(-1)!.length + 1}`;
  const found = problems(marked.replace('¦', '')).map((line) => line.replace('lab.yaml:', ''));
  return { found, wanted: expected.map((line) => line.replace('@', place)) };
}

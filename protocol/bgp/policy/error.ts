/** A policy that cannot be compiled: where in the definitions and why. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  /** Keys and indices from the root, `['policies', 'in', 0, 'match', 'asPath']`. */
  readonly path: readonly (string | number)[];
  /** What is there and what was expected, without the path. */
  readonly problem: string;

  constructor(path: readonly (string | number)[], problem: string) {
    super(`${pathText(path)}: ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

/** `policies.in[0].match.asPath` */
function pathText(path: readonly (string | number)[]): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

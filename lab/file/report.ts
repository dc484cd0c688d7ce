import type { Problem } from './problem.ts';
import type { LabSource, Path } from './source.ts';

/** Collects the problems of one document. */
export class Report {
  readonly source: LabSource;
  readonly problems: Problem[];

  constructor(source: LabSource, problems: Problem[] = []) {
    this.source = source;
    this.problems = problems;
  }

  /** The value at the path is wrong. */
  value(path: Path, message: string): void {
    this.problems.push(this.source.problem(path, message));
  }

  /** The key that the path ends with is wrong. */
  key(path: Path, message: string): void {
    this.problems.push(this.source.keyProblem(path, message));
  }
}

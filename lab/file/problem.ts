/** A fault in a lab file and where it is. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `what, expected ...`, one line. */
  readonly message: string;
}

/** `file:line:column: what, expected ...`, the form that editors and terminals make clickable. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** A file that cannot be used: all its problems, in file order. */
export class FileError extends Error {
  override readonly name: string = 'FileError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** A lab file that cannot be used. */
export class LabFileError extends FileError {
  override readonly name = 'LabFileError';
}

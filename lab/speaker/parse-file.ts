/** Checks the text of a speaker's file with its schema, to say all that is wrong with it. */
import { keysAt, problemsOf } from '../file/issues.ts';
import type { Problem } from '../file/problem.ts';
import { Report } from '../file/report.ts';
import { parseText } from '../file/source.ts';
import { buildSpeaker, type SpeakerFile, SpeakerFileError } from './build.ts';
import { checkSpeaker } from './check.ts';
import { speakerSchema } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Checks the text of a speaker's file. @throws SpeakerFileError with every problem that was found, in file order. */
export function parseSpeakerFile(text: string, file: string, env: Environment): SpeakerFile {
  const { sources, problems, readable } = parseText(file, text, env);
  const [source, second] = sources;
  if (!readable || problems.length > 0) throw failure(problems);
  if (source === undefined || source.value() === null) {
    const message = 'empty file, expected a speaker with asn and routerId';
    throw failure([{ file, line: 1, column: 1, message }]);
  }
  const report = new Report(source);
  if (second !== undefined) {
    report.problems.push(second.problem([], 'second YAML document, expected one speaker per file'));
  }
  const value = source.value();
  const result = speakerSchema.safeParse(value);
  if (result.success) checkSpeaker(result.data, report);
  else {
    const keys = (path: readonly (string | number)[]): readonly string[] => keysAt(speakerSchema, path);
    report.problems.push(...problemsOf(result.error.issues, source, value, [], keys));
  }
  if (!result.success || report.problems.length > 0) throw failure(report.problems);
  return buildSpeaker(result.data);
}

function failure(problems: readonly Problem[]): SpeakerFileError {
  return new SpeakerFileError(problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
}

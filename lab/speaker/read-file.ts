/** Reads the YAML file of `podwire speaker`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../cli/package.ts';
import { conform, type JsonSchema } from '../file/json-schema.ts';
import { Report } from '../file/report.ts';
import { parseText } from '../file/source.ts';
import { buildSpeaker, type SpeakerFile, SpeakerFileError } from './build.ts';
import { checkSpeaker } from './check.ts';
import { FORMATS } from './formats.ts';
import type { RawSpeaker } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks a speaker's file. Rejects with a SpeakerFileError with every problem that was found, also where the
 * file cannot be read.
 */
export async function readSpeakerFile(path: string, env: Environment = process.env): Promise<SpeakerFile> {
  const text = readText(path);
  const valid = parseValid(text, path, env);
  if (valid !== undefined) return valid;
  const { parseSpeakerFile } = await import('./parse-file.ts');
  return parseSpeakerFile(text, path, env);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${code ?? message})`;
    throw new SpeakerFileError([
      { file: path, line: 1, column: 1, message: `${reason}, expected a speaker's file` },
    ]);
  }
}

/**
 * The speaker that a valid file describes, found without zod; `undefined` where that has to look at the file.
 * @param file name of the file, for messages that nobody sees.
 */
export function parseValid(text: string, file: string, env: Environment): SpeakerFile | undefined {
  const { sources, problems, readable } = parseText(file, text, env);
  const [source] = sources;
  if (source === undefined || sources.length > 1 || !readable || problems.length > 0) return undefined;
  const raw = conform(publishedSchema(), source.value(), FORMATS) as RawSpeaker | undefined;
  if (raw === undefined) return undefined;
  const report = new Report(source);
  checkSpeaker(raw, report);
  return report.problems.length > 0 ? undefined : buildSpeaker(raw);
}

/** The JSON Schema that is made from the schema of zod. */
function publishedSchema(): JsonSchema {
  const path = join(packageRoot(), 'lab', 'schema', 'speaker.schema.json');
  return JSON.parse(readFileSync(path, 'utf8')) as JsonSchema;
}

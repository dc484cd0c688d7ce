/** Reads the YAML file of `podwire speaker`. */
import { readFileSync } from 'node:fs';
import type { LogLevel } from '../../agents/log.ts';
import { compilePolicies } from '../../protocol/bgp/policy/compile.ts';
import { keysAt, problemsOf } from '../file/issues.ts';
import { FileError, type Problem } from '../file/problem.ts';
import { Report } from '../file/report.ts';
import { parseText } from '../file/source.ts';
import { buildPeers, given } from './build-peers.ts';
import { checkSpeaker, policyDefinitions } from './check.ts';
import type { SpeakerSetup } from './process.ts';
import { type NextHopPrefix, type RawSpeaker, speakerSchema } from './schema.ts';

/** A speaker's file: the speaker, where it is to be controlled, and what it logs. */
export interface SpeakerFile extends SpeakerSetup {
  readonly api: { readonly socket: string } | undefined;
  readonly log: { readonly level: LogLevel } | undefined;
  /** Where next hops can be reached and at what cost; `undefined`: everywhere. */
  readonly nextHops: readonly NextHopPrefix[] | undefined;
}

/** A speaker's file that cannot be used. */
export class SpeakerFileError extends FileError {
  override readonly name = 'SpeakerFileError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks a speaker's file.
 * @throws SpeakerFileError with every problem that was found, also where the file cannot be read.
 */
export function readSpeakerFile(path: string, env: Environment = process.env): SpeakerFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
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
  return parseSpeakerFile(text, path, env);
}

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
  return build(result.data);
}

function failure(problems: readonly Problem[]): SpeakerFileError {
  return new SpeakerFileError(problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
}

function build(raw: RawSpeaker): SpeakerFile {
  const { asn, routerId, listen, clusterId, confederation, ebgpRequiresPolicy, rtConstraint } = raw;
  const { multipath, restarting, networks, nextHops, api, mrt, bmp, metrics, log } = raw;
  const book = compilePolicies(policyDefinitions(raw));
  return {
    speaker: given({
      asn,
      routerId,
      listen: listen ?? [],
      clusterId,
      confederation,
      ebgpRequiresPolicy,
      multipath: typeof multipath === 'number' ? { ebgp: multipath, ibgp: multipath } : multipath,
      rtConstraint,
      restarting: restarting === true ? {} : restarting === false ? undefined : restarting,
    }) as SpeakerFile['speaker'],
    ...buildPeers(raw, (names) => book.policy(names)),
    networks: (networks ?? []).map((network) =>
      typeof network === 'string' ? { prefix: network } : network,
    ),
    nextHops: nextHops?.map((one) => (typeof one === 'string' ? { prefix: one } : one)),
    api,
    mrt,
    bmp: bmp ?? [],
    metrics,
    log: log?.level === undefined ? undefined : { level: log.level },
  };
}

import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import type { Problem } from './problem.ts';
import { type Substituted, substitute } from './substitute.ts';

export type Path = readonly (string | number)[];

type Position = (offset: number) => { readonly line: number; readonly column: number };

/** One YAML document of a file, able to say where each of its values stands in the text that the person wrote. */
export class LabSource {
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #position: Position;

  constructor(file: string, document: Document.Parsed, position: Position) {
    this.file = file;
    this.#document = document;
    this.#position = position;
  }

  /** The document as plain values; `null` where it is empty. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 });
  }

  /** A problem with the value at a path; where there is none, with its nearest parent. */
  problem(path: Path, message: string): Problem {
    return this.#at(this.#find(path).offset, message);
  }

  /** A problem with a key of a mapping itself. */
  keyProblem(path: Path, message: string): Problem {
    const found = this.#find(path);
    return this.#at(found.keyOffset ?? found.offset, message);
  }

  #at(offset: number, message: string): Problem {
    return { file: this.file, ...this.#position(offset), message };
  }

  #find(path: Path): { readonly offset: number; readonly keyOffset: number | undefined } {
    let node: unknown = this.#document.contents;
    let offset = (node as Node | null)?.range?.[0] ?? 0;
    let keyOffset: number | undefined;
    for (const segment of path) {
      if (isAlias(node)) node = node.resolve(this.#document);
      const step = child(node, segment);
      if (step === undefined) break;
      keyOffset = step.key?.range?.[0] ?? undefined;
      // An empty value has no place of its own: its key is the better one.
      const empty = isScalar(step.value) && step.value.range?.[0] === step.value.range?.[1];
      offset = (empty ? keyOffset : step.value?.range?.[0]) ?? keyOffset ?? offset;
      node = step.value;
    }
    return { offset, keyOffset };
  }
}

function child(
  node: unknown,
  segment: string | number,
): { key: Node | undefined; value: Node | null } | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(segment)];
    return value === undefined ? undefined : { key: undefined, value: value as Node };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(segment),
  );
  return pair === undefined ? undefined : { key: pair.key as Node, value: pair.value as Node | null };
}

/** What a file's text holds: its documents, and the problems of the text itself. */
export interface ParsedText {
  readonly sources: readonly LabSource[];
  readonly problems: readonly Problem[];
  /** Whether the values are what the person meant, duplicate keys apart. */
  readonly readable: boolean;
}

/**
 * Parses YAML text after substituting environment variables. Faults of the YAML (syntax, duplicate keys, unknown
 * tags) and variables without a value come back as problems with their positions.
 */
export function parseText(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): ParsedText {
  const substituted = substitute(text, env);
  const written = new LineCounter();
  written.addNewLine(0);
  for (const newline of text.matchAll(/\n/g)) written.addNewLine(newline.index + 1);
  const position: Position = (offset) => {
    const { line, col } = written.linePos(
      Math.min(substituted.originalOffset(offset), text.trimEnd().length),
    );
    return { line, column: col };
  };
  const documents = parse(substituted);
  const problems: Problem[] = substituted.unset.map(({ offset, name }) => ({
    file,
    ...columnOf(written.linePos(offset)),
    message: `environment variable ${name} is not set, expected a value or a default as in \${${name}:=value}`,
  }));
  const sources: LabSource[] = [];
  let readable = substituted.unset.length === 0;
  for (const document of documents) {
    const seen = new Set<number>();
    for (const fault of [...document.errors, ...document.warnings]) {
      const place = position(fault.pos[0]);
      const line = lineAt(substituted.text, fault.pos[0]);
      readable &&= fault.code === 'DUPLICATE_KEY';
      // One bad character gives several syntax errors; the first of a line says it.
      if (fault.code !== 'DUPLICATE_KEY' && seen.has(place.line)) continue;
      seen.add(place.line);
      problems.push({ file, ...place, message: explain(fault.code, fault.message, line) });
    }
    visit(document, {
      Alias: (_, alias) => {
        if (alias.resolve(document) !== undefined) return;
        readable = false;
        const message = `alias *${alias.source} has no anchor, expected &${alias.source} before it`;
        problems.push({ file, ...position(alias.range?.[0] ?? 0), message });
      },
    });
    sources.push(new LabSource(file, document, position));
  }
  return { sources, problems, readable };
}

function parse(substituted: Substituted): readonly Document.Parsed[] {
  const documents = parseAllDocuments(substituted.text, {
    prettyErrors: false,
    merge: true,
    uniqueKeys: true,
  });
  return Array.isArray(documents) ? (documents as Document.Parsed[]) : [];
}

function columnOf(place: { line: number; col: number }): { line: number; column: number } {
  return { line: place.line, column: place.col };
}

function lineAt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1, end < 0 ? undefined : end);
}

function explain(code: string, message: string, line: string): string {
  if (code === 'DUPLICATE_KEY') {
    return 'duplicate key, expected each key once';
  }
  if (/\{[^}'"]*[a-z-]\[\d/.test(line)) {
    return 'bad YAML, expected quotes around a name pattern inside { }, such as "host[1-3]"';
  }
  return `bad YAML, expected something else here: ${message.split('\n')[0]}`;
}

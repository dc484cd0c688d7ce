import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { editorSchema } from '../file/schema.ts';
import { speakerJsonSchema } from '../speaker/schema.ts';

/** A published JSON Schema (draft 7, which editors' YAML plugins understand best). */
interface PublishedSchema {
  readonly path: string;
  /** The file as it has to be. */
  text(): string;
}

/** Of a lab file. */
export const labSchemaFile: PublishedSchema = published('lab.schema.json', 'podwire lab', editorSchema);

/** Of a speaker's file. */
export const speakerSchemaFile: PublishedSchema = published(
  'speaker.schema.json',
  'podwire speaker',
  speakerJsonSchema,
);

function published(name: string, title: string, schema: () => Record<string, unknown>): PublishedSchema {
  return {
    path: fileURLToPath(new URL(`./${name}`, import.meta.url)),
    text: () => `${JSON.stringify({ title, ...schema() }, null, 2)}\n`,
  };
}

function write({ path, text }: PublishedSchema): void {
  const now = text();
  if (now === textOf(path)) {
    console.error(`${path} is up to date`);
    return;
  }
  writeFileSync(path, now);
  console.error(`wrote ${path}`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const schema of [labSchemaFile, speakerSchemaFile]) write(schema);
}

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { editorSchema } from '../file/schema.ts';

/** Where the published schema lives. */
export const schemaPath: string = fileURLToPath(new URL('./lab.schema.json', import.meta.url));

/** JSON Schema (draft 7, which editors' YAML plugins understand best) of a lab file, as text. */
export function schemaText(): string {
  const schema = { title: 'podwire lab', ...editorSchema() };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = ((): string => {
    try {
      return readFileSync(schemaPath, 'utf8');
    } catch {
      return '';
    }
  })();
  const now = schemaText();
  if (now !== before) writeFileSync(schemaPath, now);
  console.error(now === before ? `${schemaPath} is up to date` : `wrote ${schemaPath}`);
}

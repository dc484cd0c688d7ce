/** Text after substitution, and the way back to the offsets of the text that the person wrote. */
export interface Substituted {
  readonly text: string;
  /** Offset in the written text of an offset in `text`. */
  originalOffset(offset: number): number;
  /** Variables without value or default: where they stand in the written text. */
  readonly unset: readonly { readonly offset: number; readonly name: string }[];
}

/** `${NAME}`, `${NAME:-default}`, `${NAME:=default}`; a doubled dollar stands for itself. */
const VARIABLE = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)(?::[-=]([^}\n]*))?\}/g;

/**
 * Replaces environment variables in the text of a lab file as containerlab does: `${NAME}` and `${NAME:=default}`
 * (the default also where the variable is empty). `$${NAME}` gives `${NAME}`. Names that begin with `PODWIRE_` are
 * left alone: they are the lab's own and known only when it runs. Comment lines are left alone.
 */
export function substitute(source: string, env: Readonly<Record<string, string | undefined>>): Substituted {
  const segments: { readonly at: number; readonly original: number }[] = [{ at: 0, original: 0 }];
  const unset: { offset: number; name: string }[] = [];
  let text = '';
  let copied = 0;
  for (const match of source.matchAll(VARIABLE)) {
    const [whole, name = '', fallback] = match;
    if (name.startsWith('PODWIRE_') || inComment(source, match.index)) continue;
    const value = replacement(whole, env[name], fallback);
    if (value === undefined) unset.push({ offset: match.index, name });
    text += source.slice(copied, match.index);
    // Everything inside the replacement points at the variable; what follows it counts on from its end.
    segments.push({ at: text.length, original: match.index });
    text += value ?? '';
    copied = match.index + whole.length;
    segments.push({ at: text.length, original: copied });
  }
  text += source.slice(copied);
  return { text, unset, originalOffset: (offset) => originalOffset(segments, offset) };
}

function replacement(
  whole: string,
  value: string | undefined,
  fallback: string | undefined,
): string | undefined {
  if (whole.startsWith('$$')) return whole.slice(1);
  if (fallback !== undefined && (value === undefined || value === '')) return fallback;
  return value;
}

function inComment(source: string, offset: number): boolean {
  const lineStart = source.lastIndexOf('\n', offset) + 1;
  return /^\s*#/.test(source.slice(lineStart, offset));
}

function originalOffset(
  segments: readonly { readonly at: number; readonly original: number }[],
  offset: number,
): number {
  let index = segments.length - 1;
  while (index > 0 && segments[index]!.at > offset) index--;
  const { at, original } = segments[index]!;
  // Odd segments are replacements: their text has no counterpart of its own.
  return index % 2 === 1 ? original : original + offset - at;
}

/**
 * A peer's text fit for logs and terminals, on one line: control, format (such as text direction) and unassigned
 * characters as `\\u{1b}`, and backslashes doubled.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (char) =>
    char === '\\' ? '\\\\' : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}

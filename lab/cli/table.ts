import { stripVTControlCharacters } from 'node:util';

/** Columns of the terminal that a text takes; colours take none. */
function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)));
}

function center(text: string, to: number): string {
  const space = Math.max(0, to - width(text));
  const left = Math.floor(space / 2);
  return ' '.repeat(left) + text + ' '.repeat(space - left);
}

function widths(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => width(row[i] ?? ''))));
}

/** A frame of +, - and | with a centred heading, as calicoctl prints its tables. */
export function boxTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = widths([heading, ...rows]);
  const rule = `+${columns.map((column) => '-'.repeat(column + 2)).join('+')}+`;
  const line = (row: readonly string[], fill: typeof pad): string =>
    `| ${columns.map((column, i) => fill(row[i] ?? '', column)).join(' | ')} |`;
  return [rule, line(heading, center), rule, ...rows.map((row) => line(row, pad)), rule].join('\n');
}

/** Columns separated by three spaces under a heading, as kubectl prints its tables. */
export function plainTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return alignColumns([heading, ...rows], '   ');
}

/** Rows with their columns one below the other; no spaces at the ends of lines. */
export function alignColumns(rows: readonly (readonly string[])[], gap = ' '): string {
  const columns = widths(rows);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : pad(cell, columns[i]!)))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

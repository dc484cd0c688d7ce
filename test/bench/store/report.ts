// The figures as lines of a table.
import type { Figures } from './parts.ts';

/** How each figure is shown: its name, and the digits behind the point. */
const SHOWN: Readonly<Record<string, readonly [title: string, digits: number]>> = {
  throughput: ['writes/s', 0],
  slowest: ['slowest ms', 0],
  stddev: ['stddev ms', 1],
  deletion: ['deletion ms', 0],
  putP50: ['put p50 ms', 3],
  putP99: ['put p99 ms', 3],
  getP50: ['get p50 ms', 3],
  getP99: ['get p99 ms', 3],
  p50: ['p50 ms', 3],
  p99: ['p99 ms', 3],
  most: ['most ms', 1],
  missing: ['missing', 0],
  before: ['MB before', 0],
  after: ['MB after', 0],
  redis: ['MB Redis', 0],
  rate: ['puts/s', 0],
  time: ['time ms', 0],
  ending: ['ending ms', 0],
  memory: ['MB', 0],
};

/** A table of one part's figures: a line for each store. */
export function report(figures: readonly Figures[]): string[] {
  const names = [...new Set(figures.flatMap(({ values }) => Object.keys(values)))];
  const columns = [
    'store',
    ...names.map((name) => SHOWN[name]![0]),
    'stall ms',
    'CPU s',
    'Redis CPU s',
    'load',
  ];
  const rows = figures.map(({ store, values, stall, cpu, load, verdict, failure }) => [
    store,
    ...names.map((name) => values[name]?.toFixed(SHOWN[name]![1]) ?? ''),
    stall?.toFixed(0) ?? '',
    seconds(cpu?.store),
    seconds(cpu?.redis),
    load.toFixed(1),
    failure ?? verdict ?? '',
  ]);
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 || widths[i] === undefined ? cell : cell.padStart(widths[i]!)))
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map(line)];
}

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : (milliseconds / 1000).toFixed(1);
}

// The figures as a table.
import type { PhaseFigures, RunFigures } from './measure.ts';

const COLUMNS = [
  'work',
  'phase',
  'speaker',
  'time s',
  'CPU s',
  'tester',
  'MB',
  'peak',
  'stall',
  'load',
  'table',
];

/** Median of a list that is not empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

/** Lines of a table: one a phase, with the medians of its runs. */
export function report(figures: readonly RunFigures[]): string[] {
  const groups = Map.groupBy(figures, ({ work, speaker }) => `${work} ${speaker}`);
  const rows = [...groups.values()].flatMap((runs) => rowsOf(runs));
  const widths = COLUMNS.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [
    line(COLUMNS),
    ...rows.map((row) => [line(row.slice(0, COLUMNS.length)), ...row.slice(COLUMNS.length)].join('  ')),
  ];
}

function rowsOf(runs: readonly RunFigures[]): string[][] {
  const { work, speaker } = runs[0]!;
  const of = (value: (run: RunFigures) => number): number => median(runs.map(value));
  const failed = runs.find(({ failure }) => failure !== undefined);
  const load = of((run) => run.load).toFixed(1);
  const names = runs.reduce<string[]>((most, { phases }) => {
    const names = phases.map(({ phase }) => phase);
    return names.length > most.length ? names : most;
  }, []);
  const rows = names.map((name) => {
    const phases = runs.flatMap((run) => run.phases.filter(({ phase }) => phase === name));
    const value = (pick: (phase: PhaseFigures) => number): number => median(phases.map(pick));
    const wrong = Math.max(...phases.map((phase) => phase.wrong));
    return [
      work,
      name,
      speaker,
      (value(({ time }) => time) / 1000).toFixed(2),
      (value(({ speakerCpu }) => speakerCpu) / 1000).toFixed(2),
      (value(({ testerCpu }) => testerCpu) / 1000).toFixed(2),
      value(({ memory }) => memory).toFixed(0),
      value(({ peak }) => peak).toFixed(0),
      phases[0]!.stall === undefined ? '' : value(({ stall }) => stall!).toFixed(0),
      load,
      wrong === 0 ? 'equal' : `${wrong} wrong`,
      ...remarks(phases),
    ];
  });
  if (names.length === 0 && failed === undefined) {
    const start = (of(({ startTime }) => startTime) / 1000).toFixed(3);
    rows.push([work, 'start', speaker, start, '', '', '', '', '', load, '']);
  }
  if (failed !== undefined)
    rows.push([work, 'failed', speaker, '', '', '', '', '', '', load, '', failed.failure!]);
  return rows;
}

function remarks(phases: readonly PhaseFigures[]): string[] {
  const summaries = phases.flatMap((phase) => phase.summaries ?? []);
  const delays = phases.flatMap(({ delay }) => (delay === undefined ? [] : [delay]));
  return [
    ...(summaries.length === 0 ? [] : [`summary at most ${Math.max(...summaries).toFixed(0)} ms`]),
    ...(delays.length === 0
      ? []
      : [
          `delay p50 ${median(delays.map(({ p50 }) => p50)).toFixed(1)} ms,` +
            ` p99 ${median(delays.map(({ p99 }) => p99)).toFixed(1)} ms`,
        ]),
  ];
}

import type { Paint, Style } from './context.ts';

/** A line of a lab's log (pino's JSON). */
export interface LogEntry {
  readonly level: number;
  readonly time: string;
  readonly node: string | undefined;
  readonly message: string;
  /** What else the line says. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** pino's numbers of its levels. */
const LEVELS: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: Number.POSITIVE_INFINITY,
};

const STYLES: Readonly<Record<string, Style>> = { warn: 'yellow', error: 'red', debug: 'dim', trace: 'dim' };

/** pino's number of a level. */
export function levelNumber(level: string): number {
  return LEVELS[level] ?? 0;
}

/** The entry of a line; `undefined` where it is none. */
export function parseLogLine(line: string): LogEntry | undefined {
  try {
    const { level, time, msg, node, lab: _lab, ...fields } = JSON.parse(line) as Record<string, unknown>;
    if (typeof level !== 'number') return undefined;
    return {
      level,
      time: String(time ?? ''),
      node: typeof node === 'string' ? node : undefined,
      message: String(msg ?? ''),
      fields,
    };
  } catch {
    return undefined;
  }
}

/** `11:20:42.123 INFO  host1  message  key=value`, in local time. */
export function prettyLogLine(entry: LogEntry, paint: Paint): string {
  const name = Object.entries(LEVELS).find(([, number]) => number >= entry.level)?.[0] ?? 'error';
  const level = paint(STYLES[name] ?? 'green', name.toUpperCase().padEnd(5));
  const fields = Object.entries(entry.fields).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return paint('dim', `${key}=${/[\s"]/.test(text) ? JSON.stringify(text) : text}`);
  });
  const who = paint('cyan', (entry.node ?? '-').padEnd(8));
  return [paint('dim', clockTime(entry.time)), level, who, entry.message, ...fields].join(' ');
}

function clockTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const two = (value: number): string => String(value).padStart(2, '0');
  const millis = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

/** Names of dump files with the time in them, as strftime(3) fills them in, in UTC. */

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getUTCFullYear()),
  y: (date) => two(date.getUTCFullYear() % 100),
  m: (date) => two(date.getUTCMonth() + 1),
  d: (date) => two(date.getUTCDate()),
  H: (date) => two(date.getUTCHours()),
  M: (date) => two(date.getUTCMinutes()),
  S: (date) => two(date.getUTCSeconds()),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  F: (date) => date.toISOString().slice(0, 10),
  T: (date) => date.toISOString().slice(11, 19),
  '%': () => '%',
};

/** What a pattern may have; for messages. */
export const FILE_FIELDS = '%Y %m %d %H %M %S %y %s %F %T %%';

/** Whether every `%` in the pattern is one that is known. */
export function isFilePattern(pattern: string): boolean {
  return [...pattern.matchAll(/%(.?)/g)].every(([, letter]) => Object.hasOwn(FIELDS, letter!));
}

/** The name for a time. @param seconds since 1970. */
export function fileName(pattern: string, seconds: number): string {
  const date = new Date(seconds * 1000);
  return pattern.replaceAll(/%(.)/g, (all, letter: string) => FIELDS[letter]?.(date) ?? all);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

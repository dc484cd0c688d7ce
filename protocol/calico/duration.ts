/** Nanoseconds of the units of Go's durations, the form in which Calico writes times: `"1m30s"`. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Seconds of a duration such as `"90s"`, `"1m30s"` or `"0"`.
 * @throws RangeError where the text is none, or negative.
 */
export function durationSeconds(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new RangeError(`not a duration like "90s" or "1m30s": ${JSON.stringify(text)}`);
  }
  let nanos = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    nanos += Number(amount) * UNITS[unit!]!;
  }
  return nanos / 1e9;
}

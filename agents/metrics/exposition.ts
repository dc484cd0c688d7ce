/**
 * The text format of Prometheus, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): the only one that
 * every scraper reads, and lines of text.
 */

/** Of HTTP answers in the text format. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | number>>;

/** Takes a sample of the metric that is being read. @param suffix behind the name, as `_sum`. */
export type Put = (value: number, labels?: Labels, suffix?: string) => void;

/** A metric that can be read from each of several things of a kind, such as sessions. */
export interface Metric<T> {
  /** By the conventions: with a prefix, in base units, counters with `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly read: (of: T, put: Put) => void;
}

/** Something to read metrics from, with the labels that tell it from others of its kind. */
export interface Labelled<T> {
  readonly of: T;
  readonly labels: Labels;
}

/** Gathers metrics as text. All samples of a metric stand together, whatever they were read from. */
export class Exposition {
  readonly #lines: string[] = [];

  /** Reads metrics from things; a metric of which there is no sample is left out. */
  add<T>(metrics: readonly Metric<T>[], things: readonly Labelled<T>[]): void {
    // Many samples share these labels: they are written once.
    const prefixes = things.map(({ labels }) => labelText(labels));
    for (const { name, type, help, read } of metrics) {
      const start = this.#lines.length;
      this.#lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
      things.forEach(({ of }, i) => {
        read(of, (value, labels, suffix = '') => {
          this.#lines.push(`${name}${suffix}${inBraces(prefixes[i]!, labels)} ${formatValue(value)}`);
        });
      });
      if (this.#lines.length === start + 2) this.#lines.length = start;
    }
  }

  /** Everything so far; every line ends with a line feed. */
  text(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }
}

function inBraces(prefix: string, labels: Labels | undefined): string {
  const own = labels === undefined ? '' : labelText(labels);
  const all = prefix === '' || own === '' ? `${prefix}${own}` : `${prefix},${own}`;
  return all === '' ? '' : `{${all}}`;
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(
      ([name, value]) => `${name}="${typeof value === 'number' ? formatValue(value) : escapeLabel(value)}"`,
    )
    .join(',');
}

/** Numbers as Go reads them. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

import { describe, expect, test } from 'vitest';
import { Exposition, type Metric } from '../../../agents/metrics/exposition.ts';
import { DurationHistogram } from '../../../agents/metrics/histogram.ts';

const queue: Metric<number> = {
  name: 'queue_bytes',
  type: 'gauge',
  help: 'Octets.',
  read: (of, put) => put(of),
};

describe('the text format', () => {
  test('has all samples of a metric together, behind its help and type', () => {
    const exposition = new Exposition();
    const both: Metric<number> = {
      name: 'messages_total',
      type: 'counter',
      help: 'Messages.',
      read: (of, put) => {
        put(of, { type: 'open' });
        put(2 * of, { type: 'update' });
      },
    };
    exposition.add(
      [queue, both],
      [
        { of: 1, labels: { node: 'a' } },
        { of: 2, labels: { node: 'b' } },
      ],
    );
    expect(exposition.text()).toBe(
      [
        '# HELP queue_bytes Octets.',
        '# TYPE queue_bytes gauge',
        'queue_bytes{node="a"} 1',
        'queue_bytes{node="b"} 2',
        '# HELP messages_total Messages.',
        '# TYPE messages_total counter',
        'messages_total{node="a",type="open"} 1',
        'messages_total{node="a",type="update"} 2',
        'messages_total{node="b",type="open"} 2',
        'messages_total{node="b",type="update"} 4',
        '',
      ].join('\n'),
    );
  });

  test('has no braces without labels, and nothing of a metric without samples', () => {
    const exposition = new Exposition();
    expect(exposition.text()).toBe('');
    exposition.add([{ ...queue, name: 'none', read: () => undefined }, queue], [{ of: 0, labels: {} }]);
    expect(exposition.text()).toBe('# HELP queue_bytes Octets.\n# TYPE queue_bytes gauge\nqueue_bytes 0\n');
  });

  // exposition_formats: in labels backslash, quote and line feed are escaped, in help backslash and line feed.
  test('escapes what people write', () => {
    const exposition = new Exposition();
    exposition.add(
      [{ ...queue, help: 'a "b" \\ c\nd' }],
      [{ of: 1, labels: { peer: 'a "b" \\ c\nd', note: 'é' } }],
    );
    expect(exposition.text().split('\n')).toEqual([
      '# HELP queue_bytes a "b" \\\\ c\\nd',
      '# TYPE queue_bytes gauge',
      'queue_bytes{peer="a \\"b\\" \\\\ c\\nd",note="é"} 1',
      '',
    ]);
  });

  test('writes numbers as Go reads them', () => {
    const exposition = new Exposition();
    const values = [1e21, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    exposition.add(
      [queue],
      values.map((of) => ({ of, labels: {} })),
    );
    expect(exposition.text().match(/(?<=queue_bytes )\S+$/gm)).toEqual(
      expect.arrayContaining(['1e+21', '0.1', 'NaN', '+Inf', '-Inf']),
    );
  });
});

test('a histogram counts what took at most so long, up to infinity', () => {
  const histogram = new DurationHistogram();
  for (const seconds of [0, 0.0005, 0.0006, 0.2, 7]) histogram.observe(seconds);
  expect(histogram.sum).toBeCloseTo(7.2011);
  const counts = new Map(histogram.cumulative().map(({ le, count }) => [le, count]));
  expect([0.0005, 0.001, 0.1, 0.25, 1, Number.POSITIVE_INFINITY].map((le) => counts.get(le))).toEqual([
    2, 3, 3, 4, 4, 5,
  ]);
});

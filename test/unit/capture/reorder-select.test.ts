import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReorderBuffer } from '../../../lab/capture/reorder-buffer.ts';
import { captureFilters } from '../../../lab/capture/select.ts';

describe('ReorderBuffer', () => {
  test('gives every packet once, none before or after its wait is over, and sorts what waits together', () => {
    const arrivals = fc.array(fc.record({ wait: fc.nat(30), time: fc.nat(100) }), { maxLength: 60 });
    fc.assert(
      fc.property(arrivals, (list) => {
        const buffer = new ReorderBuffer<{ arrived: number; time: number }>(50);
        const given: { arrived: number; time: number }[] = [];
        let now = 0;
        const release = (until: number): void => {
          for (
            let next = buffer.nextDeadline();
            next !== undefined && next <= until;
            next = buffer.nextDeadline()
          ) {
            const batch = buffer.release(next);
            expect(batch.map(({ time }) => time)).toEqual(
              batch.map(({ time }) => time).sort((x, y) => x - y),
            );
            for (const item of batch) expect(next - item.arrived).toBeLessThanOrEqual(50);
            given.push(...batch);
          }
        };
        for (const { wait, time } of list) {
          now += wait;
          release(now);
          buffer.add(BigInt(time), { arrived: now, time }, now);
        }
        release(now + 50);
        expect(buffer.size).toBe(0);
        expect(given).toHaveLength(list.length);
      }),
    );
  });

  test('equal times keep the order of arrival', () => {
    const buffer = new ReorderBuffer<number>(50);
    for (let i = 0; i < 100; i++) buffer.add(7n, i, 0);
    expect(buffer.drain()).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('within the window packets come out sorted, whatever their order of arrival', () => {
    const buffer = new ReorderBuffer<number>(50);
    const times = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000);
    for (const [i, time] of times.entries()) buffer.add(BigInt(time), time, i / 1000);
    expect(buffer.release(49)).toEqual([]);
    const given = [...buffer.release(53), ...buffer.release(60)];
    expect(given).toEqual(times.toSorted((x, y) => x - y));
  });
});

describe('captureFilters', () => {
  const nodes = ['host1', 'host2', 'rr1'];
  const podNode = (pod: string): string | undefined => (pod === 'default/a' ? 'host2' : undefined);
  test.each([
    ['nothing named', {}, { host1: { underlay: true }, host2: { underlay: true }, rr1: { underlay: true } }],
    ['a node', { nodes: ['host1'] }, { host1: { underlay: true } }],
    ['a pod', { pods: ['default/a'] }, { host2: { underlay: false, pods: ['default/a'] } }],
    [
      'a link',
      { links: ['lan'] },
      Object.fromEntries(nodes.map((node) => [node, { underlay: false, pods: [], links: ['lan'] }])),
    ],
    [
      'a node and a pod elsewhere',
      { nodes: ['host1'], pods: ['default/a'] },
      { host1: { underlay: true }, host2: { underlay: false, pods: ['default/a'] } },
    ],
    [
      'a pod that is not placed yet',
      { pods: ['default/z'] },
      Object.fromEntries(nodes.map((node) => [node, { underlay: false, pods: ['default/z'] }])),
    ],
  ])('%s', (_, selection, expected) => {
    const filters = captureFilters({ nodes: [], links: [], pods: [], ...selection }, nodes, podNode);
    expect(Object.fromEntries(filters)).toEqual(expected);
  });
});

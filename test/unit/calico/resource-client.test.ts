import { describe, expect, test } from 'vitest';
import type { ResourceHandler } from '../../../agents/calico/resources.ts';
import { keyBytes } from '../../../agents/store/keys.ts';
import { resourceKey } from '../../../protocol/calico/keys.ts';
import type { Node } from '../../../protocol/calico/resources/node.ts';
import { cluster, dump, node, pool } from './setup.ts';

/** Records what a handler is told, as lines, and lets a test wait for a number of them. */
function recorder(): ResourceHandler<Node> & {
  readonly lines: string[];
  until(count: number): Promise<string[]>;
} {
  const lines: string[] = [];
  let check = (): void => {};
  const tell = (line: string): void => {
    lines.push(line);
    check();
  };
  return {
    lines,
    until: (count) =>
      new Promise((resolve) => {
        check = () => {
          if (lines.length >= count) resolve([...lines]);
        };
        check();
      }),
    onPut: ({ metadata }, previous) =>
      tell(
        `put ${metadata.name} ${metadata.labels?.x ?? ''}${previous === undefined ? '' : ` was ${previous.metadata.labels?.x ?? ''}`}`,
      ),
    onDelete: ({ metadata }) => tell(`delete ${metadata.name}`),
    onSynced: () => tell('synced'),
    onInvalid: ({ key }) => tell(`invalid ${key.split('/').at(-1)}`),
  };
}

describe('create, read, update, delete', () => {
  test('a resource is stored as Calico stores it', async () => {
    const { client, resources, clock } = await cluster({}, {});
    const created = await resources.create(pool('p', { cidr: '10.0.0.0/16', vxlanMode: 'Always' }));
    expect(created.metadata).toEqual({
      name: 'p',
      uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      creationTimestamp: '2026-09-21T14:13:20Z',
      resourceVersion: expect.stringMatching(/^\d+$/),
    });
    const stored = JSON.parse((await dump(client, '/calico/'))[resourceKey('IPPool', 'p')]!);
    expect(stored).toMatchObject({
      apiVersion: 'projectcalico.org/v3',
      kind: 'IPPool',
      spec: { blockSize: 26, ipipMode: 'Never' },
    });
    expect(stored.metadata.resourceVersion).toBeUndefined();
    expect(await resources.get('IPPool', 'p')).toEqual(created);
    expect(clock.nanos).toBeGreaterThan(0n);
    await expect(resources.create(pool('p', { cidr: '10.0.0.0/16' }))).rejects.toThrow(
      'IPPool p exists already',
    );
  });

  test('update compares the version', async () => {
    const { resources } = await cluster({}, { a: {} });
    const first = (await resources.get('Node', 'a'))!;
    const second = await resources.update({ ...first, metadata: { ...first.metadata, labels: { x: '1' } } });
    expect(second.metadata).toMatchObject({ uid: first.metadata.uid, labels: { x: '1' } });
    expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    await expect(resources.update(first)).rejects.toThrow('Node a is no longer at version');
    await expect(resources.update(node('b'))).rejects.toThrow('Node b does not exist');
  });

  test('apply creates or replaces, keeps the identity, and writes only changes', async () => {
    const { resources } = await cluster({}, {});
    const first = await resources.apply(node('a', { x: '1' }));
    const same = await resources.apply(node('a', { x: '1' }));
    const changed = await resources.apply(node('a', { x: '2' }));
    expect(same).toEqual(first);
    expect(changed.metadata).toMatchObject({ uid: first.metadata.uid, labels: { x: '2' } });
    expect(await resources.list('Node')).toEqual([changed]);
  });

  test('applied from many places at once, the last stays and none fails', async () => {
    const { resources } = await cluster({}, {});
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => resources.apply(node('a', { x: String(i) }))),
    );
    const last = all
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .at(-1);
    expect(await resources.get('Node', 'a')).toEqual(last);
  });

  test('delete, of a version or whatever is there', async () => {
    const { resources } = await cluster({}, { a: {} });
    await expect(resources.delete('Node', 'a', { resourceVersion: '1' })).rejects.toThrow(
      'Node a is no longer at version 1',
    );
    const { resourceVersion } = (await resources.get('Node', 'a'))!.metadata;
    expect(await resources.delete('Node', 'a', { resourceVersion: resourceVersion! })).toBe(true);
    expect(await resources.delete('Node', 'a', { resourceVersion: resourceVersion! })).toBe(false);
    expect(await resources.delete('Node', 'a')).toBe(false);
    expect(await resources.get('Node', 'a')).toBeUndefined();
  });

  test('workload endpoints live in namespaces', async () => {
    const { resources } = await cluster({}, {});
    const endpoint = (namespace: string, name: string): Parameters<typeof resources.create>[0] => ({
      apiVersion: 'projectcalico.org/v3',
      kind: 'WorkloadEndpoint',
      metadata: { name, namespace },
      spec: {
        orchestrator: 'k8s',
        node: 'a',
        endpoint: 'eth0',
        ipNetworks: ['10.0.0.1/32'],
        interfaceName: 'cali1',
      },
    });
    await resources.create(endpoint('red', 'x'));
    await resources.create(endpoint('blue', 'x'));
    expect(
      (await resources.list('WorkloadEndpoint', 'red')).map(({ metadata }) => metadata.namespace),
    ).toEqual(['red']);
    expect(await resources.list('WorkloadEndpoint')).toHaveLength(2);
    expect(await resources.delete('WorkloadEndpoint', 'x', { namespace: 'red' })).toBe(true);
    expect(await resources.list('WorkloadEndpoint')).toHaveLength(1);
  });

  test('what is not valid is not written', async () => {
    const { client, resources } = await cluster({}, {});
    const bad = { ...node('a'), metadata: { name: 'Not A Name' } };
    await expect(resources.create(bad)).rejects.toThrow(
      'Node Not A Name: metadata.name: expected a name of lower-case letters',
    );
    expect(await dump(client, '/calico/')).toEqual({});
  });
});

describe('watch', () => {
  test('what is there, then every change in order', async () => {
    const { resources } = await cluster({}, { a: { x: '1' }, b: {} });
    const told = recorder();
    const watch = resources.watch('Node', told);
    expect(await told.until(3)).toEqual(['put a 1', 'put b ', 'synced']);
    await resources.apply(node('a', { x: '2' }));
    await resources.delete('Node', 'b');
    await resources.create(node('b', { x: '9' }));
    expect((await told.until(6)).slice(3)).toEqual(['put a 2 was 1', 'delete b', 'put b 9']);
    watch.close();
    await resources.delete('Node', 'a');
    expect(told.lines).toHaveLength(6);
  });

  test('what cannot be read counts as gone, and comes back when it can', async () => {
    const { client, resources } = await cluster({}, { a: {} });
    const key = keyBytes(resourceKey('Node', 'a'));
    const told = recorder();
    const watch = resources.watch('Node', told);
    await told.until(2);
    await client.put({ key, value: keyBytes('{"kind":"Node"}') });
    await client.put({ key, value: keyBytes('not json') });
    await client.deleteRange({ key });
    await resources.create(node('a', { x: '3' }));
    expect((await told.until(6)).slice(2)).toEqual(['invalid a', 'delete a', 'invalid a', 'put a 3']);
    watch.close();
  });
});

import { describe, expect, test } from 'vitest';
import type { AgentStatus } from '../../../agents/control/types.ts';
import { judge, type OwnedBlock, type Progress } from '../../../lab/runtime/stages.ts';

function status(node: string, more: Partial<AgentStatus> = {}): AgentStatus {
  return {
    node,
    kind: 'host',
    pid: 1,
    address: '127.9.0.1',
    asn: 64512,
    sessions: { total: 1, established: 1, synced: 1 },
    blocks: [`10.65.${node.slice(4)}.0/26`],
    reachable: [],
    remoteBlocks: [],
    pods: { total: 2, ready: 2 },
    ready: true,
    message: '',
    ...more,
  };
}

const reflector = (more: Partial<AgentStatus> = {}): AgentStatus =>
  status('rr1', {
    kind: 'route-reflector',
    blocks: [],
    pods: { total: 0, ready: 0 },
    sessions: { total: 2, established: 2, synced: 2 },
    ...more,
  });

const HOST1 = status('host1', { reachable: ['10.65.2.0/26'] });
const HOST2 = status('host2', { reachable: ['10.65.1.0/26'] });

function judged(statuses: readonly AgentStatus[], foreign?: readonly OwnedBlock[]): Progress {
  const byName = new Map(statuses.map((each) => [each.node, each]));
  return judge(['host1', 'host2', 'rr1'], byName, foreign);
}

/** The judgement of HOST1 and the reflector with another host2. */
function with2(more: Partial<AgentStatus>): Progress {
  return judged([HOST1, { ...HOST2, ...more }, reflector()]);
}

describe('a lab', () => {
  test('where everything is there has converged', () => {
    expect(judged([HOST1, HOST2, reflector()])).toEqual({
      nodes: { done: 3, total: 3 },
      pods: { done: 4, total: 4 },
      bgp: { done: 4, total: 4 },
      routes: { done: 2, total: 2 },
      converged: true,
      missing: [],
    });
  });

  test('of which nobody has said anything has not', () => {
    const none = { done: 0, total: 0 };
    expect(judged([])).toEqual({
      nodes: { done: 0, total: 3 },
      pods: none,
      bgp: none,
      routes: none,
      converged: false,
      missing: ['host1: no answer yet', 'host2: no answer yet', 'rr1: no answer yet'],
    });
  });

  test('of one host alone has converged with it', () => {
    const alone = status('host1', { sessions: { total: 0, established: 0, synced: 0 } });
    expect(judge(['host1'], new Map([['host1', alone]]))).toMatchObject({
      routes: { done: 0, total: 0 },
      converged: true,
    });
  });

  test.each<readonly [string, Partial<AgentStatus>, Partial<Progress>]>([
    ['a node that is not up', { ready: false, message: 'starting' }, { missing: ['host2: starting'] }],
    [
      'a pod that does not run',
      { pods: { total: 2, ready: 1 }, ready: false, message: 'waiting for pods default/a' },
      { pods: { done: 3, total: 4 }, missing: ['host2: waiting for pods default/a'] },
    ],
    [
      'a session without End-of-RIB',
      { sessions: { total: 1, established: 1, synced: 0 } },
      { bgp: { done: 3, total: 4 }, missing: ['host2: 0 of 1 BGP sessions Established'] },
    ],
    [
      'a route that is missing',
      { reachable: [] },
      { routes: { done: 1, total: 2 }, missing: ['host2: no route to 10.65.1.0/26 (host1)'] },
    ],
    [
      'a host without a block',
      { blocks: [] },
      { routes: { done: 1, total: 1 }, missing: ['host2: no block of its own'] },
    ],
  ])('waits for %s', (_, more, expected) => {
    expect(with2(more)).toMatchObject({ ...expected, converged: false });
  });

  test('needs a way to each of several blocks, and to no other prefix', () => {
    const more = { blocks: ['10.65.2.0/26', '10.65.2.64/26'] };
    expect(with2(more)).toMatchObject({ routes: { done: 2, total: 3 }, converged: false });
    const one = { ...HOST1, reachable: ['10.65.2.0/26', '10.65.2.64/26', '10.65.9.9/32'] };
    expect(judged([one, { ...HOST2, ...more }, reflector()])).toMatchObject({
      routes: { done: 3, total: 3 },
      converged: true,
    });
  });

  test('needs no routes on a reflector', () => {
    expect(judged([HOST1, HOST2, reflector({ reachable: [] })]).converged).toBe(true);
    expect(judged([HOST1, HOST2, reflector({ ready: false, message: 'x' })]).converged).toBe(false);
  });

  test('needs a way from every host to the blocks of foreign nodes', () => {
    const foreign = [{ block: '10.65.9.0/26', node: 'bird' }];
    expect(judged([HOST1, HOST2, reflector()], foreign)).toMatchObject({
      routes: { done: 2, total: 4 },
      converged: false,
      missing: ['host1: no route to 10.65.9.0/26 (bird)', 'host2: no route to 10.65.9.0/26 (bird)'],
    });
    const both = [HOST1, HOST2].map((host) => ({ ...host, reachable: [...host.reachable, '10.65.9.0/26'] }));
    expect(judged([...both, reflector()], foreign).converged).toBe(true);
  });

  test('counts agents that nobody expects for nothing', () => {
    const stranger = status('host9', { ready: false, message: 'stranger' });
    expect(judged([HOST1, HOST2, reflector(), stranger])).toMatchObject({ converged: true, missing: [] });
  });
});

test('only the first few things that are missing are told', () => {
  const names = Array.from({ length: 20 }, (_, i) => `host${i}`);
  const statuses = new Map(names.map((name) => [name, status(name)]));
  const { missing, routes } = judge(names, statuses);
  expect(missing).toHaveLength(5);
  expect(routes).toEqual({ done: 0, total: 380 });
});

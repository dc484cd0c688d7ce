import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectAgent, connectLab, listNodes } from '../../../agents/control/client.ts';
import { INSPECTIONS, type LabInfo } from '../../../agents/control/routes.ts';
import { ControlError } from '../../../agents/control/transport.ts';
import type { AgentControl, PingRequest } from '../../../agents/control/types.ts';
import { fakeAgent, never, Scene, STATUS } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.close());

const PING: PingRequest = {
  pod: 'default/a',
  destination: '10.65.0.2',
  count: 2,
  intervalMs: 0,
  timeoutMs: 1000,
  size: 56,
  ttl: 64,
};

describe('inspection', () => {
  test('every question reaches its method, and its answer comes back', async () => {
    const answers = Object.fromEntries(
      INSPECTIONS.map((what) => [what, async () => [{ answer: what, node: 'host1' }]]),
    ) as unknown as Partial<AgentControl>;
    const agent = await scene.agent(answers);
    for (const what of INSPECTIONS) expect(await agent[what]()).toEqual([{ answer: what, node: 'host1' }]);
  });

  test('names of nodes need not be fit for a path', async () => {
    await scene.serve([fakeAgent('a/b %c', { status: async () => ({ ...STATUS, node: 'a/b %c' }) })]);
    expect(await listNodes(scene.endpoint)).toEqual(['a/b %c']);
    expect((await connectAgent(scene.endpoint, 'a/b %c').status()).node).toBe('a/b %c');
  });

  test('big integers travel as decimal strings', async () => {
    await scene.serve([fakeAgent('host1', { store: async () => [{ modRevision: 2n ** 63n }] as never })]);
    const { json } = await scene.http('GET', '/v1/nodes/host1/store');
    expect(json).toEqual([{ modRevision: '9223372036854775808' }]);
  });

  test('an agent that fails is one line with status 500', async () => {
    const agent = await scene.agent({});
    await expect(agent.bgp()).rejects.toEqual(new ControlError(500, 'host1 has no bgp'));
  });
});

describe('the lab', () => {
  test('info, down and actions reach it', async () => {
    const calls: string[] = [];
    const info = { name: 'x', nodes: [] } as unknown as LabInfo;
    await scene.serve([], {
      info: async () => info,
      down: async () => void calls.push('down'),
      node: async (name, action) => void calls.push(`${action} ${name}`),
    });
    const lab = connectLab(scene.endpoint);
    expect(await lab.info()).toEqual(info);
    await lab.node('host 1', 'kill');
    await lab.node('host2', 'start');
    await lab.down();
    expect(calls).toEqual(['kill host 1', 'start host2', 'down']);
    expect(await scene.http('POST', '/v1/lab/host1/explode')).toEqual({
      status: 404,
      json: { error: 'no such lab action: explode' },
    });
    expect(await scene.http('GET', '/v1/lab/down')).toEqual({
      status: 405,
      json: { error: '/v1/lab/down takes POST, not GET' },
    });
  });

  test('a socket of nodes only says so', async () => {
    await scene.serve([]);
    await expect(connectLab(scene.endpoint).info()).rejects.toThrow('this socket serves nodes only, no lab');
  });
});

describe('requests that cannot be answered', () => {
  test.each([
    ['GET', '/', 404, 'no such path: /'],
    ['GET', '/v2/nodes', 404, 'no such path: /v2/nodes'],
    ['GET', '/v1/pods', 404, 'no such path: /v1/pods'],
    ['GET', '/v1/nodes/host1/bgp/more', 404, 'no such BGP action: more'],
    ['GET', '/v1/nodes/host9/bgp', 404, 'no running node host9; running: host1, host2'],
    ['GET', '/v1/nodes/host1/everything', 404, 'no such action: everything'],
    ['GET', '/v1/nodes/%zz/bgp', 400, 'path with a wrong percent code: /v1/nodes/%zz/bgp'],
    ['DELETE', '/v1/nodes', 405, '/v1/nodes takes GET, not DELETE'],
    ['POST', '/v1/nodes/host1/bgp', 405, '/v1/nodes/host1/bgp takes GET, not POST'],
    ['GET', '/v1/nodes/host1/ping', 405, '/v1/nodes/host1/ping takes POST, not GET'],
  ])('%s %s is %i', async (method, path, status, error) => {
    await scene.serve([fakeAgent('host1'), fakeAgent('host2')]);
    expect(await scene.http(method, path)).toEqual({ status, json: { error } });
  });

  test('no node at all', async () => {
    await scene.serve([]);
    await expect(connectAgent(scene.endpoint, 'host1').status()).rejects.toEqual(
      new ControlError(404, 'no running node host1; running: none'),
    );
  });

  test.each([
    ['ping', '{', 'request body is no JSON'],
    ['ping', '[]', '(root): expected an object, got []'],
    ['ping', 'null', '(root): expected an object, got null'],
    ['ping', '{}', 'pod: expected text, got nothing'],
    ['ping', JSON.stringify({ ...PING, count: 0 }), 'count: expected an integer from 1 to'],
    ['ping', JSON.stringify({ ...PING, destination: 'web' }), 'destination: expected an IPv4 address'],
    ['ping', JSON.stringify({ ...PING, size: 65508 }), 'size: expected an integer from 0 to 65507'],
    ['ping', JSON.stringify({ ...PING, timeoutMs: 0 }), 'timeoutMs: expected milliseconds from 1'],
    ['ping', JSON.stringify({ ...PING, intervalMs: '1' }), 'intervalMs: expected milliseconds from 0'],
    ['ping', JSON.stringify({ ...PING, df: true }), 'df: unknown field, expected one of pod, destination'],
    ['trace', '{"protocol":"sctp"}', 'protocol: expected one of icmp, udp, tcp, got "sctp"'],
    ['trace', '{"a":"fd00::1"}', 'a: expected an IPv4 address, got "fd00::1"'],
    ['capture', '{}', 'underlay: expected true or false, got nothing'],
    ['capture', '{"underlay":true,"pods":"a"}', 'pods: expected a list, got "a"'],
    ['exec', '{"pod":"a","command":"ping"}', 'command: expected a list, got "ping"'],
    ['exec', '{"pod":"a","command":[],"input":"?"}', 'input: expected base64, got "?"'],
  ])('%s with the body %s is 400', async (action, body, error) => {
    await scene.serve([fakeAgent('host1')]);
    const { status, json } = await scene.http('POST', `/v1/nodes/host1/${action}`, body);
    expect((json as { error: string }).error).toContain(error);
    expect(status).toBe(400);
  });

  test('a body above 1 MiB is refused', async () => {
    await scene.serve([fakeAgent('host1')]);
    const body = JSON.stringify({ pod: 'x'.repeat(1 << 20) });
    expect(await scene.http('POST', '/v1/nodes/host1/exec', body)).toEqual({
      status: 413,
      json: { error: 'request body above 1 MiB' },
    });
  });
});

describe('nobody there', () => {
  test('an error that names the socket', async () => {
    const agent = connectAgent(scene.endpoint, 'host1');
    await expect(agent.status()).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining(`cannot reach ${scene.path}: connect ENOENT`),
    });
    await expect(agent.ping(PING, () => undefined, never())).rejects.toMatchObject({ status: 0 });
  });

  test('a server that goes away in the middle of an answer', async () => {
    const asked = Promise.withResolvers<void>();
    const server = await scene.serve([
      fakeAgent('host1', {
        bgp: async () => {
          asked.resolve();
          return new Promise(() => undefined);
        },
      }),
    ]);
    const answer = connectAgent(scene.endpoint, 'host1').bgp();
    const failure = expect(answer).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('cannot reach'),
    });
    await asked.promise;
    await server.close();
    await failure;
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeAgent } from '../../../agents/node/node-agent.ts';
import { emulatedPods } from '../../../agents/pod/emulated.ts';
import type { PodFactory } from '../../../agents/pod/types.ts';
import type { TcpListener, TcpPort } from '../../../agents/ports.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { podSpec, SimLab } from './sim-lab.ts';

let lab: SimLab;
beforeEach(async () => {
  lab = new SimLab();
  await lab.pool();
});
afterEach(() => lab.close());

const never = (): AbortSignal => new AbortController().signal;
const BGP = { address: '127.9.0.1', port: 179 };

/** A factory that keeps count of the pods that are open. */
function counted(): { readonly factory: PodFactory; readonly open: Set<string> } {
  const open = new Set<string>();
  const inner = emulatedPods(lab.clock);
  const factory: PodFactory = {
    create: async (spec, network) => {
      const pod = await inner.create(spec, network);
      open.add(spec.name);
      const close = (): void => {
        open.delete(spec.name);
        pod.close();
      };
      return { ...pod, device: pod.device, close };
    },
  };
  return { factory, open };
}

/** TCP of a node whose listening takes 2 ms. */
function slowListen(index: number): TcpPort {
  const tcp = lab.net.tcp(`127.9.0.${index}`);
  const listen: TcpPort['listen'] = async (...args) => {
    await new Promise<void>((resolve) => lab.clock.setTimer(2, resolve));
    return tcp.listen(...args);
  };
  return { ...tcp, listen };
}

/** Nothing of an agent is left: no port, no timer. */
async function expectNothingLeft(): Promise<void> {
  await lab.clock.pass(5000);
  expect(lab.net.bound).toEqual([]);
  expect(lab.clock.pending).toBe(0);
}

/** A client of the store, and how many watches of it run. */
function watched(client: KvClient): { readonly kv: KvClient; readonly watching: () => number } {
  let running = 0;
  const watch: KvClient['watch'] = (...args) => {
    running++;
    const inner = client.watch(...args);
    return {
      cancel: () => {
        running--;
        inner.cancel();
      },
    };
  };
  return { kv: { ...client, watch }, watching: () => running };
}

describe('start that fails in the middle', () => {
  test('BGP port taken: one line, and nothing is left', async () => {
    const other = await lab.net.tcp('127.9.0.1').listen(BGP, () => undefined);
    const agent = lab.agent('host1', 1, { pods: [podSpec('a')] });
    await expect(lab.clock.outcome(agent.start())).rejects.toThrow(
      'listen on 127.9.0.1 179: address already in use',
    );
    expect(await agent.status()).toMatchObject({ ready: false, message: 'starting' });
    await lab.clock.outcome(agent.stop());
    expect(lab.net.bound).toEqual(['127.9.0.1 179']);
    await other.close();
    await expectNothingLeft();
    // The next agent of the node has nothing to fear of this one.
    const again = await lab.host('host1', 1, [podSpec('a')]);
    expect((await again.status()).ready).toBe(true);
  });

  test('VXLAN port taken', async () => {
    const udp = lab.net.udp('127.9.0.1');
    const other = await udp.bind({ address: '127.9.0.1', port: 4789 }, {}, () => undefined);
    const agent = lab.agent('host1', 1);
    await expect(lab.clock.outcome(agent.start())).rejects.toThrow('bind UDP 127.9.0.1 4789');
    await lab.clock.outcome(agent.stop());
    await other.close();
    await expectNothingLeft();
  });

  test('no pool, no block', async () => {
    await lab.resources.delete('IPPool', 'default');
    const agent = lab.agent('host1', 1);
    await expect(lab.clock.outcome(agent.start())).rejects.toThrow('there is no enabled IPv4 pool');
    await lab.clock.outcome(agent.stop());
    await expectNothingLeft();
  });

  test('a pod that cannot be made; those that could are closed', async () => {
    const { factory, open } = counted();
    const pods = {
      emulated: factory,
      linux: {
        create: async () => {
          throw new Error('no /dev/net/tun');
        },
      },
    };
    const wanted = [podSpec('a'), podSpec('b', { kind: 'linux' }), podSpec('c')];
    const agent = lab.agent('host1', 1, { pods: wanted }, { pods });
    await expect(lab.clock.outcome(agent.start())).rejects.toThrow('no /dev/net/tun');
    await lab.clock.outcome(agent.stop());
    expect([...open]).toEqual([]);
    await expectNothingLeft();
  });

  test('the store goes away', async () => {
    const agent = lab.agent('host1', 1);
    const starting = agent.start();
    starting.catch(() => undefined);
    await lab.store.close();
    await expect(lab.clock.outcome(starting)).rejects.toThrow('closed');
    await lab.clock.outcome(agent.stop());
    await expectNothingLeft();
  });
});

describe('stop while it starts', () => {
  /** Turns of the loop until an agent of one pod is up; each of its requests to the store takes one. */
  async function startSlowly(
    agentName: string,
    index: number,
  ): Promise<{
    readonly agent: NodeAgent;
    readonly starting: Promise<void>;
    readonly open: Set<string>;
  }> {
    const { factory, open } = counted();
    const kv = lab.store.client();
    const slow =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await new Promise<void>((resolve) => lab.clock.setTimer(1, resolve));
        return call(...args);
      };
    const client = { ...kv, range: slow(kv.range), put: slow(kv.put), txn: slow(kv.txn) };
    const slowFactory: PodFactory = { create: slow(factory.create.bind(factory)) };
    const pods = { emulated: slowFactory, linux: slowFactory };
    const tcp = slowListen(index);
    const wanted = [podSpec('a'), podSpec('b')];
    const agent = lab.agent(agentName, index, { pods: wanted }, { kv: client, pods, tcp });
    const starting = agent.start();
    starting.catch(() => undefined);
    return { agent, starting, open };
  }

  test('after any of its steps nothing is left, and start rejects', async () => {
    for (let after = 0; ; after++) {
      const { agent, starting, open } = await startSlowly(`host${after}`, after + 1);
      let finished = false;
      const finish = (): void => {
        finished = true;
      };
      starting.then(finish, () => undefined);
      await lab.clock.pass(after);
      const stopped = agent[after % 2 === 0 ? 'stop' : 'kill']();
      await lab.clock.outcome(stopped);
      await lab.clock.pass(1000);
      expect([...open]).toEqual([]);
      await expectNothingLeft();
      if (finished) {
        // Every request to the store and every pod was a step.
        expect(after).toBeGreaterThan(15);
        return;
      }
      await expect(starting).rejects.toThrow(`host${after} was stopped while it started`);
    }
  });
});

describe('stop', () => {
  test('ends everything that runs on the agent', async () => {
    const { factory, open } = counted();
    const pods = { emulated: factory, linux: factory };
    const { kv, watching } = watched(lab.store.client());
    const agent = lab.agent('host1', 1, { pods: [podSpec('a')] }, { pods, kv });
    await lab.clock.outcome(agent.start());
    const host2 = await lab.host('host2', 2);
    await lab.becomes('host1 1/1 1', 'host2 1/1 1');
    await lab.clock.outcome(host2.stop());
    expect([[...open], watching()]).toEqual([['a'], 6]);
    const running = [
      agent.watchStatus(() => undefined, never()),
      agent.trace({}, () => undefined, never()),
      agent.capture({ underlay: true }, () => undefined, never()),
    ];
    await lab.clock.outcome(agent.stop());
    await lab.clock.outcome(Promise.all(running));
    expect([[...open], watching()]).toEqual([[], 0]);
    // A process ends when no timer runs; only what is on the wire still arrives.
    await lab.clock.pass(2);
    expect(lab.clock.pending).toBe(0);
    expect(await agent.status()).toMatchObject({
      ready: false,
      message: 'stopped',
      sessions: { established: 0 },
    });
    await expectNothingLeft();
    // What is asked afterwards ends at once.
    await agent.watchStatus(() => undefined, never());
    await agent.trace({}, () => undefined, never());
    await agent.capture({ underlay: true }, () => undefined, never());
    const ping = {
      pod: 'default/a',
      destination: '10.65.0.1',
      count: 1,
      intervalMs: 0,
      timeoutMs: 1,
      size: 0,
      ttl: 64,
    };
    await expect(agent.ping(ping, () => undefined, never())).rejects.toThrow('it runs: none');
  });

  test('twice, or after kill, is once', async () => {
    const agent = await lab.host('host1', 1);
    const first = agent.kill();
    expect(agent.stop()).toBe(first);
    await lab.clock.outcome(first);
    expect(lab.log.filter(([, message]) => message === 'node down')).toHaveLength(1);
  });

  test('of an agent that was never started', async () => {
    const agent = lab.agent('host1', 1);
    await lab.clock.outcome(agent.stop());
    await expect(lab.clock.outcome(agent.start())).rejects.toThrow('host1 was stopped while it started');
    await expectNothingLeft();
  });

  test('hears no change of the cluster any more', async () => {
    const agent = await lab.host('host1', 1);
    await lab.clock.outcome(agent.stop());
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await expectNothingLeft();
  });
});

describe('watchStatus', () => {
  test('tells changes of one turn once, until it is aborted', async () => {
    const agent = await lab.host('host1', 1);
    const told: number[] = [];
    const abort = new AbortController();
    const watch = agent.watchStatus(({ sessions }) => told.push(sessions.total), abort.signal);
    expect(told).toEqual([0]);
    await lab.host('host2', 2);
    await lab.clock.pass(500);
    expect(told.at(-1)).toBe(1);
    expect(told.length).toBeLessThan(25);
    abort.abort();
    await watch;
    const before = told.length;
    await lab.host('host3', 3);
    await lab.clock.pass(500);
    expect(told).toHaveLength(before);
  });

  test('twice with one listener is two watches', async () => {
    const agent = await lab.host('host1', 1);
    let told = 0;
    const listener = (): void => void told++;
    const aborts = [new AbortController(), new AbortController()];
    const watches = aborts.map(({ signal }) => agent.watchStatus(listener, signal));
    aborts[0]!.abort();
    await watches[0];
    told = 0;
    await lab.host('host2', 2);
    await lab.clock.pass(500);
    expect(told).toBeGreaterThan(0);
    aborts[1]!.abort();
    await watches[1];
  });

  test('a listener that throws at once is not called again', async () => {
    const agent = await lab.host('host1', 1);
    let calls = 0;
    const watch = agent.watchStatus(() => {
      calls++;
      throw new Error('listener');
    }, never());
    await expect(watch).rejects.toThrow('listener');
    await lab.host('host2', 2);
    await lab.clock.pass(500);
    expect(calls).toBe(1);
  });
});

test('a speaker that finds its port taken when it is replaced says so, and tries until it is free', async () => {
  let thief: TcpListener | undefined;
  const tcp = lab.net.tcp('127.9.0.1');
  let listens = 0;
  const agent = lab.agent(
    'host1',
    1,
    {},
    {
      tcp: {
        ...tcp,
        listen: async (local, accept) => {
          if (++listens === 2) thief = await tcp.listen(local, () => undefined);
          return tcp.listen(local, accept);
        },
      },
    },
  );
  await lab.clock.outcome(agent.start());
  await lab.host('host2', 2);
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
  await lab.clock.pass(2500);
  expect(await agent.status()).toMatchObject({
    ready: false,
    message: 'listen on 127.9.0.1 179: address already in use',
    sessions: { total: 0 },
    reachable: [],
  });
  expect(listens).toBe(4);
  await thief!.close();
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  expect(await agent.status()).toMatchObject({ ready: true, message: '', asn: 65001 });
});

describe('a cluster that changes while the speaker begins to listen', () => {
  test('at the start', async () => {
    // A reflector writes nothing afterwards that would make it look again.
    const agent = lab.agent('rr1', 1, { kind: 'route-reflector' }, { tcp: slowListen(1) });
    const starting = agent.start();
    await lab.clock.pass(1);
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await lab.clock.outcome(starting);
    await lab.clock.pass(10);
    expect((await agent.status()).asn).toBe(65001);
  });

  test('after another change', async () => {
    const agent = lab.agent('host1', 1, {}, { tcp: slowListen(1) });
    await lab.clock.outcome(agent.start());
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await lab.clock.pass(1);
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65002 });
    await lab.clock.pass(10);
    expect((await agent.status()).asn).toBe(65002);
  });

  test('and stops meanwhile', async () => {
    const agent = lab.agent('host1', 1, {}, { tcp: slowListen(1) });
    await lab.clock.outcome(agent.start());
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await lab.clock.pass(1);
    await lab.clock.outcome(agent.stop());
    await expectNothingLeft();
  });

  test('and stops while it waits to try again', async () => {
    const tcp = lab.net.tcp('127.9.0.1');
    let listens = 0;
    const listen: TcpPort['listen'] = async (...args) => {
      if (++listens > 1) throw new Error('no');
      return tcp.listen(...args);
    };
    const agent = lab.agent('host1', 1, {}, { tcp: { ...tcp, listen } });
    await lab.clock.outcome(agent.start());
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await lab.clock.pass(10);
    expect(await agent.status()).toMatchObject({ ready: false, message: 'no' });
    await lab.clock.outcome(agent.stop());
    expect([lab.clock.pending, lab.net.bound]).toEqual([0, []]);
    await lab.clock.pass(5000);
    expect(listens).toBe(2);
  });
});

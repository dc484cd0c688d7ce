import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FdServer } from '../../agents/io/linux/scm-rights.ts';
import { servePodSocket } from '../../agents/pod/socket.ts';
import type { Pod, PodNetwork, PodSpec } from '../../agents/pod/types.ts';
import type { Log } from '../../agents/ports.ts';
import { requireTool, root } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { answerPings } from './linux-responder.ts';

const privileged = root();
const ENTRY = fileURLToPath(new URL('../../bin/podwire.mjs', import.meta.url));
const WEB: PodSpec = { namespace: 'default', name: 'web', labels: {}, kind: 'linux' };
const NETWORK: PodNetwork = {
  address: '192.168.10.7',
  mac: '02:00:00:00:00:07',
  mtu: 1450,
  gateway: '169.254.1.1',
};

let folder: string;
let socket: string;
let servers: FdServer[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-podsocket-'));
  socket = join(folder, 'pods.sock');
  servers = [];
  children = [];
});

afterEach(async () => {
  for (const server of servers) server.close();
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true });
});

const silent: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** An agent as its pod socket knows it: it decides the network and has one pod of a name. */
class Agent {
  readonly running = new Map<string, Pod>();
  changes = 0;
  readonly #server: FdServer;

  constructor(network: PodNetwork = NETWORK) {
    const release = (spec: PodSpec, pod: Pod): boolean => {
      if (this.running.get(spec.name) !== pod) return false;
      this.running.delete(spec.name);
      pod.close();
      return true;
    };
    this.#server = servePodSocket({
      path: socket,
      node: 'host1',
      specs: [WEB],
      pods: {
        network: async () => network,
        adopt: async (spec, _network, pod) => {
          const before = this.running.get(spec.name);
          if (before !== undefined) release(spec, before);
          this.running.set(spec.name, pod);
          answerPings(pod.device);
        },
        release,
      },
      onChange: () => {
        this.changes++;
      },
      log: silent,
    });
    servers.push(this.#server);
  }

  get pod(): Pod {
    return this.running.get('web')!;
  }

  stop(): void {
    this.#server.close();
    for (const pod of this.running.values()) pod.close();
  }
}

interface PodProcess {
  readonly child: ChildProcess;
  /** Resolves with a log line of that message, from now on. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** What a command in its namespace prints. */
  run(command: string, ...args: string[]): Promise<string>;
  readonly stderr: () => string;
}

/** A container's process: podwire pod in a network namespace of its own. */
function startPod(name: string): PodProcess {
  const child = spawn(
    requireTool('unshare'),
    ['--net', process.execPath, ENTRY, 'pod', '--pod', name, '--agent-socket', socket],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  children.push(child);
  let stderr = '';
  const lines = createInterface({ input: child.stderr! });
  const waiting: { message: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  lines.on('line', (line) => {
    stderr += `${line}\n`;
    if (!line.startsWith('{')) return;
    const entry = JSON.parse(line) as Record<string, unknown>;
    for (const each of [...waiting]) {
      if (each.message !== entry.msg) continue;
      waiting.splice(waiting.indexOf(each), 1);
      each.resolve(entry);
    }
  });
  return {
    child,
    logged: (message) => new Promise((resolve) => waiting.push({ message, resolve })),
    run: async (command, ...args) => {
      const target = ['--target', String(child.pid), '--net', requireTool(command), ...args];
      const inside = spawn(requireTool('nsenter'), target, { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      inside.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      await once(inside, 'close');
      return output;
    },
    stderr: () => stderr,
  };
}

describe.skipIf(privileged.missing)(privileged.title('pods over a Unix socket'), () => {
  test('the socket is for owner and group', () => {
    new Agent();
    expect(statSync(socket).mode & 0o777).toBe(0o660);
  });

  test('a pod that is there first waits for its agent, gets its network and can be pinged from', async () => {
    const pod = startPod('default/web');
    expect(await pod.logged('waiting for the agent')).toMatchObject({
      error: expect.stringContaining('no such file or directory (ENOENT)'),
    });
    const up = pod.logged('pod up');
    const agent = new Agent();
    expect(await up).toMatchObject({ pod: 'default/web', ...NETWORK });
    expect(agent.changes).toBe(1);
    const address = await pod.run('ip', '-oneline', '-4', 'address', 'show', 'dev', 'eth0');
    expect(address).toContain('inet 192.168.10.7/32');
    expect(await pod.run('ip', 'route')).toMatch(/^default via 169\.254\.1\.1 dev eth0/);
    expect(await pod.run('ping', '-c', '1', '-W', '5', '10.1.2.3')).toContain('1 received');
    const reply = new Promise((resolve) => agent.pod.echo.onReply(resolve));
    agent.pod.echo.send('10.1.2.3', 4, 2, new Uint8Array(8), 64, false);
    expect(await reply).toMatchObject({ from: '10.1.2.3', type: 0, id: 4, sequence: 2 });
  });

  test('between two agents eth0 stays as it is', async () => {
    const first = new Agent();
    const pod = startPod('web');
    await pod.logged('pod up');
    const before = await pod.run('ip', '-4', 'address', 'show', 'dev', 'eth0');
    const gone = pod.logged('the agent is gone, waiting for the next');
    first.stop();
    await gone;
    const up = pod.logged('pod up');
    new Agent();
    await up;
    expect(await pod.run('ip', '-4', 'address', 'show', 'dev', 'eth0')).toBe(before);
    expect(await pod.run('ping', '-c', '1', '-W', '5', '10.1.2.3')).toContain('1 received');
  });

  test('where the next agent gives another address, eth0 is made anew', async () => {
    const first = new Agent();
    const pod = startPod('web');
    await pod.logged('pod up');
    const up = pod.logged('pod up');
    first.stop();
    new Agent({ ...NETWORK, address: '192.168.10.9' });
    expect(await up).toMatchObject({ address: '192.168.10.9' });
    const shown = await pod.run('ip', '-oneline', '-4', 'address', 'show', 'dev', 'eth0');
    expect(shown.match(/inet \S+/g)).toEqual(['inet 192.168.10.9/32']);
    expect(await pod.run('ping', '-c', '1', '-W', '5', '10.1.2.3')).toContain('1 received');
  });

  test('the agent lets a pod go that dies, and takes the next one of its name', async () => {
    const agent = new Agent();
    const first = startPod('web');
    await first.logged('pod up');
    first.child.kill('SIGKILL');
    await until('the pod is gone', () => agent.running.size === 0);
    expect(agent.changes).toBe(2);
    const second = startPod('web');
    await second.logged('pod up');
    const held = agent.pod;
    const third = startPod('web');
    await third.logged('pod up');
    expect(agent.pod).not.toBe(held);
    expect(agent.running.size).toBe(1);
    // The end of the one that was replaced changes nothing.
    const ended = once(second.child, 'exit');
    second.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await third.run('ping', '-c', '1', '-W', '5', '10.1.2.3')).toContain('1 received');
    expect(agent.running.size).toBe(1);
  });

  test('a pod that the lab file has not is told so and ends', async () => {
    new Agent();
    const pod = startPod('default/nope');
    expect(await once(pod.child, 'close')).toEqual([1, null]);
    expect(pod.stderr()).toBe(
      `podwire: cannot hand 2 file descriptors to ${socket}: refused: the lab file has no pod default/nope on host1, expected one of default/web\n`,
    );
    expect(existsSync(socket)).toBe(true);
  });
});

// The compose lab as the tests drive it.
import { fileURLToPath } from 'node:url';
import { DockerComposeEnvironment } from 'testcontainers';
import { expect } from 'vitest';
import { connectAgent } from '../../agents/control/client.ts';
import type { AgentControl, AgentStatus } from '../../agents/control/types.ts';
import { until } from '../support/until.ts';
import { disableChecksumOffload } from './capture.ts';
import { containerOf, docker, execIn, findCompose } from './compose.ts';

// No second container that cleans up: it would have to be pulled, and the test cleans up itself.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
// The lab publishes no port, so nobody needs the daemon's address, which testcontainers else reads from Docker's default
// bridge; a daemon may run without one.
process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';

export const PROJECT = 'podwire-test';
export const FILE = 'docker-compose.lab.yml';
export const BRIDGE = 'podwire0';
export const FOLDER: string = fileURLToPath(new URL('../..', import.meta.url));
export const HOSTS: readonly string[] = ['host1', 'host2', 'host3'];
export const REFLECTORS: readonly string[] = ['rr1', 'rr2'];
export const PODS: readonly string[] = ['web-1', 'web-2', 'web-3', 'client-1', 'client-2', 'client-3'];

/** The compose project; an image named by the environment is taken as it is, else it is built from the tree. */
export function environment(): DockerComposeEnvironment {
  const lab = new DockerComposeEnvironment(FOLDER, FILE)
    .withProjectName(PROJECT)
    .withClientOptions(findCompose()!.clientOptions)
    .withAutoCleanup(false)
    .withStartupTimeout(180_000);
  return process.env.PODWIRE_IMAGE === undefined ? lab.withBuild() : lab;
}

/** Containers of services whose kernel sockets talk on the bridge, with full checksums from now on. */
export async function finishChecksums(services: readonly string[]): Promise<void> {
  for (const service of services) {
    const container = await containerOf(PROJECT, service);
    await disableChecksumOffload(await docker('inspect', '--format', '{{.State.Pid}}', container));
  }
}

/** The control interface of a node's agent, through docker exec. */
export async function agentOf(node: string): Promise<AgentControl> {
  return connectAgent({ kind: 'docker', container: await containerOf(PROJECT, node) }, node);
}

/** Resolves with an agent's status when it is as wanted, as the agent itself tells it. */
export async function statusWhen(
  node: string,
  wanted: (status: AgentStatus) => boolean,
): Promise<AgentStatus> {
  const found = Promise.withResolvers<AgentStatus>();
  const enough = new AbortController();
  const watching = (await agentOf(node)).watchStatus((status) => {
    if (wanted(status)) found.resolve(status);
  }, enough.signal);
  try {
    return await Promise.race([
      found.promise,
      watching.then(() => Promise.reject(new Error(`${node}: the agent ended`))),
    ]);
  } finally {
    enough.abort();
    await watching;
  }
}

/** Resolves when the container's health check says that all is well. */
export async function healthy(service: string): Promise<void> {
  const container = await containerOf(PROJECT, service);
  const ask = (): Promise<string> => docker('inspect', '--format', '{{.State.Health.Status}}', container);
  await until(`${service} is healthy`, async () => (await ask()) === 'healthy', 60_000);
}

/** The pod's address as its own kernel has it. */
export async function addressOf(pod: string): Promise<string> {
  const shown = await execIn(
    await containerOf(PROJECT, pod),
    'ip',
    '-json',
    '-4',
    'address',
    'show',
    'dev',
    'eth0',
  );
  const [link] = JSON.parse(shown.stdout) as { addr_info: { local: string; prefixlen: number }[] }[];
  expect(link?.addr_info).toMatchObject([{ prefixlen: 32 }]);
  return link!.addr_info[0]!.local;
}

/** What a pod gets for a URL, fetched by a process inside the pod. */
export async function fetchFrom(pod: string, url: string): Promise<string> {
  const script = `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(10_000) })
    .then((response) => response.text()).then((text) => process.stdout.write(text))`;
  const { code, stdout, stderr } = await execIn(await containerOf(PROJECT, pod), 'node', '--eval', script);
  if (code !== 0) throw new Error(`${pod}: ${url}: ${stderr}`);
  return stdout;
}

/** A call of the store's etcd API, from inside its container. Rejects with its answer where it refuses. */
export async function storeCall(method: 'put' | 'deleterange', body: object): Promise<void> {
  const url = `http://127.0.0.1:2379/v3/kv/${method}`;
  const script = `fetch(${JSON.stringify(url)}, { method: 'POST', body: ${JSON.stringify(JSON.stringify(body))} })
    .then(async (response) => { if (!response.ok) throw new Error(await response.text()); })`;
  const { code, stderr } = await execIn(await containerOf(PROJECT, 'store'), 'node', '--eval', script);
  if (code !== 0) throw new Error(`${url}: ${stderr}`);
}

import type { AgentControl, PingResult, TraceStepRow } from '../../agents/control/types.ts';
import { type PacketPath, packetPaths } from './hops.ts';
import { allPods, type FoundPod, podAddress } from './targets.ts';

/** How long steps may take to arrive after the reply did, ms. */
const GRACE = 500;

/** Two pods on different hosts, or `undefined` where the lab has none. */
export async function choosePods(
  nodes: readonly AgentControl[],
): Promise<readonly [FoundPod, FoundPod] | undefined> {
  const pods = (await allPods(nodes)).filter(({ pod }) => pod.ready && pod.addresses.length > 0);
  const first = pods[0];
  const second = pods.find(({ pod }) => pod.node !== first?.pod.node);
  return first === undefined || second === undefined ? undefined : [first, second];
}

/** Sends one ping and gathers what all nodes say about its request and its reply. */
export async function tracedPing(
  nodes: readonly AgentControl[],
  from: FoundPod,
  to: FoundPod,
): Promise<{ readonly result: PingResult | undefined; readonly paths: readonly PacketPath[] }> {
  const [a, b] = [podAddress(from), podAddress(to)];
  const rows: TraceStepRow[] = [];
  const stop = new AbortController();
  const complete = Promise.withResolvers<void>();
  const onStep = (row: TraceStepRow): void => {
    rows.push(row);
    if (row.at === 'deliver' && row.fields.workload === from.key && row.source === b) complete.resolve();
  };
  const traces: Promise<void>[] = [];
  const armed = nodes.map((agent) => {
    const ready = Promise.withResolvers<void>();
    // An agent that cannot trace leaves a gap in the list, no more.
    const trace = agent.trace({ a, b, protocol: 'icmp' }, onStep, stop.signal, ready.resolve);
    traces.push(trace.catch(() => {}).finally(ready.resolve));
    return ready.promise;
  });
  try {
    await Promise.all(armed);
    const result = await pingOnce(from, b);
    if (result?.outcome === 'reply') await within(complete.promise, GRACE);
    return { result, paths: packetPaths(rows) };
  } finally {
    stop.abort();
    await Promise.all(traces);
  }
}

async function pingOnce(from: FoundPod, destination: string): Promise<PingResult | undefined> {
  let result: PingResult | undefined;
  const request = {
    pod: from.key,
    destination,
    count: 1,
    intervalMs: 1000,
    timeoutMs: 2000,
    size: 56,
    ttl: 64,
  };
  await from.agent.ping(request, (one) => (result = one), new AbortController().signal);
  return result;
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}

import { connectBgp } from './bgp-client.ts';
import type { ControlEndpoint, ExecLine, LabControl, LabInfo, NodeAction } from './routes.ts';
import { ControlError, call, lines, stream } from './transport.ts';
import type { AgentControl, AgentStatus, PingResult, TraceStepRow } from './types.ts';

/** Exit code of a command that we gave up on, as shells have it for SIGINT. */
const INTERRUPTED = 130;

/** Names of the nodes that answer at an endpoint. */
export async function listNodes(endpoint: ControlEndpoint): Promise<string[]> {
  return (await call(endpoint, 'GET', '/v1/nodes')) as string[];
}

/** The control interface of one node over HTTP: the same methods as in its process. */
export function connectAgent(endpoint: ControlEndpoint, node: string): AgentControl {
  const base = `/v1/nodes/${encodeURIComponent(node)}`;
  const get = <T>(what: string): Promise<T> => call(endpoint, 'GET', `${base}/${what}`) as Promise<T>;
  return {
    node,
    speaker: connectBgp(endpoint, node),
    status: () => get('status'),
    bgp: () => get('bgp'),
    rib: () => get('rib'),
    routes: () => get('routes'),
    fdb: () => get('fdb'),
    ipam: () => get('ipam'),
    pods: () => get('pods'),
    store: () => get('store'),
    watchStatus: (listener, signal) =>
      lines<AgentStatus>(endpoint, 'GET', `${base}/status?watch=1`, undefined, listener, signal),
    ping: (request, onResult, signal) =>
      lines<PingResult>(endpoint, 'POST', `${base}/ping`, request, onResult, signal),
    trace: (filter, onStep, signal, onReady) =>
      lines<TraceStepRow>(endpoint, 'POST', `${base}/trace`, filter, onStep, signal, onReady),
    capture: (filter, onBytes, signal, onReady) =>
      stream(endpoint, 'POST', `${base}/capture`, filter, onBytes, signal, onReady),
    async exec(pod, command, output, signal, input) {
      const stdin = input === undefined ? {} : { input: Buffer.from(input).toString('base64') };
      const body = { pod, command, ...stdin };
      let exit: number | undefined;
      const onLine = (line: ExecLine): void => {
        if ('exit' in line) exit = line.exit;
        else output(line.stream, Buffer.from(line.data, 'base64'));
      };
      await lines<ExecLine>(endpoint, 'POST', `${base}/exec`, body, onLine, signal);
      if (exit !== undefined) return exit;
      if (signal.aborted) return INTERRUPTED;
      throw new ControlError(0, `${node}: the command's end was not reported`);
    },
    stop: async () => {
      await call(endpoint, 'POST', `${base}/stop`);
    },
  };
}

/** The control interface of a lab's supervisor. */
export function connectLab(endpoint: ControlEndpoint): LabControl {
  return {
    info: () => call(endpoint, 'GET', '/v1/lab') as Promise<LabInfo>,
    down: async () => {
      await call(endpoint, 'POST', '/v1/lab/down');
    },
    node: async (name: string, action: NodeAction) => {
      await call(endpoint, 'POST', `/v1/lab/${encodeURIComponent(name)}/${action}`);
    },
  };
}

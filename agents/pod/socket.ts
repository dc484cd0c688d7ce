import { adoptEchoSocket, type EchoSocket } from '../io/linux/echo-socket.ts';
import { type FdSender, type FdServer, serveFds } from '../io/linux/scm-rights.ts';
import { adoptTap } from '../io/linux/tap.ts';
import type { Pods } from '../node/pods.ts';
import { type Log, PortError } from '../ports.ts';
import { linuxPod } from './linux.ts';
import { type PodHandOver, type PodHandOverAnswer, UNKNOWN_POD } from './socket-message.ts';
import { type PodSpec, podName } from './types.ts';

/** Who may use the socket: its owner and its group. */
const MODE = 0o660;

export interface PodSocketOptions {
  readonly path: string;
  /** The node's name, for messages. */
  readonly node: string;
  /** The pods that may come. */
  readonly specs: readonly PodSpec[];
  readonly pods: Pick<Pods, 'network' | 'adopt' | 'release'>;
  /** A pod came or went. */
  readonly onChange: () => void;
  readonly log: Log;
}

/**
 * Listens for pods of other containers (see socket-message.ts); a pod that comes back replaces the one that it was.
 * @throws PortError where the socket cannot be made.
 */
export function servePodSocket(options: PodSocketOptions): FdServer {
  return serveFds(options.path, (payload, fds, sender) => takeOver(options, payload, fds, sender), {
    mode: MODE,
  });
}

async function takeOver(
  options: PodSocketOptions,
  payload: object,
  fds: number[],
  sender: FdSender,
): Promise<PodHandOverAnswer> {
  const { pods, onChange, log } = options;
  const spec = specOf(options, payload);
  const [tap, icmp] = fds;
  if (tap === undefined || fds.length > 2) {
    throw new Error(`${fds.length} file descriptors, expected that of a TAP and at most an ICMP socket`);
  }
  const network = await pods.network(spec);
  const device = adoptTap(tap);
  const echo = icmp === undefined ? noEcho(spec) : adoptEchoSocket(icmp);
  // From here on they are closed with the pod.
  fds.length = 0;
  const pod = linuxPod(device, echo, { netns: null, uts: null }, () => {
    device.close();
    echo.close();
  });
  const release = (): boolean => {
    const released = pods.release(spec, pod);
    if (released) onChange();
    return released;
  };
  try {
    await pods.adopt(spec, network, pod);
  } catch (error) {
    release();
    throw error;
  }
  onChange();
  void sender.gone.then(() => {
    if (release()) log.warn({ pod: podName(spec) }, 'pod gone');
  });
  return network;
}

function specOf({ node, specs }: PodSocketOptions, payload: object): PodSpec {
  const { pod } = payload as Partial<PodHandOver>;
  const spec = specs.find((each) => podName(each) === pod);
  if (spec !== undefined) return spec;
  const known = specs.map(podName).join(', ');
  throw new PortError(
    UNKNOWN_POD,
    `the lab file has no pod ${String(pod)} on ${node}, expected one of ${known || 'none'}`,
  );
}

/** A pod whose container may not open ICMP sockets: it works, but cannot be told to ping. */
function noEcho(spec: PodSpec): EchoSocket {
  return {
    fd: -1,
    send: () => {
      throw new Error(`pod ${podName(spec)} may not open ICMP sockets (net.ipv4.ping_group_range)`);
    },
    onReply: () => undefined,
    close: () => undefined,
  };
}

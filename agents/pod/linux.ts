import type { EchoSocket } from '../io/linux/echo-socket.ts';
import { createLinuxPod } from '../io/linux/linux-pod.ts';
import type { FrameDevice } from '../ports.ts';
import { type EchoPort, type EchoReply, type Pod, type PodFactory, podName } from './types.ts';

/** Makes pods that are network namespaces of this machine. Needs root on Linux. */
export const linuxPods: PodFactory = {
  create: async (spec, network) => {
    const pod = createLinuxPod({ name: podName(spec), hostname: spec.name, ...network });
    const { netnsPath: netns, utsPath: uts } = pod;
    return linuxPod(pod.device, pod.echo, { netns, uts }, () => pod.close());
  },
};

/** A linux pod of a device and an echo socket, wherever they were opened. */
export function linuxPod(
  device: FrameDevice,
  socket: EchoSocket,
  paths: { readonly netns: string | null; readonly uts: string | null },
  close: () => void,
): Pod {
  let closed = false;
  const echo = sharedEcho(socket, () => closed);
  return {
    kind: 'linux',
    device,
    echo,
    ...paths,
    close: () => {
      closed = true;
      close();
    },
  };
}

/** An echo socket has one receiver; several pings may run at once. Nothing goes to a descriptor that is closed. */
function sharedEcho(socket: EchoSocket, isClosed: () => boolean): EchoPort {
  const listeners = new Set<(reply: EchoReply) => void>();
  socket.onReply(({ seq: sequence, ...reply }) => {
    for (const listener of listeners) listener({ sequence, ...reply });
  });
  return {
    send: (...request) => {
      // Its number may be another file's by now.
      if (isClosed()) throw new Error('network is down');
      socket.send(...request);
    },
    onReply: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

import type { PodRow } from '../../../agents/control/types.ts';
import type { Started, Workspace } from './workspace.ts';

/** Addresses of the lab's pods by name, as the agents say. */
export async function podAddresses(
  workspace: Workspace,
  lab?: string,
): Promise<Readonly<Record<string, string>>> {
  const name = lab === undefined ? [] : ['--name', lab];
  const pods = await workspace.json<readonly PodRow[]>([...name, 'inspect', 'pods']);
  return Object.fromEntries(pods.map((pod) => [pod.name, pod.addresses[0]!]));
}

/** HTTP server that answers with what was posted to it. */
const HTTP_ECHO = `require('http').createServer((request, response) => request.pipe(response))
  .listen(8080, () => console.log('listening'))`;

/** UDP server that answers each datagram with its sender's address, a space, and what it got. */
const UDP_ECHO = `const socket = require('dgram').createSocket('udp4');
socket.on('message', (data, from) => socket.send(from.address + ' ' + data, from.port, from.address));
socket.bind(9999, () => console.log('listening'));`;

/** Runs a server in a linux pod and resolves when it listens: HTTP on TCP 8080, or UDP 9999. */
export async function startServer(workspace: Workspace, pod: string, kind: 'http' | 'udp'): Promise<Started> {
  const program = kind === 'http' ? HTTP_ECHO : UDP_ECHO;
  const server = workspace.start(['exec', pod, '--', 'node', '-e', program]);
  await server.shows('listening');
  return server;
}

/** A place where SYNs stay unanswered: a listening socket whose queue is full and from which nobody accepts (Linux). */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Address } from './connection.ts';
import { Inconclusive } from './verdict.ts';

/**
 * Listens in a thread that then stands still, because Node accepts connections as long as its loop runs. The thread goes
 * on when the first word of `gate` is no longer 0.
 */
const THREAD = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((socket) => socket.destroy());
  server.on('error', (error) => parentPort.postMessage(error.code));
  server.listen({ host: workerData.address, port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage('listening');
    Atomics.wait(workerData.gate, 0, 0);
    process.exit();
  });
`;

/** Connections that fill a queue of length 1, and one more for good measure: the kernel lets one more in. */
const FILL = 3;

/**
 * Opens a black hole at a local address. @returns what closes it, after which somebody else can listen there.
 * @throws Inconclusive (as rejection) where the address cannot be listened on.
 */
export async function openBlackHole(local: Address): Promise<() => Promise<void>> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(THREAD, { eval: true, workerData: { ...local, gate } });
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const word = await new Promise<string>((resolve) => thread.once('message', resolve));
  if (word !== 'listening') {
    throw new Inconclusive(`cannot listen on ${local.address} port ${local.port}: ${word}`);
  }
  const fillers: Socket[] = [];
  for (let i = 0; i < FILL; i++) {
    const socket = connect({ host: local.address, port: local.port });
    socket.on('error', () => undefined);
    fillers.push(socket);
  }
  return async () => {
    for (const socket of fillers) socket.destroy();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await exited;
  };
}

import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { CliError } from './errors.ts';

/** Where the agents of a compose lab have it. */
const CONTROL_SOCKET = '/run/podwire/control.sock';

/** `podwire control-proxy [SOCKET]` */
export function register(program: Command, _context: CliContext): void {
  program
    .command('control-proxy')
    .description("join standard input and output to an agent's control socket, for docker exec")
    .argument('[socket]', 'Unix socket', CONTROL_SOCKET)
    .action(proxy);
}

/** Whoever closes first ends both: a streamed answer would otherwise go on for nobody. */
async function proxy(path: string): Promise<void> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new CliError(`no agent answers at ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  process.stdin.on('end', () => socket.destroy()).on('error', () => socket.destroy());
  process.stdin.pipe(socket, { end: false });
  socket.pipe(process.stdout, { end: false });
  // A reset by the agent is an end as well: what it means is for the other side to say.
  socket.on('error', () => socket.destroy());
  await new Promise((resolve) => socket.on('close', resolve));
  process.stdin.destroy();
}

import { request } from 'node:http';
import type { Command } from 'commander';
import type { AgentStatus } from '../../agents/control/types.ts';
import { portError, portErrorFrom } from '../../agents/io/errors.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';
import { CliError, UsageError } from './errors.ts';

interface Options extends GlobalOptions {
  readonly control?: string;
  readonly store?: string;
}

/** How long an agent or a store may take to answer, milliseconds. */
const PATIENCE = 5000;

/** `podwire health --control SOCKET | --store URL` */
export function register(program: Command, context: CliContext): void {
  program
    .command('health')
    .description('exit 0 where an agent has converged or a store answers, else 1 and what is missing')
    .option('--control <socket>', "the agent's control socket")
    .option('--store <url>', 'the store, such as http://127.0.0.1:2379')
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { control, store } = options;
      if ((control === undefined) === (store === undefined)) {
        throw new UsageError('expected either --control or --store');
      }
      say(context, options, control === undefined ? await storeHealth(store!) : await agentHealth(control));
    });
}

async function agentHealth(path: string): Promise<string> {
  const { connectAgent, listNodes } = await import('../../agents/control/client.ts');
  const endpoint = { kind: 'unix', path } as const;
  const [node] = await listNodes(endpoint);
  if (node === undefined) throw new CliError(`no agent runs at ${path}`);
  const status = await connectAgent(endpoint, node).status();
  const missing = missingFor(status);
  if (missing.length > 0) throw new CliError(`${node}: ${missing.join('; ')}`);
  const { sessions, reachable, pods } = status;
  return `${node}: converged, ${sessions.synced} sessions, ${reachable.length} remote blocks, ${pods.ready} pods`;
}

/**
 * What an agent lacks that every node of a converged lab has, as far as it can see itself: the other nodes, its pods, its
 * sessions with all their routes, and the way to every other block.
 */
export function missingFor(status: AgentStatus): string[] {
  const { kind, ready, message, awaited = [], sessions, pods, blocks, reachable, remoteBlocks } = status;
  const missing: string[] = [];
  if (!ready) missing.push(message);
  if (awaited.length > 0) missing.push(`not in the store yet: ${awaited.join(', ')}`);
  if (sessions.synced < sessions.total) {
    missing.push(`${sessions.synced} of ${sessions.total} BGP sessions Established with End-of-RIB`);
  }
  if (kind === 'route-reflector') return missing;
  if (pods.ready < pods.total && ready) missing.push(`${pods.ready} of ${pods.total} pods`);
  if (blocks.length === 0 && ready) missing.push('no block of its own');
  for (const { node, block } of remoteBlocks) {
    if (!reachable.includes(block)) missing.push(`no route to ${block} (${node})`);
  }
  return missing;
}

/** etcd's health endpoint. */
function storeHealth(store: string): Promise<string> {
  const url = `${store.replace(/\/$/, '')}/health`;
  if (!URL.canParse(url))
    throw new UsageError(`store ${store}: expected a URL such as http://127.0.0.1:2379`);
  return new Promise((resolve, reject) => {
    const asked = request(url, { timeout: PATIENCE }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve(`store ${store}: healthy`);
      else reject(new CliError(`store ${store} answers with HTTP ${response.statusCode}, expected 200`));
    });
    asked.on('timeout', () => asked.destroy(portError(`reach store ${store}`, 'ETIMEDOUT')));
    asked.on('error', (error) => reject(portErrorFrom(`reach store ${store}`, error)));
    asked.end();
  });
}

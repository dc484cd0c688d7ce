// `--bmp` of a lab: every node tells a collector of its sessions and routes.
import { afterEach, describe, expect, test } from 'vitest';
import { Workspace } from './support/workspace.ts';

const COLLECTOR = '127.0.0.1:21425';

interface BmpEvent {
  readonly event: string;
  readonly rib?: string;
  readonly prefix?: string;
  readonly router: { readonly sysName?: string };
}

/** Events so far; the last line may not be whole yet. */
function eventsOf(stdout: string): readonly BmpEvent[] {
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as BmpEvent);
}

/** Which nodes told of an event. */
function nodes(events: readonly BmpEvent[], kind: string): readonly (string | undefined)[] {
  return [...new Set(events.filter(({ event }) => event === kind).map(({ router }) => router.sysName))];
}

/** Prefixes for which a node told of a best route, each once: it may change while the sessions come up. */
function bestRoutes(events: readonly BmpEvent[]): ReadonlySet<string> {
  const best = events.filter(({ event, rib }) => event === 'announce' && rib === 'loc-rib');
  return new Set(best.map(({ router, prefix }) => `${router.sysName} ${prefix}`));
}

let workspace: Workspace | undefined;

afterEach(async () => {
  await workspace?.clean();
  workspace = undefined;
});

describe('BMP', () => {
  test('of a lab: a collector sees each node, its sessions and its best routes, and how they end', async () => {
    workspace = new Workspace('bmp');
    const collector = workspace.start(['--format', 'json', 'bmp', 'listen', '--listen', COLLECTOR]);
    await collector.shows(COLLECTOR);
    await workspace.ok(['up', '-d', '--bmp', COLLECTOR]);
    const seen = (
      wanted: string,
      count: (events: readonly BmpEvent[]) => number,
      times: number,
    ): Promise<void> => collector.prints(wanted, (stdout) => count(eventsOf(stdout)) === times);
    await seen('all nodes', (events) => nodes(events, 'initiation').length, 5);
    // The block of each host is reflected to everybody.
    await seen('three blocks at five nodes', (events) => bestRoutes(events).size, 15);

    await workspace.ok(['kill', 'host2']);
    await seen('host2 lost by its two reflectors', (events) => nodes(events, 'peer-down').length, 2);
    await workspace.ok(['down']);
    await seen('the end of all others', (events) => nodes(events, 'termination').length, 4);
    collector.child.kill('SIGINT');
    expect((await collector.ended).code).toBe(0);
  });

  test('takes the address of a collector, not a name', async () => {
    workspace = new Workspace('bmp-usage');
    const { code, stderr } = await workspace.podwire(['up', '--bmp', 'collector:11019']);
    expect(code).toBe(2);
    expect(stderr).toContain('Expected an IPv4 address and a port');
  });
});

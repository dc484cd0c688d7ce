// `podwire stop`, `start` and `kill`, the same in both runtimes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentStatus, NeighborRow } from '../../agents/control/types.ts';
import { root } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { podAddresses } from './support/pods.ts';
import { Workspace } from './support/workspace.ts';

const HOST = 'host2';

describe.each([
  ['local', { missing: false, title: (text: string) => text }],
  ['netns', root()],
] as const)('runtime %s', (runtime, needs) => {
  describe.skipIf(needs.missing)(needs.title('nodes of the default lab'), () => {
    let workspace: Workspace;

    beforeAll(async () => {
      workspace = new Workspace(`nodes-${runtime}`);
      await workspace.ok(['up', '-d', '--runtime', runtime]);
    });

    afterAll(() => workspace.clean());

    const statuses = async (): Promise<readonly AgentStatus[]> =>
      (await workspace.json<{ nodes: readonly AgentStatus[] }>(['inspect'])).nodes;

    /** How many blocks of others each host that runs can reach. */
    const reachable = async (): Promise<readonly number[]> =>
      (await statuses()).filter(({ kind }) => kind === 'host').map((status) => status.reachable.length);

    test.each(['stop', 'kill'])('%s takes a host out, start brings it back as it was', async (action) => {
      const pods = await podAddresses(workspace);
      const block = (await statuses()).find(({ node }) => node === HOST)!.blocks;
      expect(await workspace.podwire([action, HOST])).toMatchObject({ code: 0, stdout: '' });
      await until('the others have dropped it', async () => (await reachable()).join() === '1,1');
      const sessions = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp', '--node', 'rr1']);
      expect(sessions.filter(({ state }) => state === 'Established')).toHaveLength(3);
      expect((await workspace.podwire(['ping', 'web-1', pods['web-2']!, '-c', '1', '-W', '0.3'])).code).toBe(
        1,
      );
      await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1']);
      expect(await workspace.podwire(['start', HOST])).toMatchObject({
        code: 0,
        stderr: `podwire: node ${HOST} is up\n`,
      });
      // Up means: in the store, with its block and its pods; the routes follow.
      const status = (await statuses()).find(({ node }) => node === HOST)!;
      expect(status).toMatchObject({ ready: true, blocks: block, pods: { total: 2, ready: 2 } });
      expect(await podAddresses(workspace)).toEqual(pods);
      await until('all routes are back', async () => (await reachable()).join() === '2,2,2');
      await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
    });

    test('one reflector of two may go: the routes stay', async () => {
      await workspace.ok(['kill', 'rr1']);
      expect((await statuses()).map(({ node }) => node)).not.toContain('rr1');
      await until('the sessions with it have ended', async () =>
        (await statuses())
          .filter(({ kind }) => kind === 'host')
          .every(({ sessions }) => sessions.established === 1),
      );
      expect(await reachable()).toEqual([2, 2, 2]);
      await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
      await workspace.ok(['start', 'rr1']);
      await until('all sessions are back', async () =>
        (await statuses()).every(({ sessions }) => sessions.synced === sessions.total),
      );
    });

    test('several at once, and what is so already is no error', async () => {
      expect((await workspace.ok(['stop', 'rr1', 'rr2'])).length).toBe(0);
      await until('there are no routes', async () => (await reachable()).join() === '0,0,0');
      const again = await workspace.podwire(['stop', 'rr1']);
      expect(again).toMatchObject({ code: 0, stderr: 'podwire: node rr1 does not run, nothing to do\n' });
      await workspace.ok(['start', 'rr1', 'rr2']);
      await until('all routes are back', async () => (await reachable()).join() === '2,2,2');
    });

    test('stop and start asked for at once: one after the other', async () => {
      const [stopped, started] = [workspace.podwire(['stop', HOST]), workspace.podwire(['start', HOST])];
      expect([(await stopped).code, (await started).code]).toEqual([0, 0]);
      await workspace.ok(['start', HOST]);
      await until('all routes are back', async () => (await reachable()).join() === '2,2,2');
    });

    test('a node that is not there is named, with the one that was meant', async () => {
      expect(await workspace.podwire(['kill', 'hots2'])).toMatchObject({
        code: 1,
        stderr: `podwire: no node hots2 in lab ${workspace.lab}, did you mean host2?\n`,
      });
    });
  });
});

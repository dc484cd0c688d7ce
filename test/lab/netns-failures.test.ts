// Hosts that die and cables that are cut, seen by those that are left; and their return.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import {
  agentOf,
  blockOf,
  inFabric,
  labInfo,
  nodeOf,
  untilReachable,
  untilSynced,
  upNetns,
} from './support/netns.ts';
import { podAddresses } from './support/pods.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(root(), tool('ip'), tool('nsenter'), tool('ping'));

/** Seconds; the shortest that RFC 4271 §4.2 allows. */
const HOLD_TIME = 3;

const LAB = `
name: failures
nodes:
  host[1-3]: {}
pods:
  linux-[1-3]: { kind: linux }
  emulated-[1-3]: { kind: emulated }
bgp: { holdTime: ${HOLD_TIME} }
`;

describe.skipIf(needs.missing)(needs.title('failures of hosts and cables'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let block: string;
  let pods: Readonly<Record<string, string>>;

  beforeAll(async () => {
    workspace = new Workspace('failures');
    lab = await upNetns(workspace, workspace.file('failures.yaml', LAB));
    block = await blockOf(workspace, 'host2');
    pods = await podAddresses(workspace);
  });

  afterAll(() => workspace.clean());

  /** Milliseconds until both other hosts have no route to the block of host2. */
  async function untilDropped(): Promise<number> {
    const started = performance.now();
    await Promise.all(['host1', 'host3'].map((host) => untilReachable(workspace, host, block, false)));
    return performance.now() - started;
  }

  /** What host1 says of its session with host2. */
  async function sessionWithHost2(): Promise<{ state: string; lastError?: string | undefined }> {
    const { address } = nodeOf(lab, 'host2');
    return (await agentOf(workspace, 'host1').bgp()).find((row) => row.address === address)!;
  }

  /** Everything is as it was in the beginning, seen from everywhere. */
  async function expectRecovered(): Promise<void> {
    for (const host of ['host1', 'host2', 'host3']) await untilSynced(workspace, host);
    await Promise.all(
      ['host1', 'host2', 'host3'].map((host) =>
        until(
          `routes of ${host}`,
          async () => (await agentOf(workspace, host).status()).reachable.length === 2,
        ),
      ),
    );
    expect(await blockOf(workspace, 'host2')).toBe(block);
    expect(await podAddresses(workspace)).toEqual(pods);
    for (const [from, to] of [
      ['linux-1', 'linux-2'],
      ['emulated-3', 'linux-2'],
      ['linux-3', 'emulated-2'],
      ['emulated-2', 'emulated-1'],
    ]) {
      await workspace.ok(['ping', from!, to!, '-c', '1']);
    }
  }

  test('a host that is killed is dropped at once, long before the hold time, and comes back the same', async () => {
    process.kill(nodeOf(lab, 'host2').pid!, 'SIGKILL');
    expect(await untilDropped()).toBeLessThan(1000);
    expect((await sessionWithHost2()).state).not.toBe('Established');
    await until('the lab knows', async () => !nodeOf(await labInfo(workspace), 'host2').running);
    expect(
      (await workspace.podwire(['ping', 'linux-1', pods['linux-2']!, '-c', '1', '-W', '0.3'])).code,
    ).toBe(1);
    await workspace.ok(['start', 'host2']);
    await expectRecovered();
  });

  test('a host whose cable is cut is dropped when its hold timer expires, and is back when it is mended', async () => {
    await inFabric(workspace, lab, 'ip', 'link', 'set', 'host2', 'down');
    const took = await untilDropped();
    // Half a keepalive interval early at most, since the timer ran already; and the polling.
    expect(took).toBeGreaterThan((HOLD_TIME - 1.5) * 1000);
    expect(took).toBeLessThan((HOLD_TIME + 2) * 1000);
    expect(await sessionWithHost2()).toMatchObject({
      state: expect.not.stringMatching('Established'),
      lastError: expect.stringMatching(/hold timer/i),
    });
    // The other side has noticed as well: it is alone.
    await until('host2 is alone', async () => {
      const status = await agentOf(workspace, 'host2').status();
      return status.sessions.established === 0 && status.reachable.length === 0;
    });
    await inFabric(workspace, lab, 'ip', 'link', 'set', 'host2', 'up');
    await expectRecovered();
  });

  test('a host that dies behind a cut cable is dropped when its hold timer expires, and comes back the same', async () => {
    await inFabric(workspace, lab, 'ip', 'link', 'set', 'host2', 'down');
    await workspace.ok(['kill', 'host2']);
    expect((await agentOf(workspace, 'host1').status()).reachable).toContain(block);
    expect(await untilDropped()).toBeGreaterThan(1000);
    await workspace.ok(['start', 'host2']);
    await expectRecovered();
  });

  test('a host that is stopped in order says goodbye: dropped at once, and told why', async () => {
    await workspace.ok(['stop', 'host2']);
    expect(await untilDropped()).toBeLessThan(1000);
    const { lastError } = await sessionWithHost2();
    expect(lastError).toMatch(/cease|administrative shutdown|connection refused/i);
    await workspace.ok(['start', 'host2']);
    await expectRecovered();
  });
});

import { afterEach, beforeEach, expect, test } from 'vitest';
import { SimLab } from './sim-lab.ts';

let lab: SimLab;
beforeEach(() => {
  lab = new SimLab();
});
afterEach(() => lab.close());

/** Two hosts without a mesh, whose sessions come from a BGPPeer that names the filter `f`. */
async function peered(): Promise<void> {
  await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
  await lab.apply('BGPPeer', 'all', { nodeSelector: 'all()', peerSelector: 'all()', filters: ['f'] });
  await lab.pair();
  // The filter does not exist yet, so nothing is filtered.
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
}

const REJECT = [{ action: 'Reject', matchOperator: 'In', cidr: '10.65.0.0/16' }];

test('a BGPFilter that is put into the store takes effect at once, and so does its end', async () => {
  await peered();
  const { since } = (await lab.agents.get('host1')!.bgp())[0]!;
  await lab.apply('BGPFilter', 'f', { importV4: REJECT });
  await lab.becomes('host1 1/1 0', 'host2 1/1 0');
  await lab.apply('BGPFilter', 'f', { importV4: [{ ...REJECT[0], prefixLength: { min: 27 } }] });
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  await lab.apply('BGPFilter', 'f', { exportV4: [{ action: 'Reject', source: 'RemotePeers' }] });
  // Time for what the rule must not do: blocks are no routes of peers.
  await lab.clock.pass(1000);
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  await lab.apply('BGPFilter', 'f', { exportV4: REJECT });
  await lab.becomes('host1 1/1 0', 'host2 1/1 0');
  await lab.resources.delete('BGPFilter', 'f');
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  expect((await lab.agents.get('host1')!.bgp())[0]!.since).toBe(since);
  expect(lab.complaints()).toEqual([]);
});

test('nonsense under the key of a filter is as good as no filter', async () => {
  await peered();
  await lab.apply('BGPFilter', 'f', { importV4: REJECT });
  await lab.becomes('host1 1/1 0', 'host2 1/1 0');
  const key = '/calico/resources/v3/projectcalico.org/bgpfilters/f';
  const text = new TextEncoder();
  await lab.kv.put({ key: text.encode(key), value: text.encode('{"kind":"BGPFilter"}') });
  await lab.becomes('host1 1/1 1', 'host2 1/1 1');
  expect(lab.complaints()).toHaveLength(2);
});

import { afterEach, beforeEach, expect, test } from 'vitest';
import { resourceCodec } from '../../../agents/calico/resource-codec.ts';
import { TypedKv } from '../../../agents/calico/typed-kv.ts';
import type { NodeAgentConfig } from '../../../agents/node/config.ts';
import { OwnNode } from '../../../agents/node/own-node.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { keyBytes } from '../../../agents/store/keys.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { resourceKey } from '../../../protocol/calico/keys.ts';
import type { Node, NodeSpec } from '../../../protocol/calico/resources/node.ts';
import { SimClock, seededRandom } from '../../support/sim-net.ts';

const KEY = resourceKey('Node', 'host1');
const CONFIG: NodeAgentConfig = {
  lab: 'x',
  node: 'host1',
  kind: 'host',
  address: '127.9.0.1',
  prefixLength: 24,
  link: 'underlay',
  mtu: 1500,
  bgpPort: 179,
  labels: { rack: 'a' },
  pods: [],
};

let store: Store;
let kv: KvClient;
let nodes: TypedKv<Node>;
/** Requests that write. */
let writes: number;
/** Runs before each write: somebody else's chance. */
let beforeWrite: () => Promise<void>;
beforeEach(() => {
  store = createMemoryStore({ clock: new SimClock(), random: seededRandom(1) });
  const client = store.client();
  writes = 0;
  beforeWrite = async () => undefined;
  kv = {
    ...client,
    txn: async (request) => {
      writes++;
      await beforeWrite();
      return client.txn(request);
    },
  };
  nodes = new TypedKv(client, resourceCodec('Node'));
});
afterEach(() => store.close());

const stored = async (): Promise<Node> => (await nodes.get(KEY))!.value;

/** Somebody else changes the node. */
async function edit(change: (spec: NodeSpec) => NodeSpec): Promise<void> {
  const { value, modRevision } = (await nodes.get(KEY))!;
  await nodes.update(KEY, { ...value, spec: change(value.spec) }, modRevision);
}

test('registers what the lab says of the node', async () => {
  const written = await new OwnNode(kv, { ...CONFIG, asn: 65001, clusterId: '244.0.0.1' }).register();
  expect(written).toEqual({
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name: 'host1', labels: { rack: 'a' } },
    spec: {
      bgp: { ipv4Address: '127.9.0.1/24', asNumber: 65001, routeReflectorClusterID: '244.0.0.1' },
      addresses: [{ address: '127.9.0.1', type: 'InternalIP' }],
    },
  });
  expect(await stored()).toEqual(written);
});

test('what is there already is not written again', async () => {
  const own = new OwnNode(kv, { ...CONFIG, asn: 65001 });
  await own.register();
  await own.setVtep('10.65.0.0', '66:00:00:00:00:01');
  const before = writes;
  await own.register();
  await own.setVtep('10.65.0.0', '66:00:00:00:00:01');
  expect(writes).toBe(before);
});

test('a node that comes back keeps its tunnel and what others gave it, and follows the lab file', async () => {
  await new OwnNode(kv, CONFIG).register();
  await new OwnNode(kv, CONFIG).setVtep('10.65.0.0', '66:00:00:00:00:01');
  await edit((spec) => ({
    ...spec,
    bgp: { ...spec.bgp, asNumber: 65009 },
    orchRefs: [{ orchestrator: 'k8s' }],
  }));
  await new OwnNode(kv, { ...CONFIG, address: '127.9.0.8', labels: { rack: 'b' } }).register();
  expect(await stored()).toMatchObject({
    metadata: { labels: { rack: 'b' } },
    spec: {
      bgp: { ipv4Address: '127.9.0.8/24', asNumber: 65009 },
      ipv4VXLANTunnelAddr: '10.65.0.0',
      vxlanTunnelMACAddr: '66:00:00:00:00:01',
      orchRefs: [{ orchestrator: 'k8s' }],
      addresses: [{ address: '127.9.0.8' }],
    },
  });
});

test('a change by somebody else in between is not lost', async () => {
  const own = new OwnNode(kv, CONFIG);
  await own.register();
  let edits = 0;
  beforeWrite = async () => {
    if (edits++ < 2) await edit((spec) => ({ ...spec, ipv6VXLANTunnelAddr: `fd00::${edits}` }));
  };
  await own.setVtep('10.65.0.0', '66:00:00:00:00:01');
  expect((await stored()).spec).toMatchObject({
    ipv6VXLANTunnelAddr: 'fd00::2',
    ipv4VXLANTunnelAddr: '10.65.0.0',
  });
  expect(edits).toBe(3);
});

test('a node that somebody creates or deletes in between', async () => {
  const own = new OwnNode(kv, CONFIG);
  const rival = new OwnNode(store.client(), { ...CONFIG, asn: 65007 });
  let first = true;
  beforeWrite = async () => {
    if (first) await rival.register();
    first = false;
  };
  expect((await own.register()).spec.bgp).toMatchObject({ asNumber: 65007, ipv4Address: '127.9.0.1/24' });
  first = true;
  beforeWrite = async () => {
    if (first) await store.client().deleteRange({ key: keyBytes(KEY) });
    first = false;
  };
  await own.setVtep('10.65.0.0', '66:00:00:00:00:01');
  expect((await stored()).spec).toEqual({
    ipv4VXLANTunnelAddr: '10.65.0.0',
    vxlanTunnelMACAddr: '66:00:00:00:00:01',
  });
});

test('gives up where others never stop changing it', async () => {
  const own = new OwnNode(kv, CONFIG);
  await own.register();
  let edits = 0;
  beforeWrite = () => edit((spec) => ({ ...spec, ipv6VXLANTunnelAddr: `fd00::${(++edits).toString(16)}` }));
  await expect(own.setVtep('10.65.0.0', '66:00:00:00:00:01')).rejects.toThrow(
    'Node host1: changed by others 100 times in a row',
  );
});

test('a Node that cannot be read is an error that names its key', async () => {
  await kv.put({ key: keyBytes(KEY), value: keyBytes('nonsense') });
  await expect(new OwnNode(kv, CONFIG).register()).rejects.toThrow(KEY);
});

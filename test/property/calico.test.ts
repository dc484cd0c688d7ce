import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ipam } from '../../agents/calico/ipam.ts';
import { IpamError } from '../../agents/calico/ipam.ts';
import { addressAt, enclosingPrefix, offsetOf, subPrefixAt } from '../../protocol/calico/ipam/range.ts';
import { parseWorkloadEndpointName, workloadEndpointName } from '../../protocol/calico/names.ts';
import { computePeers } from '../../protocol/calico/peering.ts';
import { FieldError } from '../../protocol/calico/resources/field.ts';
import { parseResource, parseResourceOf } from '../../protocol/calico/resources/parse.ts';
import { evaluateSelector } from '../../protocol/calico/selector/evaluate.ts';
import { parseSelector } from '../../protocol/calico/selector/parser.ts';
import { SelectorError } from '../../protocol/calico/selector/tokenizer.ts';
import { parsePrefix } from '../../protocol/ip/prefix.ts';
import { checkInvariants, cluster } from '../unit/calico/setup.ts';

const NODES = ['a', 'b', 'c'] as const;
const POOL = parsePrefix('10.0.0.0/27');

type Step =
  | { readonly kind: 'assign'; readonly node: string; readonly count: number; readonly handle: string }
  | { readonly kind: 'assignIp'; readonly node: string; readonly offset: number; readonly handle: string }
  | { readonly kind: 'releaseHandle'; readonly handle: string }
  | { readonly kind: 'releaseIp'; readonly offset: number }
  | { readonly kind: 'releaseNode'; readonly node: string }
  | { readonly kind: 'ensure'; readonly node: string };

const node = fc.constantFrom(...NODES);
const handle = fc.constantFrom('h1', 'h2', 'h3', 'h4');
const offset = fc.integer({ min: 0, max: 31 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('assign'),
      node,
      count: fc.integer({ min: 1, max: 6 }),
      handle,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('assignIp'), node, offset, handle }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('releaseHandle'), handle }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('releaseIp'), offset }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('releaseNode'), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ensure'), node }) },
) as fc.Arbitrary<Step>;

/** Addresses by their handle: what has been given out and not taken back. */
type Held = Map<string, string>;

async function play(ipam: Ipam, step: Step, held: Held): Promise<void> {
  switch (step.kind) {
    case 'assign': {
      const addresses = await ipam.autoAssign({ node: step.node, count: step.count, handleId: step.handle });
      for (const address of addresses) {
        if (held.has(address)) throw new Error(`${address} was given out twice`);
        held.set(address, step.handle);
      }
      return;
    }
    case 'assignIp': {
      const address = addressAt(POOL, step.offset);
      const taken = held.has(address);
      await ipam.assignIp({ node: step.node, address, handleId: step.handle });
      if (taken) throw new Error(`${address} was given out twice`);
      held.set(address, step.handle);
      return;
    }
    case 'releaseHandle': {
      const expected = [...held].filter(([, owner]) => owner === step.handle).map(([address]) => address);
      expect((await ipam.releaseByHandle(step.handle)).toSorted()).toEqual(expected.toSorted());
      for (const address of expected) held.delete(address);
      return;
    }
    case 'releaseIp': {
      const address = addressAt(POOL, step.offset);
      const { released } = await ipam.releaseIps([{ address }]);
      expect(released).toEqual(held.has(address) ? [address] : []);
      held.delete(address);
      return;
    }
    case 'releaseNode':
      return ipam.releaseNode(step.node);
    case 'ensure':
      await ipam.ensureAffineBlock({ node: step.node });
  }
}

/** Refusals for want of addresses are answers; everything else is a failure. */
async function unlessRefused(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof IpamError) || !['exhausted', 'address'].includes(error.reason)) throw error;
  }
}

describe('IPAM', () => {
  const start = (): ReturnType<typeof cluster> =>
    cluster(
      { p: { cidr: '10.0.0.0/27', blockSize: 30 } },
      Object.fromEntries(NODES.map((name) => [name, {}])),
    );

  test('one after another: handles, blocks and what was given out agree after every step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const lab = await start();
        const ipam = lab.ipam();
        const held: Held = new Map();
        for (const each of steps) {
          await unlessRefused(play(ipam, each, held));
          await checkInvariants(lab.client);
        }
        for (const name of ['h1', 'h2', 'h3', 'h4']) {
          const expected = [...held].filter(([, owner]) => owner === name).map(([address]) => address);
          expect((await ipam.ipsByHandle(name)).toSorted()).toEqual(expected.toSorted());
        }
      }),
      { numRuns: 150 },
    );
  });

  test('at once from many processes: the invariants hold when all is quiet, and everything can be released', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 5 }), { minLength: 2, maxLength: 8 }),
        async (processes) => {
          const lab = await start();
          await Promise.all(
            processes.map(async (steps) => {
              const ipam = lab.ipam();
              for (const each of steps) await unlessRefused(playUnchecked(ipam, each));
            }),
          );
          await checkInvariants(lab.client);
          const ipam = lab.ipam();
          for (const name of ['h1', 'h2', 'h3', 'h4']) await ipam.releaseByHandle(name);
          for (const name of NODES) await ipam.releaseNode(name);
          await checkInvariants(lab.client);
          expect(await ipam.utilization()).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** A step of which others may spoil the outcome: only the state afterwards counts. */
async function playUnchecked(ipam: Ipam, step: Step): Promise<void> {
  switch (step.kind) {
    case 'assign':
      await ipam.autoAssign({ node: step.node, count: step.count, handleId: step.handle });
      return;
    case 'assignIp':
      return ipam.assignIp({ node: step.node, address: addressAt(POOL, step.offset), handleId: step.handle });
    case 'releaseHandle':
      await ipam.releaseByHandle(step.handle);
      return;
    case 'releaseIp':
      await ipam.releaseIps([{ address: addressAt(POOL, step.offset) }]);
      return;
    case 'releaseNode':
      return ipam.releaseNode(step.node);
    case 'ensure':
      await ipam.ensureAffineBlock({ node: step.node });
  }
}

describe('address arithmetic', () => {
  test('the sub-prefixes of a prefix are disjoint, in order, and found again from any of their addresses', () => {
    const cut = fc
      .tuple(fc.integer({ min: 8, max: 24 }), fc.integer({ min: 0, max: 8 }))
      .chain(([length, more]) =>
        fc.record({
          length: fc.constant(length),
          block: fc.constant(length + more),
          index: fc.integer({ min: 0, max: 2 ** more - 1 }),
          within: fc.integer({ min: 0, max: 2 ** (32 - length - more) - 1 }),
        }),
      );
    fc.assert(
      fc.property(cut, ({ length, block, index, within }) => {
        const prefix = parsePrefix(`10.77.99.13/${length}`, 'mask');
        const cidr = subPrefixAt(prefix, block, index);
        const address = addressAt(parsePrefix(cidr), within);
        expect(enclosingPrefix(address, block)).toBe(cidr);
        expect(offsetOf(prefix, address)).toBe(index * 2 ** (32 - block) + within);
      }),
    );
  });
});

describe('text', () => {
  const grammar = [
    'a',
    'has(',
    'all()',
    ')',
    '(',
    '!',
    '&&',
    '||',
    '==',
    '!=',
    'in',
    'not in',
    '{',
    '}',
    ',',
    "'x'",
    ' ',
    'contains',
    'é',
  ];

  test('any text is a selector or a SelectorError with an offset inside the text', () => {
    const words = fc.array(fc.constantFrom(...grammar), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(words, fc.string()), (text) => {
        try {
          evaluateSelector(parseSelector(text), { a: 'x' });
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
          expect((error as SelectorError).offset).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('any JSON is a resource or a FieldError', () => {
    const kinds = fc.constantFrom('IPPool', 'BGPConfiguration', 'BGPPeer', 'Node', 'WorkloadEndpoint', 'X');
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({
        kind: kinds,
        apiVersion: fc.constant('projectcalico.org/v3'),
        metadata: fc.oneof(fc.jsonValue(), fc.constant({ name: 'default' })),
        spec: fc.dictionary(
          fc.constantFrom(
            'cidr',
            'peerIP',
            'node',
            'asNumber',
            'blockSize',
            'bgp',
            'peerSelector',
            '__proto__',
          ),
          fc.oneof(fc.jsonValue(), fc.constantFrom('10.0.0.0/8', '10.0.0.1', 'all()', 26)),
        ),
      }),
    );
    fc.assert(
      fc.property(value, (json) => {
        try {
          parseResource(json);
        } catch (error) {
          expect(error).toBeInstanceOf(FieldError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('names of workload endpoints parse back', () => {
    const segment = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);
    fc.assert(
      fc.property(segment, segment, segment, (nodeName, pod, endpoint) => {
        const identity = { node: nodeName, pod, endpoint };
        expect(parseWorkloadEndpointName(workloadEndpointName(identity))).toEqual({
          ...identity,
          orchestrator: 'k8s',
        });
      }),
    );
  });
});

describe('peering', () => {
  const member = fc.record({
    host: fc.integer({ min: 1, max: 254 }),
    reflector: fc.constantFrom('', '1.1.1.1', '2.2.2.2'),
  });

  test('every session exists on both ends, is dialled from at least one, and mesh from exactly one', () => {
    const input = fc.record({
      members: fc.uniqueArray(member, { selector: ({ host }) => host, minLength: 2, maxLength: 8 }),
      mesh: fc.boolean(),
      peerSelector: fc.constantFrom('', "rr == 'true'", 'all()', "rr != 'true'"),
      nodeSelector: fc.constantFrom('', 'all()', "rr == 'true'"),
    });
    fc.assert(
      fc.property(input, ({ members, mesh, peerSelector, nodeSelector }) => {
        const apiVersion = 'projectcalico.org/v3';
        const nodes = members.map(({ host, reflector }) =>
          parseResourceOf('Node', {
            apiVersion,
            kind: 'Node',
            metadata: { name: `n${host}`, labels: reflector === '' ? {} : { rr: 'true' } },
            spec: {
              bgp: {
                ipv4Address: `10.0.0.${host}/24`,
                ...(reflector === '' ? {} : { routeReflectorClusterID: reflector }),
              },
            },
          }),
        );
        const bgpConfiguration = parseResourceOf('BGPConfiguration', {
          apiVersion,
          kind: 'BGPConfiguration',
          metadata: { name: 'default' },
          spec: { nodeToNodeMeshEnabled: mesh },
        });
        const spec = { peerSelector, ...(nodeSelector === '' ? {} : { nodeSelector }) };
        const bgpPeers =
          peerSelector === ''
            ? []
            : [parseResourceOf('BGPPeer', { apiVersion, kind: 'BGPPeer', metadata: { name: 'p' }, spec })];
        const sessions = new Map(
          nodes.flatMap(({ metadata: { name: self } }) =>
            computePeers({ self, nodes, bgpConfiguration, bgpPeers }).map(
              (peer) => [`${self}>${peer.node}`, peer] as const,
            ),
          ),
        );
        for (const [ends, peer] of sessions) {
          const back = sessions.get(ends.split('>').toReversed().join('>') as typeof ends);
          expect(back, ends).toBeDefined();
          expect(peer.passive && back!.passive, ends).toBe(false);
          if (peer.type === 'node-to-node mesh') expect(peer.passive, ends).toBe(!back!.passive);
        }
      }),
      { numRuns: 300 },
    );
  });
});

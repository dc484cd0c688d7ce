import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RouteTable } from '../../protocol/forwarder/route-table.ts';
import { ipv4Mask, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { decodeIpv4, updateIpv4Checksum } from '../../protocol/ipv4/header.ts';
import { type Node, TwoHosts } from '../unit/forwarder/two-hosts.ts';
import { podFrames, wireFrames } from '../unit/packet/linux-frames.ts';

const origin = { source: 'static', detail: '' };
const VTEP1 = parseIpv4('127.1.0.1');

/** A good frame with some bytes changed and cut somewhere, its header checksum put right again half of the time. */
const damaged = (frames: readonly Uint8Array[], ipAt: number): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      frame: fc.constantFrom(...frames),
      changes: fc.array(fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 255 })), { maxLength: 4 }),
      cut: fc.option(fc.nat({ max: 120 })),
      repair: fc.boolean(),
    })
    .map(({ frame, changes, cut, repair }) => {
      const copy = frame.slice();
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      if (repair && copy.length >= ipAt + 60) updateIpv4Checksum(copy, ipAt);
      return cut === null ? copy : copy.subarray(0, Math.min(cut, copy.length));
    });

/** Whatever leaves a forwarder is well formed. */
function checkOutputs(net: TwoHosts, node: Node): void {
  for (const { payload } of net.wire) {
    expect(payload.subarray(0, 8)).toEqual(Uint8Array.of(8, 0, 0, 0, 0, 16, 0, 0));
    expect(decodeIpv4(payload, 22).totalLength).toBe(payload.length - 22);
    expect(payload.length).toBeLessThanOrEqual(22 + 1450);
  }
  for (const frame of node.toPod) {
    if (frame[13] === 6) expect(frame.length).toBe(42);
    else expect(decodeIpv4(frame, 14).totalLength).toBe(frame.length - 14);
  }
}

test('no frame of a pod makes the forwarder throw or send nonsense', () => {
  const frame = fc.oneof(fc.uint8Array({ maxLength: 120 }), damaged(podFrames, 14));
  fc.assert(
    fc.property(frame, fc.boolean(), (bytes, traced) => {
      const net = new TwoHosts();
      const [a] = net.nodes;
      if (traced) a.forwarder.setTraceFilters([{}]);
      const before = bytes.slice();
      a.forwarder.fromWorkload(a.workload, bytes);
      expect(bytes).toEqual(before);
      checkOutputs(net, a);
    }),
    { numRuns: 2000 },
  );
});

test('no VXLAN payload and no plain packet makes the forwarder throw or send nonsense', () => {
  const payloads = wireFrames
    .filter((frame) => frame[23] === 17 && frame[29] === 2)
    .map((frame) => frame.subarray(42));
  const payload = fc.oneof(fc.uint8Array({ maxLength: 120 }), damaged(payloads, 22));
  fc.assert(
    fc.property(payload, fc.boolean(), (bytes, traced) => {
      const net = new TwoHosts();
      const [, b] = net.nodes;
      if (traced) b.forwarder.setTraceFilters([{}]);
      b.forwarder.fromVtep(bytes, VTEP1);
      b.forwarder.fromUnderlay(bytes.subarray(Math.min(22, bytes.length)));
      checkOutputs(net, b);
    }),
    { numRuns: 2000 },
  );
});

test('no frame makes an emulated pod throw', () => {
  const frame = fc.oneof(fc.uint8Array({ maxLength: 120 }), damaged(podFrames, 14));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), (frames) => {
      const { pod } = new TwoHosts().nodes[0];
      for (const bytes of frames) {
        const toPod = bytes.slice();
        for (let i = 0; i < 6 && i < toPod.length; i++) toPod[i] = [2, 0, 0, 0, 1, 1][i]!;
        for (const output of pod.handle(toPod, 0)) {
          if (output.kind === 'frame' && output.frame[13] === 0) decodeIpv4(output.frame, 14);
        }
      }
      pod.handleTimeout(100_000);
    }),
    { numRuns: 1000 },
  );
});

test('route lookup agrees with a linear search, through additions and removals', () => {
  const prefix = fc.record({
    length: fc.integer({ min: 0, max: 32 }),
    bits: fc.integer({ min: 0, max: 0xffffffff }),
  });
  const change = fc.record({ prefix, remove: fc.boolean() });
  const address = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(address, { maxLength: 20 }),
      (changes, addresses) => {
        const table = new RouteTable();
        const model = new Map<string, { address: number; length: number }>();
        for (const { prefix: p, remove } of changes) {
          const network = (p.bits & ipv4Mask(p.length)) >>> 0;
          const key = `${network}/${p.length}`;
          if (remove) {
            expect(table.remove(network, p.length)).toBe(model.delete(key));
          } else {
            table.set(network, p.length, { kind: 'blackhole', origin });
            model.set(key, { address: network, length: p.length });
          }
        }
        const candidates = [...addresses, ...[...model.values()].map((entry) => entry.address)];
        for (const candidate of candidates) {
          const best = [...model.values()]
            .filter((entry) => (candidate & ipv4Mask(entry.length)) >>> 0 === entry.address)
            .sort((x, y) => y.length - x.length)[0];
          const found = table.lookup(candidate);
          expect(found && { address: found.address, length: found.length }).toEqual(best);
        }
        expect([...table.entries()].length).toBe(model.size);
      },
    ),
  );
});

import { describe, expect, test } from 'vitest';
import { readUint32 } from '../../../protocol/bgp/byte-writer.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import { announce, CONFIG, messagesOf, PREFIX, peer, sequence, settle, withdraw } from './rib-support.ts';

const FAMILY = 'ipv4-unicast';
const sendTo = (max: number) => ({ client: true, addPathSend: [{ family: FAMILY, max }] }) as const;

/** What a reader with ADD-PATH is told in its next messages: path identifiers announced and withdrawn. */
function told(rib: Rib, reader: number): { announced: number[]; withdrawn: number[] } {
  const announced: number[] = [];
  const withdrawn: number[] = [];
  for (const { peer: to, chunks } of settle(rib)) {
    if (to !== reader) continue;
    for (const bytes of messagesOf(chunks)) {
      const withdrawnLength = (bytes[19]! << 8) | bytes[20]!;
      const attributesAt = 21 + withdrawnLength;
      const nlriAt = attributesAt + 2 + ((bytes[attributesAt]! << 8) | bytes[attributesAt + 1]!);
      for (let at = 21; at < attributesAt; at += 8) withdrawn.push(readUint32(bytes, at));
      for (let at = nlriAt; at < bytes.length; at += 8) announced.push(readUint32(bytes, at));
    }
  }
  return { announced, withdrawn };
}

describe('ADD-PATH (RFC 7911)', () => {
  test('two identifiers are two paths, the same one again replaces, an unknown one is ignored', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    announce(rib, from, {}, [PREFIX, PREFIX], [1, 2]);
    expect(rib.receivedCount(from)).toBe(2);
    announce(rib, from, { med: 5 }, [PREFIX], [2]);
    expect([...rib.adjRibIn(from)].map(({ pathId, attributes }) => [pathId, attributes.med]).sort()).toEqual([
      [1, undefined],
      [2, 5],
    ]);
    withdraw(rib, from, [PREFIX], [3]);
    expect(rib.receivedCount(from)).toBe(2);
    withdraw(rib, from, [PREFIX], [1]);
    expect([...rib.adjRibIn(from)].map(({ pathId }) => pathId)).toEqual([2]);
  });

  test('all paths go out under identifiers of our own, and are withdrawn by them', () => {
    const rib = new Rib(CONFIG);
    const [a, b] = [rib.addPeer(peer(2)), rib.addPeer(peer(3))];
    const reader = rib.addPeer(peer(9, sendTo(100)));
    settle(rib);
    announce(rib, a, {}, [PREFIX], [7]);
    announce(rib, b, { med: 5 });
    const { announced } = told(rib, reader);
    expect(new Set(announced).size).toBe(2);
    expect(announced.every((id) => id > 0)).toBe(true);
    expect([...rib.adjRibOut(reader)].map(({ pathId }) => pathId).sort()).toEqual([...announced].sort());
    withdraw(rib, b);
    const { withdrawn, announced: again } = told(rib, reader);
    expect(again).toEqual([]);
    expect(announced).toContain(withdrawn[0]);
    // The other one is still there, and the one that comes back has an identifier that is not taken.
    announce(rib, b);
    const [back] = told(rib, reader).announced;
    expect([...rib.adjRibOut(reader)].map(({ pathId }) => pathId)).toContain(back);
    expect(rib.sentCount(reader)).toBe(2);
  });

  test('new attributes keep the identifier', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const reader = rib.addPeer(peer(9, sendTo(100)));
    announce(rib, from);
    const first = told(rib, reader).announced;
    announce(rib, from, { med: 9 });
    expect(told(rib, reader)).toEqual({ announced: first, withdrawn: [] });
  });

  test('at most the best so many go out, the best among them, and another one moves up', () => {
    const rib = new Rib(CONFIG);
    const sources = [2, 3, 4].map((octet) => rib.addPeer(peer(octet)));
    const reader = rib.addPeer(peer(9, sendTo(2)));
    for (const [i, from] of sources.entries()) {
      announce(rib, from, { asPath: sequence(...new Array<number>(i + 1).fill(65001)) });
    }
    settle(rib);
    const lengths = (): number[] =>
      [...rib.adjRibOut(reader)].map(({ attributes }) => attributes.asPath[0]!.asns.length).sort();
    expect(lengths()).toEqual([1, 2]);
    withdraw(rib, sources[0]!);
    settle(rib);
    expect(lengths()).toEqual([2, 3]);
  });

  test('no path goes back to where it came from', () => {
    const rib = new Rib(CONFIG);
    const a = rib.addPeer(peer(2, sendTo(100)));
    const b = rib.addPeer(peer(3, sendTo(100)));
    announce(rib, a, {}, [PREFIX], [1]);
    announce(rib, b, { med: 1 }, [PREFIX], [1]);
    settle(rib);
    expect([...rib.adjRibOut(a)].map(({ attributes }) => attributes.med)).toEqual([1]);
    expect([...rib.adjRibOut(b)].map(({ attributes }) => attributes.med)).toEqual([undefined]);
  });

  test('readers with and without it are told by the same table', () => {
    const rib = new Rib(CONFIG);
    const [a, b] = [rib.addPeer(peer(2)), rib.addPeer(peer(3))];
    const plain = rib.addPeer(peer(8, { client: true }));
    const reader = rib.addPeer(peer(9, sendTo(100)));
    announce(rib, a);
    announce(rib, b, { med: 5 });
    settle(rib);
    expect([rib.sentCount(plain), rib.sentCount(reader)]).toEqual([1, 2]);
    rib.removePeer(a);
    settle(rib);
    expect([...rib.adjRibOut(plain)]).toMatchObject([{ pathId: 0, attributes: { med: 5 } }]);
    expect([...rib.adjRibOut(reader)]).toMatchObject([{ attributes: { med: 5 } }]);
  });
});

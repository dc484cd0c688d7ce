import { describe, expect, test } from 'vitest';
import type { Family } from '../../../protocol/bgp/family.ts';
import { AttributeTable } from '../../../protocol/bgp/rib/attribute-table.ts';
import { GroupMember } from '../../../protocol/bgp/rib/group-member.ts';
import type { RibPeer } from '../../../protocol/bgp/rib/route.ts';
import { SplitHorizon } from '../../../protocol/bgp/rib/split-horizon.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';
import { peer, ROUTE } from './rib-support.ts';

const SOURCE = 9;
const NO_HOP = new Uint8Array(0);

function groupOf(family: Family, addresses: Readonly<Record<number, string>>) {
  const attributes = new AttributeTable();
  const members = new Map<number, GroupMember>();
  const horizon = new SplitHorizon(family, members, attributes);
  for (const [id, text] of Object.entries(addresses)) {
    const address = parseAddress(text)!;
    const member: RibPeer = { ...peer(2), id: Number(id), address };
    members.set(member.id, new GroupMember(member, { cursor: 0, until: 0, marked: false }));
    horizon.add(member.id, address);
  }
  const via = (hop: string | undefined): number =>
    attributes.intern({ ...ROUTE, nextHop: hop === undefined ? NO_HOP : parseAddress(hop)! });
  return { horizon, members, via };
}

describe('SplitHorizon', () => {
  test('withholds a route from its source and from its next hop', () => {
    const { horizon, via } = groupOf('ipv4-unicast', { 5: '10.0.0.5', 6: '10.0.0.6' });
    const [elsewhere, five] = [via('10.0.9.9'), via('10.0.0.5')];
    expect(horizon.except(elsewhere, SOURCE)).toEqual([]);
    expect(horizon.except(elsewhere, 6)).toEqual([6]);
    expect(horizon.except(five, SOURCE)).toEqual([5]);
    expect(horizon.except(five, 6)).toEqual([6, 5]);
    expect(horizon.except(five, 5)).toEqual([5]);
  });

  test('takes no route without a next hop for one of the member that was the next hop before', () => {
    const { horizon, members, via } = groupOf('ipv6-unicast', { 5: '2001:db8::5' });
    expect(horizon.except(via('2001:db8::5'), SOURCE)).toEqual([5]);
    horizon.forget();
    expect(horizon.except(via(undefined), SOURCE)).toEqual([]);

    expect(horizon.except(via('2001:db8::5'), SOURCE)).toEqual([5]);
    members.delete(5);
    horizon.remove(5, parseAddress('2001:db8::5')!);
    expect(horizon.except(via(undefined), SOURCE)).toEqual([]);
    expect(horizon.except(via('2001:db8::5'), SOURCE)).toEqual([]);
  });

  test('goes by the source alone where next hops mean nothing (RFC 8955 §4)', () => {
    const { horizon, via } = groupOf('ipv4-flowspec', { 5: '10.0.0.5', 6: '10.0.0.6' });
    expect(horizon.except(via('10.0.0.5'), 6)).toEqual([6]);
  });
});

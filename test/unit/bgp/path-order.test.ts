import { describe, expect, test } from 'vitest';
import { inOrder } from '../../../agents/bgp/path-order.ts';
import type { ShownPath } from '../../../agents/bgp/path-view.ts';
import type { FamilyName } from '../../../agents/bgp/types.ts';

const path = (prefix: string, family: FamilyName = 'ipv4-unicast', pathId = 0): ShownPath => ({
  family,
  prefix,
  attributes: { origin: 0, asPath: [], nextHop: new Uint8Array(4) },
  peer: undefined,
  best: true,
  pathId,
});
const order = (paths: readonly ShownPath[], most?: number): string[] =>
  Array.from(inOrder(paths, most), ({ prefix, pathId }) => (pathId ? `${prefix} ${pathId}` : prefix));

describe('paths are shown', () => {
  test('by address and length, not by text', () => {
    const prefixes = ['10.0.0.0/8', '9.0.0.0/8', '10.0.0.0/24', '100.0.0.0/8', '10.0.0.0/16', '0.0.0.0/0'];
    expect(order(prefixes.map((prefix) => path(prefix)))).toEqual([
      '0.0.0.0/0',
      '9.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.0/16',
      '10.0.0.0/24',
      '100.0.0.0/8',
    ]);
  });

  test('family by family', () => {
    const paths = [
      path('[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3', 'l2vpn-evpn'),
      path('2001:db8::/32', 'ipv6-unicast'),
      path('10.9.0.0/24 RD 65000:1 label 7', 'ipv4-vpn'),
      path('9.0.0.0/8'),
      path('9.9.0.0/24 RD 65000:1 label 8', 'ipv4-vpn'),
    ];
    expect(order(paths)).toEqual([
      '9.0.0.0/8',
      '2001:db8::/32',
      '9.9.0.0/24 RD 65000:1 label 8',
      '10.9.0.0/24 RD 65000:1 label 7',
      '[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3',
    ]);
  });

  test('those to one destination as they came, the best first, also where labels differ', () => {
    const vpn = (label: number, pathId: number): ShownPath =>
      path(`10.9.0.0/24 RD 65000:1 label ${label}`, 'ipv4-vpn', pathId);
    expect(order([vpn(9, 1), path('10.8.0.0/16 RD 65000:1 label 5', 'ipv4-vpn'), vpn(8, 2)])).toEqual([
      '10.8.0.0/16 RD 65000:1 label 5',
      '10.9.0.0/24 RD 65000:1 label 9 1',
      '10.9.0.0/24 RD 65000:1 label 8 2',
    ]);
  });

  test('as they come, once there are too many to keep', () => {
    const paths = ['10.0.0.0/8', '9.0.0.0/8', '8.0.0.0/8'].map((prefix) => path(prefix));
    expect(order(paths, 3)[0]).toBe('8.0.0.0/8');
    expect(order(paths, 2)).toEqual(['10.0.0.0/8', '9.0.0.0/8', '8.0.0.0/8']);
  });
});

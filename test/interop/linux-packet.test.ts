import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { withNetlink } from '../../agents/io/linux/netlink.ts';
import { createNetns, type Netns, withNetns } from '../../agents/io/linux/netns.ts';
import { openPacketDevice } from '../../agents/io/linux/packet.ts';
import { createPoller } from '../../agents/io/linux/poller.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import { openTap } from '../../agents/io/linux/tap.ts';
import { requireTool, root } from '../support/tools.ts';
import { answerPings } from './linux-responder.ts';

const privileged = root();
let opened: Netns[] = [];
afterEach(() => {
  for (const netns of opened) netns.close();
  opened = [];
});

/** Two namespaces joined by a veth pair, `eth0` on both sides; only the first has an address. */
function joined(): [Netns, Netns] {
  const [left, right] = [createNetns(), createNetns()];
  opened.push(left, right);
  withNetlink(left, (netlink) => {
    netlink.addVeth({ name: 'eth0' }, { name: 'eth0', mac: '02:00:00:00:00:02', netns: right });
    netlink.setLink('eth0', { up: true, noLinkLocal: true });
    netlink.addAddress('eth0', '10.9.0.1/24');
  });
  withNetlink(right, (netlink) => netlink.setLink('eth0', { up: true, noLinkLocal: true }));
  return [left, right];
}

describe.skipIf(privileged.missing)(privileged.title('packet socket'), () => {
  test('answers the ping of a kernel on the other end of a veth, and does not hear itself', async () => {
    const [left, right] = joined();
    const device = withNetns(right, () => openPacketDevice('eth0'));
    expect([device.name, device.mac]).toEqual(['eth0', '02:00:00:00:00:02']);
    const seen = answerPings(device);
    const ping = spawnInNetns(left.path, requireTool('ping'), [
      '-c',
      '2',
      '-i',
      '0.05',
      '-W',
      '5',
      '10.9.0.2',
    ]);
    const [printed, [code]] = await Promise.all([text(ping.stdout!), once(ping, 'close')]);
    expect(printed).toContain('2 received, 0% packet loss');
    expect(code).toBe(0);
    expect(seen.filter((frame) => frame.startsWith('icmp'))).toHaveLength(2);
    expect(seen.every((frame) => /^(arp who-has|icmp echo request)/.test(frame))).toBe(true);
    device.close();
  });

  test('takes only the EtherType asked for', async () => {
    const [left, right] = joined();
    const [sender, receiver] = [
      withNetns(left, () => openPacketDevice('eth0')),
      withNetns(right, () => openPacketDevice('eth0', 0x0800)),
    ];
    const frame = (ethertype: number): Uint8Array => {
      const bytes = new Uint8Array(60).fill(0xff, 0, 6);
      new DataView(bytes.buffer).setUint16(12, ethertype);
      return bytes;
    };
    const types: number[] = [];
    const done = new Promise<void>((resolve) => {
      receiver.onFrame((bytes) => {
        types.push((bytes[12]! << 8) | bytes[13]!);
        if (types.length === 2) resolve();
      });
    });
    for (const ethertype of [0x88b5, 0x0800, 0x0806, 0x0800]) sender.write(frame(ethertype));
    await done;
    expect(types).toEqual([0x0800, 0x0800]);
    expect([sender.framesOut, sender.dropped]).toEqual([4, 0]);
    sender.close();
    receiver.close();
  });

  test('an interface that goes down and comes back is heard again; one that is missing is refused', async () => {
    const [left, right] = joined();
    const device = withNetns(right, () => openPacketDevice('eth0'));
    const sender = withNetns(left, () => openPacketDevice('eth0'));
    let heard: (() => void) | undefined;
    device.onFrame(() => heard?.());
    withNetlink(right, (netlink) => netlink.setLink('eth0', { up: false }));
    device.write(new Uint8Array(60));
    expect(device.dropped).toBe(1);
    // Let the loop serve the error that going down has left on the socket.
    await new Promise((resolve) => setTimeout(resolve, 0));
    withNetlink(right, (netlink) => netlink.setLink('eth0', { up: true }));
    const again = new Promise<void>((resolve) => {
      heard = resolve;
    });
    // Again and again: the other end drops frames until its kernel has noticed the carrier.
    const calling = setInterval(() => sender.write(new Uint8Array(60).fill(0xff, 0, 6)), 5);
    await again;
    clearInterval(calling);
    device.close();
    sender.close();
    expect(() => withNetns(left, () => openPacketDevice('eth7'))).toThrow(
      'cannot open a packet socket on eth7: there is no interface eth7',
    );
  });

  test('a TAP whose interface is deleted falls silent instead of spinning', async () => {
    const [netns] = joined();
    const before = readdirSync('/proc/self/fd').length;
    const poller = createPoller();
    const tap = withNetns(netns, () => openTap('tap0', poller));
    tap.onFrame(() => undefined);
    withNetlink(netns, (netlink) => netlink.deleteLink('tap0'));
    await expect.poll(() => poller.size).toBe(0);
    tap.write(new Uint8Array(60));
    expect(tap.dropped).toBe(1);
    tap.close();
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});

import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EchoReply as MessageReply } from '../../agents/io/linux/echo-message.ts';
import { adoptEchoSocket, type EchoSocket, openEchoSocketFd } from '../../agents/io/linux/echo-socket.ts';
import { check, libc } from '../../agents/io/linux/libc.ts';
import { configurePod, disableIpv6 } from '../../agents/io/linux/linux-pod.ts';
import { withNetlink } from '../../agents/io/linux/netlink.ts';
import { createNetns, type Netns, withNetns } from '../../agents/io/linux/netns.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../../agents/io/linux/sockaddr.ts';
import { openTap, type TapDevice } from '../../agents/io/linux/tap.ts';
import { writeIcmpError } from '../../protocol/icmp/error.ts';
import { formatIpv4, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { ipv4Destination } from '../../protocol/ipv4/header.ts';
import { root } from '../support/tools.ts';
import { answerPings } from './linux-responder.ts';

const privileged = root();
const ETHERNET = 14;
const ROUTER = '10.9.9.9';
const FAR = '10.1.2.3';
/** Behind a link with a small MTU. */
const NARROW = '10.1.2.4';

let netns: Netns;
let tap: TapDevice;
let sockets: EchoSocket[];

beforeEach(() => {
  if (privileged.missing) return;
  sockets = [];
  netns = createNetns();
  tap = withNetns(netns, () => {
    disableIpv6();
    writeFileSync('/proc/sys/net/ipv4/ping_group_range', '0 0');
    const device = openTap('eth0');
    const network = { address: '192.168.10.7', mtu: 1450, gateway: '169.254.1.1' };
    withNetlink(undefined, (netlink) => configurePod(netlink, network));
    return device;
  });
  answerPings(routed(tap));
});

afterEach(() => {
  if (privileged.missing) return;
  for (const socket of sockets) socket.close();
  tap.close();
  netns.close();
});

/** The wire behind a router that reports what it cannot forward. */
function routed(device: TapDevice): Parameters<typeof answerPings>[0] {
  return {
    ...device,
    name: device.name,
    mac: device.mac,
    write: (frame) => device.write(frame),
    close: () => device.close(),
    onFrame: (receive) =>
      device.onFrame((frame) => {
        const error = errorAbout(frame);
        if (error === undefined) receive(frame);
        else device.write(error);
      }),
  };
}

function errorAbout(frame: Uint8Array): Uint8Array | undefined {
  if (frame[12] !== 8 || frame[13] !== 0) return undefined;
  const expired = frame[ETHERNET + 8]! <= 1;
  const tooBig = formatIpv4(ipv4Destination(frame, ETHERNET)) === NARROW && frame.length > ETHERNET + 1300;
  if (!expired && !tooBig) return undefined;
  const kind = expired ? { type: 11, code: 0, mtu: 0 } : { type: 3, code: 4, mtu: 1300 };
  const answer = new Uint8Array(2048);
  answer.set(frame.subarray(6, 12), 0);
  answer.set([0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 8, 0], 6);
  const fields = { ...kind, source: parseIpv4(ROUTER), identification: 1 };
  const length = writeIcmpError(frame, ETHERNET, fields, answer, ETHERNET);
  return answer.subarray(0, ETHERNET + length);
}

function open(kind: 'raw' | 'ping'): EchoSocket {
  const fd = withNetns(netns, () =>
    kind === 'raw'
      ? openEchoSocketFd()
      : check(libc().socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 1), 'open a ping socket'),
  );
  const socket = adoptEchoSocket(fd);
  sockets.push(socket);
  return socket;
}

/** What comes back for one request. */
function answerTo(socket: EchoSocket, send: () => void): Promise<MessageReply> {
  const { promise, resolve } = Promise.withResolvers<MessageReply>();
  socket.onReply(resolve);
  send();
  return promise;
}

describe.skipIf(privileged.missing).each(['raw', 'ping'] as const)(
  privileged.title('an echo socket of the kind %s'),
  (kind) => {
    test('gets replies with identifier, sequence number, TTL and size', async () => {
      const socket = open(kind);
      const reply = await answerTo(socket, () => socket.send(FAR, 0x1234, 7, new Uint8Array(100), 33));
      expect(reply).toEqual({
        from: FAR,
        destination: FAR,
        type: 0,
        code: 0,
        id: 0x1234,
        seq: 7,
        ttl: 33,
        bytes: 108,
      });
    });

    test('tells of a TTL that ran out, and sends on', async () => {
      const socket = open(kind);
      for (const seq of [1, 2, 3]) {
        const error = await answerTo(socket, () => socket.send(FAR, 5, seq, new Uint8Array(8), 1));
        expect(error).toMatchObject({
          from: ROUTER,
          destination: FAR,
          type: 11,
          code: 0,
          id: 5,
          seq,
          ttl: 64,
          bytes: 44,
        });
      }
      const reply = await answerTo(socket, () => socket.send(FAR, 5, 4, new Uint8Array(8)));
      expect(reply).toMatchObject({ type: 0, id: 5, seq: 4 });
    });

    test('tells of the MTU of a narrow link', async () => {
      const socket = open(kind);
      const error = await answerTo(socket, () => socket.send(NARROW, 6, 1, new Uint8Array(1350), 64, true));
      expect(error).toMatchObject({
        from: ROUTER,
        destination: NARROW,
        type: 3,
        code: 4,
        id: 6,
        seq: 1,
        mtu: 1300,
      });
      // The kernel has learnt it.
      expect(() => socket.send(NARROW, 6, 2, new Uint8Array(1350), 64, true)).toThrow(
        `cannot send an echo request to ${NARROW}: message too long (EMSGSIZE)`,
      );
    });

    test('requests of several owners with the same sequence number are told apart', async () => {
      const socket = open(kind);
      const all = Promise.withResolvers<void>();
      const replies: string[] = [];
      socket.onReply(({ id, seq }) => {
        replies.push(`${id} ${seq}`);
        if (replies.length === 6) all.resolve();
      });
      for (const id of [1, 2, 3]) for (const seq of [1, 2]) socket.send(FAR, id, seq, new Uint8Array(8));
      await all.promise;
      expect(replies.sort()).toEqual(['1 1', '1 2', '2 1', '2 2', '3 1', '3 2']);
    });
  },
);

test('what is no socket is refused', () => {
  expect(() => adoptEchoSocket(9999)).toThrow(
    'cannot use file descriptor 9999 as an ICMP socket: bad file descriptor',
  );
});

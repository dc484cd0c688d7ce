import { describe, expect, test } from 'vitest';
import { nodeUdp } from '../../../agents/io/udp.ts';
import type { Endpoint, UdpSocket } from '../../../agents/ports.ts';

const udp = nodeUdp();

interface Mailbox {
  readonly socket: UdpSocket;
  next(): Promise<{ readonly text: string; readonly remote: Endpoint }>;
}

async function mailbox(address: string, noChecksum: boolean): Promise<Mailbox> {
  const arrived: Array<{ text: string; remote: Endpoint }> = [];
  let wake: (() => void) | undefined;
  const socket = await udp.bind({ address, port: 0 }, { noChecksum }, (bytes, { address, port }) => {
    arrived.push({ text: new TextDecoder().decode(bytes), remote: { address, port } });
    wake?.();
  });
  return {
    socket,
    async next() {
      while (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return arrived.shift()!;
    },
  };
}

describe.each([
  ['with checksums', false],
  ['without checksums', true],
])('nodeUdp %s', (_title, noChecksum) => {
  test.each(['127.84.0.1', '::1'])('datagrams from %s arrive with their sender', async (address) => {
    const a = await mailbox(address, noChecksum);
    const b = await mailbox(address, noChecksum);
    const packet = new TextEncoder().encode('hello');
    a.socket.send(packet, b.socket.local);
    // The bytes are the caller's again as soon as send has returned.
    packet.fill(0);
    expect(await b.next()).toEqual({ text: 'hello', remote: a.socket.local });
    b.socket.send(new TextEncoder().encode('answer'), a.socket.local);
    expect(await a.next()).toEqual({ text: 'answer', remote: b.socket.local });
    await Promise.all([a.socket.close(), b.socket.close()]);
    await a.socket.close();
    a.socket.send(packet, b.socket.local);
  });

  test('an address in use or foreign is refused in one line', async () => {
    const { socket } = await mailbox('127.84.0.1', noChecksum);
    const bind = (local: Endpoint): Promise<UdpSocket> => udp.bind(local, { noChecksum }, () => undefined);
    await expect(bind(socket.local)).rejects.toMatchObject({
      name: 'PortError',
      code: 'EADDRINUSE',
      message: `cannot bind UDP 127.84.0.1:${socket.local.port}: address already in use (EADDRINUSE)`,
    });
    await expect(bind({ address: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    await expect(bind({ address: 'localhost', port: 0 })).rejects.toThrow('not an IP address');
    await socket.close();
  });

  test('a datagram that cannot be sent is lost and counted', async () => {
    const { socket } = await mailbox('127.84.0.1', noChecksum);
    // From a loopback address nothing leaves the machine: the kernel answers EINVAL.
    socket.send(new Uint8Array(8), { address: '192.0.2.1', port: 9 });
    socket.send(new Uint8Array(65_530), { address: '127.84.0.1', port: 9 });
    await expect.poll(() => (socket as UdpSocket & { sendErrors: number }).sendErrors).toBe(2);
    await socket.close();
  });
});

test('a copy of what arrived is a copy', async () => {
  const sender = await udp.bind({ address: '127.84.0.1', port: 0 }, {}, () => undefined);
  let tell: (octets: number[]) => void;
  const arrived = new Promise<number[]>((resolve) => {
    tell = resolve;
  });
  const receiver = await udp.bind({ address: '127.84.0.2', port: 0 }, {}, (bytes) => {
    bytes.slice().fill(0);
    tell([...bytes]);
  });
  sender.send(Uint8Array.of(1, 2, 3), receiver.local);
  expect(await arrived).toEqual([1, 2, 3]);
  await Promise.all([sender.close(), receiver.close()]);
});

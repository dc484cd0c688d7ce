import { expect, test } from 'vitest';
import type { EchoReply as SocketReply } from '../../../agents/io/linux/echo-message.ts';
import { linuxPod } from '../../../agents/pod/linux.ts';
import type { EchoReply } from '../../../agents/pod/types.ts';

const DEVICE = {
  name: 'eth0',
  mac: '',
  write: () => undefined,
  onFrame: () => undefined,
  close: () => undefined,
};
const PATHS = { netns: '/proc/1/fd/3', uts: '/proc/1/fd/4' };
const ONE: SocketReply = {
  from: '10.65.0.2',
  destination: '10.65.0.2',
  type: 0,
  code: 0,
  id: 7,
  seq: 3,
  ttl: 62,
  bytes: 64,
};

/** A pod on an echo socket that keeps what it is given to send. */
function pod() {
  const sent: unknown[][] = [];
  let reply: ((reply: SocketReply) => void) | undefined;
  let closed = 0;
  const socket = {
    fd: 5,
    send: (...request: unknown[]) => void sent.push(request),
    onReply: (receive: (reply: SocketReply) => void) => {
      reply = receive;
    },
    close: () => undefined,
  };
  const made = linuxPod(DEVICE, socket, PATHS, () => {
    closed++;
  });
  return { made, sent, reply: (one: SocketReply) => reply?.(one), closed: () => closed };
}

test('several pings share the one echo socket, each until it unsubscribes', () => {
  const { made, reply } = pod();
  const heard: (readonly [string, EchoReply])[] = [];
  const stop = made.echo.onReply((one) => heard.push(['one', one]));
  made.echo.onReply((one) => heard.push(['two', one]));
  reply(ONE);
  stop();
  reply({ ...ONE, seq: 4, type: 3, code: 4, mtu: 1400 });
  const first = {
    from: '10.65.0.2',
    destination: '10.65.0.2',
    type: 0,
    code: 0,
    id: 7,
    sequence: 3,
    ttl: 62,
    bytes: 64,
  };
  expect(heard).toEqual([
    ['one', first],
    ['two', first],
    ['two', { ...first, sequence: 4, type: 3, code: 4, mtu: 1400 }],
  ]);
});

test('a closed pod sends nothing: the descriptor’s number may be another file’s by then', () => {
  const { made, sent, closed } = pod();
  made.echo.send('10.65.0.2', 7, 1, new Uint8Array(3), 64, true);
  made.close();
  expect(() => made.echo.send('10.65.0.2', 7, 2, new Uint8Array(3), 64, true)).toThrow('network is down');
  expect([sent, closed()]).toEqual([[['10.65.0.2', 7, 1, new Uint8Array(3), 64, true]], 1]);
  expect(made).toMatchObject({ kind: 'linux', ...PATHS });
});

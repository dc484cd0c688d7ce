import { beforeEach, expect, test } from 'vitest';
import { type SeverableTcp, severable } from '../../../agents/node/severable-tcp.ts';
import type { TcpConnection, TcpHandler } from '../../../agents/ports.ts';
import { SimClock, SimNet } from '../../support/sim-net.ts';

const A = '127.9.0.1';
const B = { address: '127.9.0.2', port: 179 };

let clock: SimClock;
let net: SimNet;
let cut: SeverableTcp;
let events: string[];
beforeEach(() => {
  clock = new SimClock();
  net = new SimNet(clock);
  cut = severable(net.tcp(A));
  events = [];
});

function handler(name: string): TcpHandler {
  return {
    onConnect: () => events.push(`${name} connected`),
    onData: (bytes) => events.push(`${name} got ${new TextDecoder().decode(bytes)}`),
    onClose: (error) => events.push(`${name} closed ${error ?? 'in order'}`),
  };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A connection from A, whose TCP can be cut, to B. */
async function connect(): Promise<{ readonly near: TcpConnection; readonly far: TcpConnection }> {
  let far: TcpConnection | undefined;
  await net.tcp(B.address).listen(B, (connection) => {
    far = connection;
    return handler('far');
  });
  const near = cut.tcp.connect(B, { localAddress: A }, handler('near'));
  clock.run(10);
  return { near, far: far! };
}

test('passes everything through while it is whole', async () => {
  const { near, far } = await connect();
  expect(near.remote).toEqual(B);
  expect(near.local.address).toBe(A);
  expect(near.write(text('ping'))).toBe(true);
  far.write(text('pong'));
  clock.run(10);
  near.end();
  clock.run(10);
  expect(events).toEqual([
    'near connected',
    'far got ping',
    'near got pong',
    'far closed in order',
    'near closed in order',
  ]);
});

test('severed, connections end without what is written then', async () => {
  const { near } = await connect();
  events = [];
  cut.sever();
  // A speaker that stops says so, but nobody hears it.
  expect(near.write(text('Cease'))).toBe(true);
  near.end();
  clock.run(10);
  expect(events).toEqual(['near closed in order', 'far closed ECONNRESET']);
});

test('severed, nothing opens: dials fail and callers are refused', async () => {
  await connect();
  await cut.tcp.listen({ address: A, port: 179 }, () => handler('accepted'));
  cut.sever();
  clock.run(10);
  events = [];
  const dialled = cut.tcp.connect(B, {}, handler('near'));
  net.tcp(B.address).connect({ address: A, port: 179 }, {}, handler('caller'));
  expect(dialled.write(text('x'))).toBe(false);
  dialled.end();
  dialled.destroy();
  expect(events).toEqual([]);
  await clock.pass(10);
  expect(events).toEqual(['near closed ECONNABORTED', 'caller connected', 'caller closed ECONNRESET']);
});

test('accepted connections are severed too', async () => {
  await cut.tcp.listen({ address: A, port: 179 }, () => handler('accepted'));
  net.tcp(B.address).connect({ address: A, port: 179 }, {}, handler('caller'));
  clock.run(10);
  cut.sever();
  clock.run(10);
  expect(events).toEqual(['caller connected', 'accepted closed in order', 'caller closed ECONNRESET']);
});

test('connections that were refused or have ended are not held', async () => {
  const destroyed: string[] = [];
  let accept: ((connection: TcpConnection) => TcpHandler | undefined) | undefined;
  const handlers: TcpHandler[] = [];
  const fake = (name: string): TcpConnection => ({
    local: { address: A, port: 1 },
    remote: B,
    write: () => true,
    end: () => undefined,
    destroy: () => void destroyed.push(name),
  });
  const own = severable({
    listen: async (local, accepting) => {
      accept = accepting;
      return { local, close: async () => undefined };
    },
    connect: (_remote, _options, dialling) => {
      handlers.push(dialling);
      return fake('dialled');
    },
  });
  await own.tcp.listen(B, ({ remote }) => (remote.port === 179 ? undefined : handler('x')));
  expect(accept!(fake('refused'))).toBeUndefined();
  own.tcp.connect(B, {}, handler('ended'));
  handlers[0]!.onClose('ECONNREFUSED');
  own.tcp.connect(B, {}, handler('open'));
  own.sever();
  expect(destroyed).toEqual(['dialled']);
});

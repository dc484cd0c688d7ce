import { describe, expect, test } from 'vitest';
import { nodeTcp } from '../../../agents/io/tcp.ts';
import type { Endpoint, TcpConnection, TcpHandler, TcpListener } from '../../../agents/ports.ts';
import { TcpRecorder } from './tcp-recorder.ts';

const HOST = '127.83.0.1';
const tcp = nodeTcp();

interface Pair {
  readonly listener: TcpListener;
  readonly client: TcpConnection;
  readonly server: TcpConnection;
  readonly clientSide: TcpRecorder;
  readonly serverSide: TcpRecorder;
}

async function pair(localAddress?: string): Promise<Pair> {
  const serverSide = new TcpRecorder();
  const accepted = Promise.withResolvers<TcpConnection>();
  const listener = await tcp.listen({ address: HOST, port: 0 }, (connection) => {
    accepted.resolve(connection);
    return serverSide;
  });
  const clientSide = new TcpRecorder();
  const client = tcp.connect(listener.local, localAddress === undefined ? {} : { localAddress }, clientSide);
  await clientSide.connected;
  return { listener, client, server: await accepted.promise, clientSide, serverSide };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('nodeTcp', () => {
  test('bytes go both ways, endpoints mirror each other, end closes both sides once and without error', async () => {
    const { listener, client, server, clientSide, serverSide } = await pair('127.83.0.2');
    expect(client.local.address).toBe('127.83.0.2');
    expect(client.remote).toEqual(listener.local);
    expect(server.remote).toEqual(client.local);
    expect(server.local).toEqual(client.remote);
    client.write(bytes('ping'));
    await serverSide.received('ping');
    server.write(bytes('pong'));
    await clientSide.received('pong');
    const local: Endpoint = client.local;
    client.end();
    await Promise.all([clientSide.closed, serverSide.closed]);
    client.destroy();
    expect(client.write(bytes('late'))).toBe(false);
    expect([clientSide.closes, serverSide.closes]).toEqual([[undefined], [undefined]]);
    expect(client.local).toEqual(local);
    await listener.close();
  });

  test('received bytes are no Buffer, so that slice() copies them', async () => {
    const { listener, client, server, clientSide } = await pair();
    const received = Promise.withResolvers<Uint8Array>();
    clientSide.onData = received.resolve;
    server.write(bytes('copied'));
    const data = await received.promise;
    data.slice(0, 1)[0] = 0;
    expect(data).toEqual(bytes('copied'));
    client.destroy();
    await listener.close();
  });

  test('write reports a full buffer, and onDrain comes when it has emptied', async () => {
    const { listener, client, clientSide, server } = await pair();
    const drained = Promise.withResolvers<void>();
    const chunk = new Uint8Array(1 << 20);
    (clientSide as TcpHandler).onDrain = () => drained.resolve();
    let accepted = true;
    for (let i = 0; i < 64 && accepted; i++) accepted = client.write(chunk);
    expect(accepted).toBe(false);
    expect(client.queued).toBeGreaterThan(0);
    await drained.promise;
    expect(client.queued).toBe(0);
    client.destroy();
    server.destroy();
    await listener.close();
  });

  test('destroy closes both sides', async () => {
    const { listener, client, clientSide, serverSide } = await pair();
    client.destroy();
    await Promise.all([clientSide.closed, serverSide.closed]);
    expect(clientSide.closes).toEqual([undefined]);
    expect(serverSide.closes).toHaveLength(1);
    await listener.close();
  });

  test('a listener that accepts nobody closes the connection', async () => {
    const listener = await tcp.listen({ address: HOST, port: 0 }, () => undefined);
    const side = new TcpRecorder();
    tcp.connect(listener.local, {}, side);
    await side.closed;
    expect(side.closes).toHaveLength(1);
    await listener.close();
  });

  test('a local port is bound', async () => {
    const probe = await tcp.listen({ address: '127.83.0.3', port: 0 }, () => undefined);
    const { local } = probe;
    await probe.close();
    const listener = await tcp.listen({ address: HOST, port: 0 }, () => new TcpRecorder());
    const side = new TcpRecorder();
    const options = { localAddress: local.address, localPort: local.port };
    const client = tcp.connect(listener.local, options, side);
    await side.connected;
    expect(client.local).toEqual(local);
    client.destroy();
    await listener.close();
  });

  test('a closed listener frees the port at once, while its connections live on', async () => {
    const { listener, client, server, serverSide } = await pair();
    await listener.close();
    await listener.close();
    const again = await tcp.listen(listener.local, () => undefined);
    client.write(bytes('still here'));
    await serverSide.received('still here');
    server.destroy();
    client.destroy();
    await again.close();
  });

  test('refused, and addresses that are none, reach onClose once, after connect has returned', async () => {
    const listener = await tcp.listen({ address: HOST, port: 0 }, () => undefined);
    await listener.close();
    const refused = new TcpRecorder();
    tcp.connect(listener.local, {}, refused);
    const named = new TcpRecorder();
    tcp.connect({ address: 'localhost', port: 1 }, {}, named);
    expect(named.closes).toEqual([]);
    await Promise.all([refused.closed, named.closed]);
    expect(refused.closes).toEqual(['ECONNREFUSED']);
    expect(named.closes).toEqual(['not an IP address: "localhost"']);
  });

  test('an address in use, a foreign one and a name are refused in one line', async () => {
    const listener = await tcp.listen({ address: HOST, port: 0 }, () => undefined);
    const { port } = listener.local;
    await expect(tcp.listen(listener.local, () => undefined)).rejects.toMatchObject({
      name: 'PortError',
      code: 'EADDRINUSE',
      message: `cannot listen on ${HOST}:${port}: address already in use (EADDRINUSE)`,
    });
    await expect(tcp.listen({ address: '192.0.2.1', port }, () => undefined)).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
    await expect(tcp.listen({ address: 'localhost', port }, () => undefined)).rejects.toMatchObject({
      message: `cannot listen on localhost:${port}: not an IP address`,
    });
    await listener.close();
  });
});

import { describe, expect, test } from 'vitest';
import { encodeAoAdd, encodeAoDelete, probeTcpAo } from '../../../agents/io/linux/tcp-ao.ts';
import { encodeMd5 } from '../../../agents/io/linux/tcp-md5.ts';
import { keyBytes, peerPrefix } from '../../../agents/io/linux/tcp-peer.ts';
import { nodeTcp } from '../../../agents/io/tcp.ts';
import type {
  TcpAoKey,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
} from '../../../agents/ports.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { TcpRecorder } from './tcp-recorder.ts';

const SERVER = '127.106.0.1';
const CLIENT = '127.106.0.2';
const tcp = nodeTcp();
const linux = process.platform === 'linux';

/** A SYN that is dropped is repeated after a second; then the timeout shows. */
const PATIENCE = 300;
const NO_ANSWER = /^ETIMEDOUT/;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A listener that echoes, and remembers what it accepted. */
async function echo(
  options: TcpListenOptions,
  address = SERVER,
  accept: (connection: TcpConnection) => boolean = () => true,
): Promise<TcpListener> {
  return tcp.listen(
    { address, port: 0 },
    (connection): TcpHandler | undefined => {
      if (!accept(connection)) return undefined;
      return { onData: (bytes) => void connection.write(bytes.slice()), onClose: () => undefined };
    },
    options,
  );
}

/** How a dialled connection fares: the echo of what it said, or why it closed. */
async function attempt(listener: TcpListener, options: TcpConnectOptions): Promise<string> {
  const side = new TcpRecorder();
  const { address } = listener.local;
  const localAddress = address.includes(':') ? address : CLIENT;
  const connection = tcp.connect(listener.local, { localAddress, userTimeout: PATIENCE, ...options }, side);
  connection.write(text('hello'));
  await Promise.race([side.received('hello'), side.closed]);
  connection.destroy();
  await side.closed;
  return side.text === '' ? (side.closes[0] ?? 'closed') : side.text;
}

describe('the structs of linux/tcp.h', () => {
  test('tcp_md5sig', () => {
    const peer = peerPrefix({ address: '192.0.2.77', prefixLength: 25 }, 'test');
    const bytes = encodeMd5(peer, text('secret'));
    expect(bytes).toHaveLength(216);
    // AF_INET, port 0, the address without its host bits.
    expect(toHex(bytes.subarray(0, 8))).toBe('02000000c0000200');
    expect(bytes.subarray(8, 128).every((byte) => byte === 0)).toBe(true);
    expect(toHex(bytes.subarray(128, 144))).toBe(`0119060000000000${toHex(text('secret'))}0000`);
  });

  test('tcp_ao_add', () => {
    const peer = peerPrefix({ address: '2001:db8::1' }, 'test');
    const key: TcpAoKey = {
      sendId: 100,
      receiveId: 200,
      algorithm: 'aes-128-cmac-96',
      key: 'secret',
      excludeOptions: true,
    };
    const bytes = encodeAoAdd(peer, key, text('secret'), true);
    expect(bytes).toHaveLength(288);
    // AF_INET6, port, flow information; then the address.
    expect(toHex(bytes.subarray(0, 24))).toBe('0a0000000000000020010db8000000000000000000000001');
    expect(new TextDecoder().decode(bytes.subarray(128, 192)).replaceAll('\0', '')).toBe('cmac(aes128)');
    // Interface; current and rnext; reserved; prefix length, IDs, MAC length, flags, key length; key.
    expect(toHex(bytes.subarray(192, 214))).toBe(
      `00000000030000000000${'8064c80c0206'}${toHex(text('secret'))}`,
    );
    expect(encodeAoAdd(peer, key, text('x'), false)[196]).toBe(0);
  });

  test('tcp_ao_del', () => {
    const peer = peerPrefix({ address: '192.0.2.1' }, 'test');
    const bytes = encodeAoDelete(peer, { sendId: 1, receiveId: 2 });
    expect(bytes).toHaveLength(144);
    expect(toHex(bytes.subarray(0, 8))).toBe('02000000c0000201');
    expect(toHex(bytes.subarray(128))).toBe('00000000000000000000200102000000');
  });

  test.each([
    [() => peerPrefix({ address: 'host' }, 'test'), 'cannot test: not an IP address'],
    [
      () => peerPrefix({ address: '192.0.2.1', prefixLength: 33 }, 'test'),
      'cannot test: a prefix length must be 0 to 32',
    ],
    [() => keyBytes('', 'test'), 'cannot test: a key must have 1 to 80 octets, not 0'],
    [() => keyBytes('é'.repeat(41), 'test'), 'cannot test: a key must have 1 to 80 octets, not 82'],
  ])('what cannot be encoded is refused in one line: %#', (encode, message) => {
    expect(encode).toThrow(message);
  });
});

describe.runIf(linux).concurrent('TCP-MD5', () => {
  test('the same key on both sides connects, another or none does not, and says so', async () => {
    const listener = await echo({ md5: [{ address: CLIENT, key: 'right' }] });
    const [right, wrong, missing] = await Promise.all([
      attempt(listener, { md5: 'right' }),
      attempt(listener, { md5: 'wrong' }),
      attempt(listener, {}),
    ]);
    expect(right).toBe('hello');
    expect(wrong).toBe('ETIMEDOUT (no answer; does the peer have the same TCP-MD5 or TCP-AO key?)');
    expect(missing).toBe('ETIMEDOUT');
    await listener.close();
  });

  test('a peer without a key on the listener is served unsigned, and not when it signs', async () => {
    const listener = await echo({ md5: [{ address: '127.106.0.99', key: 'other' }] });
    expect(await attempt(listener, {})).toBe('hello');
    expect(await attempt(listener, { md5: 'other' })).toMatch(NO_ANSWER);
    await listener.close();
  });

  test.each([
    ['with keys from the start', { md5: [] }],
    ['that began without options', undefined],
  ])('keys come, change and go on a listener %s', async (_name, options) => {
    const listener = await tcp.listen(
      { address: SERVER, port: 0 },
      (connection) => ({ onData: (bytes) => void connection.write(bytes.slice()), onClose: () => undefined }),
      options,
    );
    expect(await attempt(listener, {})).toBe('hello');
    listener.setKeys!({ md5: [{ address: CLIENT, key: 'one' }] });
    expect(await attempt(listener, { md5: 'one' })).toBe('hello');
    listener.setKeys!({ md5: [{ address: CLIENT, key: 'two' }] });
    const [old, fresh] = await Promise.all([
      attempt(listener, { md5: 'one' }),
      attempt(listener, { md5: 'two' }),
    ]);
    expect(old).toMatch(NO_ANSWER);
    expect(fresh).toBe('hello');
    listener.setKeys!({});
    expect(await attempt(listener, {})).toBe('hello');
    await listener.close();
    // Nothing happens to whoever has the descriptor now.
    listener.setKeys!({ md5: [{ address: CLIENT, key: 'late' }] });
  });

  test('a connection lives on when its key is taken from the listener', async () => {
    const listener = await echo({ md5: [{ address: CLIENT, key: 'k' }] });
    const side = new TcpRecorder();
    const client = tcp.connect(listener.local, { localAddress: CLIENT, md5: 'k' }, side);
    await side.connected;
    listener.setKeys!({});
    client.write(text('still'));
    await side.received('still');
    client.destroy();
    await listener.close();
  });

  test('a range has a key, and a longer prefix in it another', async () => {
    const listener = await echo({
      md5: [
        { address: '127.106.0.0', prefixLength: 16, key: 'range' },
        { address: CLIENT, key: 'peer' },
      ],
    });
    const [range, peer, mixed] = await Promise.all([
      attempt(listener, { localAddress: '127.106.7.7', md5: 'range' }),
      attempt(listener, { md5: 'peer' }),
      attempt(listener, { md5: 'range' }),
    ]);
    expect([range, peer]).toEqual(['hello', 'hello']);
    expect(mixed).toMatch(NO_ANSWER);
    await listener.close();
  });

  test('IPv6', async () => {
    const listener = await echo({ md5: [{ address: '::1', key: 'six' }] }, '::1');
    const [right, wrong] = await Promise.all([
      attempt(listener, { md5: 'six' }),
      attempt(listener, { md5: 'five' }),
    ]);
    expect(right).toBe('hello');
    expect(wrong).toMatch(NO_ANSWER);
    await listener.close();
  });

  test('what cannot be set is one line', async () => {
    const bad = [{ address: CLIENT, key: '' }];
    await expect(echo({ md5: bad })).rejects.toMatchObject({
      name: 'PortError',
      code: 'EINVAL',
      message: `cannot set the TCP-MD5 key for ${CLIENT}: a key must have 1 to 80 octets, not 0`,
    });
    const listener = await echo({});
    expect(() => listener.setKeys!({ md5: bad })).toThrow('a key must have 1 to 80 octets');
    expect(await attempt(listener, { md5: 'x'.repeat(81) })).toBe(
      `cannot set the TCP-MD5 key for ${SERVER}: a key must have 1 to 80 octets, not 81`,
    );
    await listener.close();
  });

  test('errors of bind and connect are those of plain sockets', async () => {
    const listener = await echo({ md5: [] });
    await expect(tcp.listen(listener.local, () => undefined, { ttl: 1 })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `cannot listen on ${SERVER}:${listener.local.port}: address already in use (EADDRINUSE)`,
    });
    await listener.close();
    expect(await attempt(listener, { ttl: 1 })).toBe('ECONNREFUSED');
    const foreign = await attempt(listener, { ttl: 1, localAddress: '192.0.2.1' });
    expect(foreign).toContain('address not available (EADDRNOTAVAIL)');
  });
});

describe.runIf(linux).concurrent('TTLs', () => {
  test.each([
    ['IPv4', SERVER],
    ['IPv6', '::1'],
  ])('GTSM over %s: who sends with less than 255 is not heard', async (_name, address) => {
    const listener = await echo({ ttl: 255, minTtl: 255 }, address);
    const [near, far, usual] = await Promise.all([
      attempt(listener, { ttl: 255, minTtl: 255 }),
      attempt(listener, { ttl: 1 }),
      attempt(listener, {}),
    ]);
    expect(near).toBe('hello');
    expect([far, usual]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
    await listener.close();
  });

  test('a dialler with GTSM does not hear a listener with TTL 64', async () => {
    const listener = await echo({});
    expect(await attempt(listener, { ttl: 255, minTtl: 255 })).toBe('ETIMEDOUT');
    await listener.close();
  });

  test('two hops away is 254', async () => {
    const listener = await echo({ ttl: 255, minTtl: 254 });
    expect(await attempt(listener, { ttl: 254 })).toBe('hello');
    await listener.close();
  });

  test('a TTL of 1 reaches a neighbour', async () => {
    const listener = await echo({ ttl: 1 });
    expect(await attempt(listener, { ttl: 1 })).toBe('hello');
    await listener.close();
  });

  test.each([
    ['IPv4', SERVER],
    ['IPv6', '::1'],
  ])(
    'set on an accepted connection over %s, they tell from how far it was opened',
    async (_name, address) => {
      const verdicts: boolean[] = [];
      const listener = await echo({ ttl: 255 }, address, (connection) => {
        const near = connection.setTtl!({ ttl: 255, minTtl: 255 });
        verdicts.push(near);
        return near;
      });
      expect(await attempt(listener, { ttl: 255, minTtl: 255 })).toBe('hello');
      expect(await attempt(listener, { ttl: 64 })).not.toBe('hello');
      expect(verdicts).toEqual([true, false]);
      await listener.close();
    },
  );

  test('on a connection of a plain listener, they hold from then on', async () => {
    const accepted = Promise.withResolvers<void>();
    const heard = new TcpRecorder();
    const listener = await tcp.listen({ address: SERVER, port: 0 }, (connection) => {
      expect(connection.setTtl!({ minTtl: 255 })).toBe(true);
      accepted.resolve();
      return heard;
    });
    const side = new TcpRecorder();
    const client = tcp.connect(listener.local, { userTimeout: PATIENCE }, side);
    await Promise.all([side.connected, accepted.promise]);
    client.write(text('hello'));
    await side.closed;
    expect(side.closes).toEqual(['ETIMEDOUT']);
    expect(heard.text).toBe('');
    await listener.close();
  });

  test('a TTL out of range is one line', async () => {
    await expect(echo({ minTtl: 256 })).rejects.toMatchObject({
      message: 'cannot set the least TTL to 256 (GTSM): a TTL must be 1 to 255',
    });
    const listener = await echo({});
    expect(await attempt(listener, { ttl: 0 })).toBe('cannot set the TTL to 0: a TTL must be 1 to 255');
    await listener.close();
  });
});

describe.runIf(linux)('TCP-AO', () => {
  const key: TcpAoKey = { sendId: 1, receiveId: 1, algorithm: 'hmac-sha-1-96', key: 'secret' };
  const lacking = linux ? probeTcpAo() : undefined;

  async function refuses(): Promise<void> {
    const reason = 'protocol not available (ENOPROTOOPT); this needs Linux 6.7 or later with CONFIG_TCP_AO';
    expect(lacking).toMatchObject({ code: 'ENOPROTOOPT', message: `cannot use TCP-AO: ${reason}` });
    await expect(echo({ ao: [{ address: CLIENT, keys: [key] }] })).rejects.toMatchObject({
      code: 'ENOPROTOOPT',
      message: `cannot set TCP-AO key 1/1 for ${CLIENT}: ${reason}`,
    });
    const listener = await echo({});
    expect(() => listener.setKeys!({ ao: [{ address: CLIENT, keys: [key] }] })).toThrow(reason);
    expect(await attempt(listener, { ao: [key] })).toBe(`cannot set TCP-AO key 1/1 for ${SERVER}: ${reason}`);
    await listener.close();
  }

  async function connects(): Promise<void> {
    const listener = await echo({ ao: [{ address: CLIENT, keys: [key] }] });
    const [right, wrong, other] = await Promise.all([
      attempt(listener, { ao: [key] }),
      attempt(listener, { ao: [{ ...key, key: 'other' }] }),
      attempt(listener, { ao: [{ ...key, sendId: 2 }] }),
    ]);
    expect(right).toBe('hello');
    expect(wrong).toMatch(NO_ANSWER);
    expect(other).toMatch(NO_ANSWER);
    listener.setKeys!({ ao: [{ address: CLIENT, keys: [{ ...key, key: 'other' }] }] });
    expect(await attempt(listener, { ao: [{ ...key, key: 'other' }] })).toBe('hello');
    await listener.close();
  }

  // What there is to see depends on the kernel; there is something on every one.
  if (lacking === undefined) test('the same keys connect, others do not', connects);
  else test('a kernel without it says so in one line', refuses);

  test('an ID out of range is one line', async () => {
    await expect(echo({ ao: [{ address: CLIENT, keys: [{ ...key, sendId: 256 }] }] })).rejects.toMatchObject({
      message: `cannot set TCP-AO key 256/1 for ${CLIENT}: a key ID must be 0 to 255`,
    });
  });
});

describe('other platforms', () => {
  test('keys and TTLs are refused in one line, before anything is opened', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
    const listener = await tcp.listen({ address: '127.0.0.1', port: 0 }, () => undefined);
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' });
    try {
      const reason = 'operation not supported on socket (ENOTSUP); this needs Linux';
      await expect(
        tcp.listen({ address: '127.0.0.1', port: 1790 }, () => undefined, { ttl: 255 }),
      ).rejects.toMatchObject({
        code: 'ENOTSUP',
        message: `cannot listen on 127.0.0.1:1790 with keys or TTLs: ${reason}`,
      });
      expect(() => listener.setKeys!({ md5: [{ address: '127.0.0.1', key: 'k' }] })).toThrow(reason);
      listener.setKeys!({});
      const side = new TcpRecorder();
      tcp.connect({ address: '127.0.0.1', port: 1790 }, { md5: 'k' }, side);
      await side.closed;
      expect(side.closes).toEqual([`cannot connect to 127.0.0.1:1790 with keys or TTLs: ${reason}`]);
    } finally {
      Object.defineProperty(process, 'platform', platform);
    }
    await listener.close();
  });
});

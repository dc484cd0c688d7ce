// podwire's client and a real etcd with TLS, users and several addresses.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { serveEtcdProxy } from '../../../agents/store/etcd-proxy.ts';
import { connectEtcd } from '../../../agents/store/grpc/client.ts';
import { connectStore } from '../../../agents/store/http-client.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { compliance } from '../../unit/store/compliance.ts';
import { b, below, eventLine, failure, record } from '../../unit/store/support.ts';
import { type EtcdServer, freePort, startEtcd } from '../etcd-server.ts';

const run = promisify(execFile);
const clock = systemClock();
const etcd = tool('etcd');
const etcdctl = tool('etcdctl');
const openssl = tool('openssl');

/** A client that ends with the test. */
function connected(url: string, patience = 10_000): KvClient {
  const client = connectEtcd(url, { clock, patience });
  onTestFinished(() => client.close());
  return client;
}

describe.skipIf(etcd.missing || etcdctl.missing || openssl.missing)(
  etcd.title('a real etcd with TLS and users'),
  () => {
    let folder: string;
    let server: EtcdServer;
    let host: string;
    let ca: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'podwire-secure-'));
      makeCertificates(openssl.path, folder);
      ca = join(folder, 'ca.crt');
      const files = ['--cert-file', join(folder, 'server.crt'), '--key-file', join(folder, 'server.key')];
      server = await startEtcd(etcd.path, files);
      host = new URL(server.endpoint).host;
      await ctl('user', 'add', 'root:secret');
      await ctl('user', 'grant-role', 'root', 'root');
      await ctl('role', 'add', 'lab');
      await ctl('role', 'grant-permission', 'lab', '--prefix=true', 'readwrite', '/lab/');
      await ctl('user', 'add', 'lab:p@ss/word');
      await ctl('user', 'grant-role', 'lab', 'lab');
      await ctl('auth', 'enable');
    });

    afterAll(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true });
    });

    async function ctl(...args: string[]): Promise<string> {
      const common = ['--endpoints', server.endpoint, '--cacert', ca, '--user=root:secret'];
      return (await run(etcdctl.path, [...common, ...args], { env: { ...process.env, ETCDCTL_API: '3' } }))
        .stdout;
    }

    const url = (user = 'root:secret', at = host): string => `etcds://${user}@${at}?ca=${ca}`;

    compliance('a user of it', async () => ({
      client: () => connectEtcd(url(), { clock }),
      stop: async () => {},
    }));

    /** Where podwire passes the JSON gateway on, with the user's token; until the test ends, or `stop`. */
    async function proxied(address: string): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
      const own = mkdtempSync(join(tmpdir(), 'podwire-proxy-'));
      const passed = await serveEtcdProxy(join(own, 'store.sock'), address, { clock });
      const stop = async (): Promise<void> => {
        await passed.close();
        rmSync(own, { recursive: true });
      };
      return { endpoint: `unix:${own}/store.sock`, stop };
    }

    compliance('a user of it through a socket without', async () => {
      const { endpoint, stop } = await proxied(url());
      await ctl('del', '--prefix', '/');
      return { client: () => connectStore(endpoint, { clock }), stop };
    });

    test('behind the socket tokens are renewed too, members are given up, and mistakes are told', async () => {
      const closed = `127.0.0.1:${await freePort()}`;
      const first = await proxy(host);
      const { endpoint, stop } = await proxied(url('lab:p@ss/word', [closed, first.host, host].join(',')));
      onTestFinished(stop);
      const client = connectStore(endpoint, { clock });
      onTestFinished(() => client.close());
      const seen = record(client, below('/lab/'));
      await seen.untilCreated();
      await client.put({ key: b('/lab/e'), value: b('1') });
      expect(await failure(client.put({ key: b('/other'), value: b('1') }))).toBe(
        '7 etcdserver: permission denied',
      );
      await server.restart();
      // Whether a write whose answer was lost has happened nobody can say: its owner asks again.
      await until('the put goes through', () =>
        client.put({ key: b('/lab/e'), value: b('2') }).then(
          () => true,
          (error: { readonly code: number }) => {
            if (error.code !== 14) throw error;
            return false;
          },
        ),
      );
      expect((await seen.until(2)).slice(0, 2).map(eventLine)).toEqual(['PUT /lab/e=1', 'PUT /lab/e=2']);
      first.close();
      await seen.untilCreated(seen.created + 1);
      expect((await client.range({ key: b('/lab/e') })).count).toBe(1n);

      const wrong = await proxied(url('lab:wrong'));
      onTestFinished(wrong.stop);
      const refused = connectStore(wrong.endpoint, { clock });
      onTestFinished(() => refused.close());
      expect(await failure(refused.range({ key: b('/lab/e') }))).toBe(
        `3 store etcds://${host}: user lab: authentication failed, invalid user ID or password`,
      );
    });

    test('what the user may do, and no more', async () => {
      const client = connected(url('lab:p@ss/word'));
      const seen = record(client, below('/lab/'));
      await seen.untilCreated();
      await client.put({ key: b('/lab/a'), value: b('1') });
      expect((await seen.until(1)).map(eventLine)).toEqual(['PUT /lab/a=1']);
      expect(await failure(client.put({ key: b('/other'), value: b('1') }))).toBe(
        '7 etcdserver: permission denied',
      );
      const refused = record(client, below('/other'));
      expect((await refused.ended).message).toContain('permission denied');
    });

    test('a token that the server has forgotten is renewed, for requests and for watches', async () => {
      const client = connected(url('lab:p%40ss%2Fword'));
      const seen = record(client, below('/lab/'));
      await seen.untilCreated();
      await client.put({ key: b('/lab/b'), value: b('1') });
      // Tokens of etcd's do not outlive its process.
      await server.restart();
      await client.put({ key: b('/lab/b'), value: b('2') });
      expect((await seen.until(2)).map(eventLine)).toEqual(['PUT /lab/b=1', 'PUT /lab/b=2']);
    });

    test('a password that changes while the client runs', async () => {
      await ctl('user', 'add', 'changing:before');
      await ctl('user', 'grant-role', 'changing', 'lab');
      const client = connected(url('changing:before'));
      await client.put({ key: b('/lab/c'), value: b('1') });
      const passwd = run(
        etcdctl.path,
        [
          ...['--endpoints', server.endpoint, '--cacert', ca, '--user=root:secret'],
          ...['user', 'passwd', 'changing', '--interactive=false'],
        ],
        { env: { ...process.env, ETCDCTL_API: '3' } },
      );
      passwd.child.stdin!.end('after\n');
      await passwd;
      expect(await failure(client.put({ key: b('/lab/c'), value: b('2') }))).toBe(
        `3 store etcds://${host}: user changing: authentication failed, invalid user ID or password`,
      );
    });

    test('mistakes: one line, without the password', async () => {
      const other = join(folder, 'other');
      mkdirSync(other);
      makeCertificates(openssl.path, other);
      const reach = async (address: string): Promise<string> =>
        failure(connected(address, 2000).range({ key: b('k') }));
      const closed = `127.0.0.1:${await freePort()}`;
      expect(await reach(url('root:wrong'))).toBe(
        `3 store etcds://${host}: user root: authentication failed, invalid user ID or password`,
      );
      expect(await reach(url('nobody:x'))).toBe(
        `3 store etcds://${host}: user nobody: authentication failed, invalid user ID or password`,
      );
      const foreign = `14 store etcds://${host}: its certificate is not signed by the CA that is trusted (ca=FILE)`;
      expect(await reach(`etcds://root:secret@${host}?ca=${other}/ca.crt`)).toBe(foreign);
      expect(await reach(`etcds://root:secret@${host}`)).toBe(foreign);
      expect(await reach(url('root:secret', closed))).toBe(`14 store etcds://${closed}: connection refused`);
      expect(await reach(`etcds://${host}?ca=${ca}`)).toBe('3 etcdserver: user name is empty');
      const broke =
        'broke off the connection, expected an etcd with TLS for etcds:// and without for etcd://';
      expect(await reach(`etcd://root:secret@${host}`)).toBe(`14 store etcd://${host}: ${broke}`);
      const named = host.replace('127.0.0.1', 'localhost');
      expect(await reach(url('root:secret', named))).toBe(
        `14 store etcds://${named}: its certificate is of another host`,
      );
      expect(() => connectEtcd('etcds://a:1?ca=/nonexistent', { clock })).toThrow(
        'cannot read the TLS CA certificate /nonexistent: no such file or directory (ENOENT)',
      );
      const mixed = `etcds://a:1?cert=${folder}/server.crt&key=${folder}/alice.key`;
      expect(() => connectEtcd(mixed, { clock })).toThrow(
        /alice\.key: not the private key of .*server\.crt \(.+\)$/,
      );
    });

    test('the address that answers is used, and another when it goes', async () => {
      const first = await proxy(host);
      const second = await proxy(host);
      const closed = `127.0.0.1:${await freePort()}`;
      const client = connected(url('lab:p@ss/word', [closed, first.host, second.host].join(',')));
      const seen = record(client, below('/lab/'));
      await seen.untilCreated();
      await client.put({ key: b('/lab/d'), value: b('1') });
      await seen.until(1);
      first.close();
      await seen.untilCreated(2);
      await client.put({ key: b('/lab/d'), value: b('2') });
      expect((await seen.until(2)).map(eventLine)).toEqual(['PUT /lab/d=1', 'PUT /lab/d=2']);
      second.close();
      expect(
        await failure(connected(url('x:y', [first.host, second.host].join(',')), 500).range({ key: b('k') })),
      ).toBe(`14 store etcds://${first.host},${second.host}: connection refused`);
    });
  },
);

describe.skipIf(etcd.missing || openssl.missing)(etcd.title('a real etcd that wants certificates'), () => {
  test('is given one, or says that it wants one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'podwire-secure-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    makeCertificates(openssl.path, folder);
    const file = (name: string): string => join(folder, name);
    const own = ['--cert-file', file('server.crt'), '--key-file', file('server.key')];
    const server = await startEtcd(etcd.path, [
      ...own,
      '--trusted-ca-file',
      file('ca.crt'),
      '--client-cert-auth',
    ]);
    onTestFinished(() => server.stop());
    const { host } = new URL(server.endpoint);
    const address = `etcds://${host}?ca=${file('ca.crt')}`;
    const client = connected(`${address}&cert=${file('alice.crt')}&key=${file('alice.key')}`);
    await client.put({ key: b('k'), value: b('v') });
    expect(await failure(connected(address, 2000).range({ key: b('k') }))).toBe(
      `14 store etcds://${host}: wants a client certificate of its CA (cert=FILE&key=FILE)`,
    );
  });
});

/** A loopback address that passes everything on to `target` until it is closed. */
async function proxy(target: string): Promise<{ readonly host: string; close(): void }> {
  const [address, port] = target.split(':');
  const open = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = createConnection({ host: address!, port: Number(port) });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listening = await freePort();
  await new Promise<void>((resolve) => server.listen(listening, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  onTestFinished(close);
  return { host: `127.0.0.1:${listening}`, close };
}

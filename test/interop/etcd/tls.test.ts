// TLS as etcdctl and curl see it, with certificates that openssl makes.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { type StoreServer, serveStore } from '../../../agents/store/http-server.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { loadServerTls } from '../../../agents/store/tls.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { tool } from '../../support/tools.ts';

const run = promisify(execFile);
const etcdctl = tool('etcdctl');
const openssl = tool('openssl');
const curl = tool('curl');

describe.skipIf(etcdctl.missing || openssl.missing || curl.missing)(
  openssl.title('a store that serves TLS to clients with certificates'),
  () => {
    let folder: string;
    let store: Store;
    let server: StoreServer;
    const file = (name: string): string => join(folder, name);

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'podwire-tls-'));
      makeCertificates(openssl.path, folder);
      store = createMemoryStore({ clock: systemClock() });
      const tls = loadServerTls({
        cert: file('server.crt'),
        key: file('server.key'),
        ca: file('ca.crt'),
        clientCertAuth: true,
      });
      server = await serveStore(store, { address: '127.0.0.1', port: 0 }, { tls });
    });

    afterAll(async () => {
      await server?.close();
      await store?.close();
      rmSync(folder, { recursive: true });
    });

    /** etcdctl with a user's certificate: what it prints, or the error. */
    async function ctl(user: string | undefined, ...args: string[]): Promise<string> {
      const common = ['--endpoints', server.endpoint, '--cacert', file('ca.crt'), '--command-timeout=5s'];
      const own = user === undefined ? [] : ['--cert', file(`${user}.crt`), '--key', file(`${user}.key`)];
      const options = { env: { ...process.env, ETCDCTL_API: '3' } };
      return run(etcdctl.path, [...common, ...own, ...args], options).then(
        ({ stdout }) => stdout,
        (error: { readonly stderr: string }) => error.stderr,
      );
    }

    test('the endpoint is one of https, and etcdctl works', async () => {
      expect(server.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      expect(await ctl('alice', 'put', 'key', 'value')).toBe('OK\n');
    });

    test('the JSON gateway answers over HTTP/1.1 and over HTTP/2', async () => {
      for (const version of ['--http1.1', '--http2']) {
        const own = ['--cacert', file('ca.crt'), '--cert', file('alice.crt'), '--key', file('alice.key')];
        const ask = ['--silent', '--data', '{"key":"a2V5"}', `${server.endpoint}/v3/kv/range`];
        const { stdout } = await run(curl.path, [version, ...own, ...ask]);
        expect(JSON.parse(stdout).kvs[0].value).toBe('dmFsdWU=');
      }
    });

    test('a client without a certificate is not served', async () => {
      expect(await ctl(undefined, 'get', 'key')).toMatch(/context deadline exceeded|certificate required/);
    });

    test('mistakes end their own connection and nothing else', async () => {
      const other = join(folder, 'other');
      mkdirSync(other);
      makeCertificates(openssl.path, other);
      const failed = async (...args: string[]): Promise<string> =>
        run(etcdctl.path, ['--command-timeout=2s', ...args, 'get', 'key'], {
          env: { ...process.env, ETCDCTL_API: '3' },
        }).then(
          ({ stdout }) => `no error: ${stdout}`,
          ({ stderr }: { readonly stderr: string }) => stderr,
        );
      const endpoint = ['--endpoints', server.endpoint];
      const ca = ['--cacert', file('ca.crt')];
      const own = (from: string): string[] => [
        '--cert',
        join(from, 'alice.crt'),
        '--key',
        join(from, 'alice.key'),
      ];
      const refused = /context deadline exceeded/;
      // A server of another CA than the client trusts, a client of another CA than the server trusts, no TLS.
      expect(await failed(...endpoint, '--cacert', join(other, 'ca.crt'), ...own(folder))).toMatch(refused);
      expect(await failed(...endpoint, ...ca, ...own(other))).toMatch(refused);
      expect(await failed('--endpoints', new URL(server.endpoint).host)).toMatch(refused);
      const plain = await run(curl.path, [
        '--silent',
        '--http1.1',
        server.endpoint.replace('https', 'http'),
      ]).catch(({ code }: { readonly code: number }) => code);
      // curl's codes for an empty reply and a connection that was reset.
      expect([52, 56]).toContain(plain);
      expect(await ctl('alice', 'get', 'key')).toBe('key\nvalue\n');
    });

    test('once authentication is enabled, the name in the certificate is the user', async () => {
      const admin = store.client().auth;
      await admin.userAdd('root', 'secret');
      await admin.roleAdd('root');
      await admin.userGrantRole('root', 'root');
      await admin.userAdd('alice', '', { noPassword: true });
      await admin.roleAdd('reader');
      await admin.roleGrantPermission('reader', { type: 'READ', key: new TextEncoder().encode('key') });
      await admin.userGrantRole('alice', 'reader');
      await admin.enable();
      expect(await ctl('alice', 'get', 'key')).toBe('key\nvalue\n');
      expect(await ctl('alice', 'put', 'key', 'other')).toContain('etcdserver: permission denied');
    });
  },
);

describe.skipIf(openssl.missing)(openssl.title('TLS files that are none'), () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'podwire-tls-'));
    makeCertificates(openssl.path, folder);
    writeFileSync(join(folder, 'text'), 'hello');
    writeFileSync(join(folder, 'broken'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    [
      'missing',
      'server.key',
      /^cannot read the TLS certificate .*missing: no such file or directory \(ENOENT\)$/,
    ],
    ['text', 'server.key', /text: expected a TLS certificate in PEM$/],
    ['broken', 'server.key', /broken: expected a certificate in PEM \(.+\)$/],
    ['server.crt', 'alice.key', /alice\.key: not the private key of .*server\.crt \(.+\)$/],
    ['server.crt', 'text', /text: expected a TLS private key in PEM$/],
  ])('%s and %s: one line', (cert, key, message) => {
    const files = { cert: join(folder, cert), key: join(folder, key), clientCertAuth: false };
    expect(() => loadServerTls(files)).toThrow(message);
  });
});

import { describe, expect, test } from 'vitest';
import { isEtcdUrl, parseEtcdUrl, withAbsoluteFiles } from '../../../agents/store/etcd-url.ts';
import { withoutCredentials } from '../../../agents/store/store-url.ts';

describe('the URL of a real etcd', () => {
  test.each([
    [
      'etcd://127.0.0.1:2379',
      { endpoints: ['127.0.0.1:2379'], user: undefined, tls: undefined, shown: 'etcd://127.0.0.1:2379' },
    ],
    [
      'etcds://a:1,[2001:db8::1]:2,c.example:3?ca=/x/ca.pem',
      {
        endpoints: ['a:1', '[2001:db8::1]:2', 'c.example:3'],
        user: undefined,
        tls: { ca: '/x/ca.pem' },
        shown: 'etcds://a:1,[2001:db8::1]:2,c.example:3',
      },
    ],
    [
      'etcds://me:p%40ss:w%25rd@a:1?cert=c.pem&key=k%26.pem',
      {
        endpoints: ['a:1'],
        user: { name: 'me', password: 'p@ss:w%rd' },
        tls: { cert: 'c.pem', key: 'k&.pem' },
        shown: 'etcds://a:1',
      },
    ],
    // Characters that a URL would want written otherwise, but that leave no doubt.
    [
      'etcd://me:a@b/c?d@a:1',
      { endpoints: ['a:1'], user: { name: 'me', password: 'a@b/c?d' }, tls: undefined, shown: 'etcd://a:1' },
    ],
  ])('%s', (url, address) => {
    expect(isEtcdUrl(url)).toBe(true);
    expect(parseEtcdUrl(url)).toEqual(address);
  });

  const form = 'etcd[s]://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...][?ca=FILE&cert=FILE&key=FILE]';
  test.each([
    ['etcd://', "store etcd://: expected HOST:PORT, got ''"],
    ['etcd://a', "store etcd://a: expected HOST:PORT, got 'a'"],
    ['etcd://a:1,b', "store etcd://a:1,b: expected HOST:PORT, got 'b'"],
    ['etcd://a:0', "store etcd://a:0: expected HOST:PORT, got 'a:0'"],
    ['etcd://a:65536', "store etcd://a:65536: expected HOST:PORT, got 'a:65536'"],
    ['etcd://a:1/x', `store etcd://a:1/x: expected ${form}`],
    ['http://a:1', `store http://a:1: expected ${form}`],
    ['etcd://secret@a:1', 'store etcd://a:1: expected USER:PASSWORD before the @'],
    ['etcd://:secret@a:1', 'store etcd://a:1: expected USER:PASSWORD before the @'],
    ['etcd://me:sec%ret@a:1', 'store etcd://a:1: expected a % in user or password to be written as %25'],
    ['etcd://me:secret@a:1/x', `store etcd://a:1/x: expected ${form}`],
    ['etcd://a:1?ca=/x', 'store etcd://a:1?ca=/x: expected etcds:// where there are files for TLS'],
    ['etcds://a:1?cert=/x', 'store etcds://a:1?cert=/x: expected cert and key together'],
    ['etcds://a:1?ca=', 'store etcds://a:1?ca=: expected the path of a file behind ca='],
    ['etcds://a:1?cacert=x', "store etcds://a:1?cacert=x: expected ca, cert, key behind the ?, got 'cacert'"],
  ])('%s is refused', (url, message) => {
    expect(() => parseEtcdUrl(url)).toThrow(new RangeError(message));
  });

  test('files become absolute, the rest stays', () => {
    const absolute = (path: string): string => `/here/${path}`;
    const url = 'etcds://me:a?b@h:1?ca=c a.pem&cert=x@y&key=k';
    expect(() => withAbsoluteFiles(url, absolute)).toThrow('HOST:PORT');
    const encoded = 'etcds://me:a?b@h:1?ca=c a.pem&cert=x%40y&key=k';
    const moved = withAbsoluteFiles(encoded, absolute);
    expect(parseEtcdUrl(moved)).toEqual({
      ...parseEtcdUrl(encoded),
      tls: { ca: '/here/c a.pem', cert: '/here/x@y', key: '/here/k' },
    });
    const plain = withAbsoluteFiles('etcds://a:1?ca=me@home/ca.crt', absolute);
    expect(parseEtcdUrl(plain)).toMatchObject({ endpoints: ['a:1'], tls: { ca: '/here/me@home/ca.crt' } });
    expect(withAbsoluteFiles('etcds://a:1', absolute)).toBe('etcds://a:1');
  });
});

test.each([
  ['redis://:secret@a:1/0', 'redis://a:1/0'],
  ['redis://me:se/cr@et@a:1', 'redis://a:1'],
  ['etcds://me:secret@a:1,b:2?ca=x', 'etcds://a:1,b:2?ca=x'],
  ['REDIS://:secret@a:1', 'REDIS://a:1'],
  ['me:secret@a:1', 'a:1'],
  ['memory', 'memory'],
])('%s is shown without credentials', (url, shown) => {
  expect(withoutCredentials(url)).toBe(shown);
});

import { withoutCredentials } from './store-url.ts';

/** A real etcd as a URL names it. */
export interface EtcdAddress {
  /** `host:port` of each member, the first to be asked first. */
  readonly endpoints: readonly string[];
  readonly user: { readonly name: string; readonly password: string } | undefined;
  /** Files in PEM; undefined: no TLS. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  /** The URL without user and files, for messages. */
  readonly shown: string;
}

/** How such a URL looks, for messages. */
export const ETCD_URL = 'etcd[s]://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...][?ca=FILE&cert=FILE&key=FILE]';

const FILES: readonly string[] = ['ca', 'cert', 'key'];
const PARTS = /^(etcds?):\/\/(?:(.*)@)?([^@/?]*)(?:\?(.*))?$/s;
const ENDPOINT = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/;

/** Whether a store's URL is that of a real etcd. */
export function isEtcdUrl(url: string): boolean {
  return /^etcds?:\/\//.test(url);
}

/**
 * Parses {@link ETCD_URL}: `etcds` is etcd over TLS. User and password may have %XX for characters that a URL has a use for.
 * @throws RangeError with one line that has no password in it.
 */
export function parseEtcdUrl(url: string): EtcdAddress {
  const [, scheme, user, hosts = '', query] = PARTS.exec(url) ?? fail(url, ETCD_URL);
  const endpoints = hosts.split(',');
  for (const endpoint of endpoints) {
    const port = Number(ENDPOINT.exec(endpoint)?.[2] ?? 0);
    if (port < 1 || port > 65_535) fail(url, `HOST:PORT, got '${endpoint}'`);
  }
  return {
    endpoints,
    user: user === undefined ? undefined : userOf(url, user),
    tls: tlsOf(url, scheme === 'etcds', query),
    shown: `${scheme}://${hosts}`,
  };
}

function fail(url: string, expected: string): never {
  throw new RangeError(`store ${withoutCredentials(url)}: expected ${expected}`);
}

function userOf(url: string, text: string): NonNullable<EtcdAddress['user']> {
  const colon = text.indexOf(':');
  if (colon <= 0) fail(url, 'USER:PASSWORD before the @');
  try {
    return {
      name: decodeURIComponent(text.slice(0, colon)),
      password: decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    return fail(url, 'a % in user or password to be written as %25');
  }
}

function tlsOf(url: string, isTls: boolean, query: string | undefined): EtcdAddress['tls'] {
  const files = Object.fromEntries(new URLSearchParams(query ?? ''));
  for (const [name, file] of Object.entries(files)) {
    if (!FILES.includes(name)) fail(url, `${FILES.join(', ')} behind the ?, got '${name}'`);
    if (file === '') fail(url, `the path of a file behind ${name}=`);
  }
  if (!isTls) {
    if (Object.keys(files).length > 0) fail(url, 'etcds:// where there are files for TLS');
    return undefined;
  }
  if ((files.cert === undefined) !== (files.key === undefined)) fail(url, 'cert and key together');
  return files;
}

/** Host, without brackets, and port of an {@link EtcdAddress.endpoints | endpoint}. */
export function hostAndPortOf(endpoint: string): { readonly host: string; readonly port: number } {
  const [, host, port] = ENDPOINT.exec(endpoint)!;
  return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** The same URL with absolute paths, good in any working directory. `absolute` makes a path so. */
export function withAbsoluteFiles(url: string, absolute: (path: string) => string): string {
  const { tls } = parseEtcdUrl(url);
  const files = Object.entries(tls ?? {});
  if (files.length === 0) return url;
  const query = new URLSearchParams(files.map(([name, file]) => [name, absolute(file)]));
  const given = PARTS.exec(url)![4]!;
  return `${url.slice(0, -given.length)}${query}`;
}

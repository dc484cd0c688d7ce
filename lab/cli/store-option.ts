import { InvalidArgumentError } from 'commander';
import { isEtcdUrl } from '../../agents/store/etcd-url.ts';
import { withoutCredentials } from '../../agents/store/store-url.ts';
import { UsageError } from './errors.ts';

/** Where the store keeps its data: `memory`, or a Redis URL. */
export function storeUrl(text: string): string {
  if (isOwnStore(text)) return text;
  return refuseStore(text, 'memory or a URL such as redis://127.0.0.1:6379');
}

function isOwnStore(text: string): boolean {
  if (text === 'memory') return true;
  const url = URL.parse(text);
  return url !== null && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '';
}

function refuseStore(text: string, expected: string): never {
  // commander shows what was given, with the password in it.
  if (text.includes('@')) throw new UsageError(`store ${withoutCredentials(text)}: expected ${expected}`);
  throw new InvalidArgumentError(`Expected ${expected}.`);
}

/** As {@link storeUrl}, or the URL of a real etcd, of which only the scheme is looked at: for the rest see etcd-url.ts. */
export function labStoreUrl(text: string): string {
  if (isEtcdUrl(text) || isOwnStore(text)) return text;
  return refuseStore(text, 'memory, a URL such as redis://127.0.0.1:6379, or etcd://127.0.0.1:2379');
}

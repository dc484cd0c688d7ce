/** What all resources of `projectcalico.org/v3` share. */

import { parseAddress, parsePrefix } from '../../ip/prefix.ts';
import { durationSeconds } from '../duration.ts';
import type { ResourceKind } from '../keys.ts';
import { parseSelector } from '../selector/parser.ts';
import { integer, object, oneOf, parsedText, type Reader, text, textMap, unexpected } from './field.ts';

export const API_VERSION = 'projectcalico.org/v3';

export interface ObjectMeta {
  readonly name: string;
  /** Only of namespaced kinds. */
  readonly namespace?: string;
  readonly uid?: string;
  /** RFC 3339 time. */
  readonly creationTimestamp?: string;
  /** etcd mod revision as decimal text. Set on what was read from the store, never stored. */
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Resource<K extends ResourceKind, Spec> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
}

const NAME = 'a name of lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit';
const isName = (value: string): boolean =>
  value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value);

export const readName: Reader<string> = text(NAME, isName);

const readMetadata: Reader<ObjectMeta> = object<Pick<ObjectMeta, 'name'>, Omit<ObjectMeta, 'name'>>(
  { name: readName },
  {
    namespace: readName,
    uid: text(),
    creationTimestamp: text('an RFC 3339 time', (value) => !Number.isNaN(Date.parse(value))),
    resourceVersion: text('decimal digits', (value) => /^\d+$/.test(value)),
    labels: textMap,
    annotations: textMap,
  },
);

/** Reader of a whole resource of one kind. */
export function resource<K extends ResourceKind, Spec extends object>(
  kind: K,
  spec: Reader<Spec>,
): Reader<Resource<K, Spec>> {
  const read = object<Resource<K, object>, object>(
    { apiVersion: oneOf(API_VERSION), kind: oneOf(kind), metadata: readMetadata, spec },
    {},
  );
  // Its `spec` is what the given reader returned.
  return read as Reader<Resource<K, Spec>>;
}

/** AS number, 1 to 4294967295: a number, its text, or asdot text `"1.10"` (RFC 5396). */
export const readAsNumber: Reader<number> = (value, path) => {
  const asn = typeof value === 'string' ? asNumberOfText(value) : value;
  if (typeof asn !== 'number' || !Number.isInteger(asn) || asn < 1 || asn > 0xffffffff) {
    throw unexpected(path, 'an AS number from 1 to 4294967295', value);
  }
  return asn;
};

function asNumberOfText(value: string): number | undefined {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  const dotted = /^(\d{1,5})\.(\d{1,5})$/.exec(value);
  if (dotted === null) return undefined;
  const [high, low] = [Number(dotted[1]), Number(dotted[2])];
  return high > 0xffff || low > 0xffff ? undefined : high * 0x10000 + low;
}

/** An IP prefix without host bits. */
export const readCidr: Reader<string> = parsedText((value) => {
  if (!value.includes('/')) throw new RangeError('a CIDR needs a prefix length, such as 10.0.0.0/16');
  parsePrefix(value);
});

/** An address of IP version 4 or 6, with or without a prefix length. */
export function readInterfaceAddress(version: 4 | 6): Reader<string> {
  return text(`an IPv${version} address, optionally with a prefix length`, (value) => {
    try {
      return parsePrefix(value, 'mask').version === version;
    } catch {
      return false;
    }
  });
}

/** An address of IP version 4 or 6. */
export function readAddress(version?: 4 | 6): Reader<string> {
  return text(`an IP${version === undefined ? '' : `v${version}`} address`, (value) => {
    const bytes = parseAddress(value);
    return bytes !== undefined && (version === undefined || bytes.length === (version === 4 ? 4 : 16));
  });
}

export const readSelector: Reader<string> = parsedText(parseSelector);
export const readDuration: Reader<string> = parsedText(durationSeconds);
export const readPort: Reader<number> = integer(1, 65535);
export const readMac: Reader<string> = text('a MAC address such as 66:f9:37:c3:7e:94', (value) =>
  /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value),
);

/** A reference to a key of a Kubernetes secret. */
export interface SecretRef {
  readonly secretKeyRef: { readonly name: string; readonly key: string };
}
export const readSecretRef: Reader<SecretRef> = object<SecretRef, object>(
  { secretKeyRef: object<SecretRef['secretKeyRef'], object>({ name: text(), key: text() }, {}) },
  {},
);

/** What the community attributes have in common: lists of items of one size, RFC 7606 §7.8, §7.14, §7.15. */
import type { CodecContext } from '../context.ts';
import { type AttributeCodec, expectItems, items, OPTIONAL, TRANSITIVE } from './codec.ts';

/** What tells one community attribute from another. */
export interface CommunityKind<T> {
  readonly type: number;
  readonly name: string;
  readonly rfc: string;
  readonly malformedRfc: string;
  /** Octets of one community. */
  readonly size: number;
  read(bytes: Uint8Array, at: number): T;
  encode: AttributeCodec<readonly T[]>['encode'];
  text(value: T): string;
}

/** The attribute codec of a kind of community. */
export function communityList<T>(kind: CommunityKind<T>): AttributeCodec<readonly T[]> {
  const { type, name, rfc, malformedRfc, size, read, encode, text } = kind;
  return {
    type,
    name,
    rfc,
    flags: OPTIONAL | TRANSITIVE,
    malformed: 'treat-as-withdraw',
    malformedRfc,
    decode(value: Uint8Array, _context: CodecContext, offset: number) {
      expectItems(name, value, size, offset);
      const list: T[] = [];
      for (let at = 0; at < value.length; at += size) list.push(read(value, at));
      return list;
    },
    encode,
    text: (values) => values.map(text).join(' '),
    fields: (value, offset) => items('community', value, size, offset, (bytes, at) => text(read(bytes, at))),
  };
}

/** Speaking with a peer that knows only 2-octet AS numbers, RFC 6793 §4.2. */

import { AS_TRANS } from '../message/open.ts';
import { type AsPath, type AsPathSegment, asPathLength, isConfed } from './as-path.ts';
import type { PathAttributes } from './table.ts';

/** Attribute types. */
const AS4_PATH = 17;
const AS4_AGGREGATOR = 18;

/**
 * Adds AS4_PATH and AS4_AGGREGATOR where an AS number does not fit into two octets (RFC 6793 §4.2.2). The AS numbers
 * themselves become AS_TRANS when the attributes are encoded for such a peer.
 */
export function withAs4(attributes: PathAttributes): PathAttributes {
  const { asPath, aggregator } = attributes;
  // Confederation segments have no place in AS4_PATH, and an empty one would be malformed.
  const wide = asPath?.some((segment) => !isConfed(segment) && segment.asns.some(isWide)) === true;
  const wideAggregator = aggregator !== undefined && aggregator.asn > 0xffff;
  if (!wide && !wideAggregator) return attributes;
  return {
    ...attributes,
    ...(wide ? { as4Path: asPath!.filter((segment) => !isConfed(segment)) } : {}),
    ...(wideAggregator ? { as4Aggregator: aggregator } : {}),
  };
}

function isWide(asn: number): boolean {
  return asn > 0xffff;
}

/**
 * Removes AS4_PATH and AS4_AGGREGATOR, and from an old speaker restores the true path and aggregator with them
 * (RFC 6793 §4.2.3); from a new speaker they are only discarded (§4.1).
 */
export function mergeAs4(attributes: PathAttributes, fourOctetAs: boolean): PathAttributes {
  if (attributes.as4Path === undefined && attributes.as4Aggregator === undefined) return attributes;
  const { as4Path, as4Aggregator, ...others } = attributes;
  const rest = withoutPartial(others);
  if (fourOctetAs) return rest;
  const { aggregator, asPath } = rest;
  // An AGGREGATOR with a true AS means that a 2-octet speaker aggregated after AS4_PATH was written.
  if (aggregator !== undefined && as4Aggregator !== undefined && aggregator.asn !== AS_TRANS) return rest;
  return {
    ...rest,
    ...(aggregator !== undefined && as4Aggregator !== undefined ? { aggregator: as4Aggregator } : {}),
    ...(asPath !== undefined && as4Path !== undefined ? { asPath: mergePath(asPath, as4Path) } : {}),
  };
}

/** Nothing of the two is left, not even that they came with the Partial bit. */
function withoutPartial({ partial, ...rest }: PathAttributes): PathAttributes {
  const left = partial?.filter((type) => type !== AS4_PATH && type !== AS4_AGGREGATOR) ?? [];
  return left.length === 0 ? rest : { ...rest, partial: left };
}

/** The leading part of `path` that AS4_PATH does not cover, then AS4_PATH; the count of ASes stays that of `path`. */
function mergePath(path: AsPath, as4: AsPath): AsPath {
  let keep = asPathLength(path) - asPathLength(as4);
  if (keep < 0) return path;
  const head: AsPathSegment[] = [];
  for (const segment of path) {
    if (isConfed(segment)) {
      head.push(segment);
      continue;
    }
    if (keep === 0) break;
    if (segment.kind === 'set') {
      head.push(segment);
      keep -= 1;
    } else {
      const asns = segment.asns.slice(0, keep);
      head.push({ kind: 'sequence', asns });
      keep -= asns.length;
      // Cut inside a segment: what follows it is not adjacent to what is kept.
      if (asns.length < segment.asns.length) break;
    }
  }
  return join(head, as4);
}

/** Concatenation in which two sequences that meet become one, where they fit into one segment. */
function join(head: readonly AsPathSegment[], tail: AsPath): AsPath {
  const last = head.at(-1);
  const first = tail[0];
  if (last?.kind !== 'sequence' || first?.kind !== 'sequence') return [...head, ...tail];
  if (last.asns.length + first.asns.length > 255) return [...head, ...tail];
  return [...head.slice(0, -1), { kind: 'sequence', asns: [...last.asns, ...first.asns] }, ...tail.slice(1)];
}

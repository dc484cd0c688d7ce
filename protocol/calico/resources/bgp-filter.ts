/**
 * BGPFilter (Calico `api/pkg/apis/projectcalico/v3/bgpfilter.go`): which routes come in from and go out to the peers
 * whose BGPPeer names it. The first rule that matches decides; a route that none matches goes on to the next filter.
 */

import { type IpVersion, parsePrefix } from '../../ip/prefix.ts';
import { type Resource, readAsNumber, resource } from './common.ts';
import { FieldError, integer, list, object, oneOf, type Reader, text, unexpected } from './field.ts';

/** A change that a rule makes to the routes that it accepts: exactly one field is set. */
export interface BgpFilterOperation {
  readonly addCommunity?: { readonly value: string };
  /** The AS path begins with these then, in this order. */
  readonly prependASPath?: { readonly prefix: readonly number[] };
  /** Metric of the route in the kernel. */
  readonly setPriority?: { readonly value: number };
}

export interface BgpFilterRule {
  readonly cidr?: string;
  /** Set where cidr is. */
  readonly matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  /** Bits, both ends inside; narrows what cidr matches. */
  readonly prefixLength?: { readonly min?: number; readonly max?: number };
  /** Only routes that a BGP peer sent. */
  readonly source?: 'RemotePeers';
  /** Interface that the route leads out of; `*` stands for any text. */
  readonly interface?: string;
  /** Only for sessions of this kind. */
  readonly peerType?: 'eBGP' | 'iBGP';
  /** One community, `a:b` or `a:b:c`, which the route carries. */
  readonly communities?: { readonly values: readonly string[] };
  /** AS numbers that the AS path begins with. */
  readonly asPathPrefix?: readonly number[];
  /** Metric of the route in the kernel. */
  readonly priority?: number;
  readonly action: 'Accept' | 'Reject';
  /** In order; only with Accept. */
  readonly operations?: readonly BgpFilterOperation[];
}

export interface BgpFilterSpec {
  readonly exportV4?: readonly BgpFilterRule[];
  readonly importV4?: readonly BgpFilterRule[];
  readonly exportV6?: readonly BgpFilterRule[];
  readonly importV6?: readonly BgpFilterRule[];
}

export type BgpFilter = Resource<'BGPFilter', BgpFilterSpec>;

const MAX_OPERATIONS = 10;
const readPriority: Reader<number> = integer(1, 0x7ffffffe);

const COMMUNITY = 'a community a:b of 16 bits each or a:b:c of 32 bits each';
const readCommunity: Reader<string> = text(COMMUNITY, (value) => {
  const fields = value.split(':');
  const max = fields.length === 2 ? 0xffff : 0xffffffff;
  return (
    (fields.length === 2 || fields.length === 3) &&
    fields.every((field) => /^(0|[1-9]\d{0,9})$/.test(field) && Number(field) <= max)
  );
});

/** A CIDR of an IP version; bits beyond its length are allowed, and mean nothing. */
function readFilterCidr(version: IpVersion): Reader<string> {
  return text(`an IPv${version} CIDR`, (value) => {
    try {
      return value.includes('/') && parsePrefix(value, 'mask').version === version;
    } catch {
      return false;
    }
  });
}

function bounded<T>(read: Reader<T>, min: number, max: number): Reader<T[]> {
  const readList = list(read);
  return (value, path, unknownFields) => {
    const items = readList(value, path, unknownFields);
    if (items.length >= min && items.length <= max) return items;
    const count = min === max ? `${min}` : `${min} to ${max}`;
    throw new FieldError(path, `expected ${count} entries, got ${items.length}`);
  };
}

const readOperationFields: Reader<BgpFilterOperation> = object<object, BgpFilterOperation>(
  {},
  {
    addCommunity: object<{ value: string }, object>({ value: readCommunity }, {}),
    prependASPath: object<{ prefix: number[] }, object>({ prefix: bounded(readAsNumber, 1, 10) }, {}),
    setPriority: object<{ value: number }, object>({ value: readPriority }, {}),
  },
);

const readOperation: Reader<BgpFilterOperation> = (value, path, unknownFields) => {
  const operation = readOperationFields(value, path, unknownFields);
  const set = Object.keys(operation).length;
  if (set === 1) return operation;
  throw new FieldError(path, `expected exactly one of addCommunity, prependASPath, setPriority, got ${set}`);
};

function readRule(version: IpVersion): Reader<BgpFilterRule> {
  const bits = integer(0, version === 4 ? 32 : 128);
  const readFields = object<Pick<BgpFilterRule, 'action'>, Omit<BgpFilterRule, 'action'>>(
    { action: oneOf('Accept', 'Reject') },
    {
      cidr: orEmpty(readFilterCidr(version)),
      matchOperator: orEmpty(oneOf('Equal', 'NotEqual', 'In', 'NotIn')),
      prefixLength: object<object, { min: number; max: number }>({}, { min: bits, max: bits }),
      source: orEmpty(oneOf('RemotePeers')),
      interface: orEmpty(
        text('an interface name of at most 15 characters, * for any text', (value) =>
          /^[a-zA-Z0-9_.*-]{1,15}$/.test(value),
        ),
      ),
      peerType: orEmpty(oneOf('eBGP', 'iBGP')),
      communities: object<{ values: string[] }, object>({ values: bounded(readCommunity, 1, 1) }, {}),
      asPathPrefix: list(readAsNumber),
      priority: readPriority,
      operations: bounded(readOperation, 1, MAX_OPERATIONS),
    },
  );
  return (value, path, unknownFields) => {
    const rule = withoutEmpty(readFields(value, path, unknownFields));
    if ((rule.cidr === undefined) !== (rule.matchOperator === undefined)) {
      const missing = rule.cidr === undefined ? 'cidr' : 'matchOperator';
      throw new FieldError([...path, missing], 'cidr and matchOperator need each other');
    }
    if (rule.prefixLength !== undefined && rule.cidr === undefined) {
      throw new FieldError([...path, 'prefixLength'], 'needs cidr');
    }
    if (rule.operations !== undefined && rule.action !== 'Accept') {
      throw new FieldError([...path, 'operations'], 'only with action Accept');
    }
    return rule;
  };
}

/** Go leaves unset text empty, which means that the condition is not there. */
function orEmpty<T extends string>(read: Reader<T>): Reader<T> {
  return (value, path, unknownFields) => {
    if (value === '') return value as T;
    if (typeof value !== 'string') throw unexpected(path, 'text', value);
    return read(value, path, unknownFields);
  };
}

function withoutEmpty(rule: BgpFilterRule): BgpFilterRule {
  return Object.fromEntries(
    Object.entries(rule).filter(([, value]) => value !== ''),
  ) as unknown as BgpFilterRule;
}

const readSpec: Reader<BgpFilterSpec> = object<object, BgpFilterSpec>(
  {},
  {
    exportV4: list(readRule(4)),
    importV4: list(readRule(4)),
    exportV6: list(readRule(6)),
    importV6: list(readRule(6)),
  },
);

export const readBgpFilter: Reader<BgpFilter> = resource('BGPFilter', readSpec);

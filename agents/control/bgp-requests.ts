import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import {
  boolean,
  integer,
  list,
  object,
  oneOf,
  type Reader,
  text,
} from '../../protocol/calico/resources/field.ts';
import type { AnnounceRequest, BgpControl, PathQuery, ShutdownRequest } from './bgp.ts';
import { reader } from './requests.ts';

/** What each action of {@link BgpControl} takes. */
type Argument<K extends keyof BgpControl> = Parameters<BgpControl[K]>[0];

const family: Reader<Family> = oneOf(...(Object.keys(FAMILIES) as Family[]));
const asn: Reader<number> = integer(0, 0xffff_ffff);
const word: Reader<string> = text('text', (value) => value !== '');

const prefix = object<Pick<PathQuery, never> & { prefix: string }, { family: Family }>(
  { prefix: word },
  { family },
);

const paths: Reader<PathQuery> = object<Pick<PathQuery, 'table'>, Required<Omit<PathQuery, 'table'>>>(
  { table: oneOf('rib', 'received', 'advertised') },
  {
    peer: word,
    family,
    prefix: word,
    longer: boolean,
    community: word,
    asPath: word,
    best: boolean,
    limit: integer(1, Number.MAX_SAFE_INTEGER),
  },
);

const dump: Reader<Argument<'dump'>> = object<Argument<'dump'>, object>(
  { what: oneOf('rib', 'updates') },
  {},
);

const announce: Reader<AnnounceRequest> = object<
  Pick<AnnounceRequest, 'prefix'>,
  Required<Omit<AnnounceRequest, 'prefix'>>
>(
  { prefix: word },
  {
    family,
    nextHop: word,
    med: asn,
    localPref: asn,
    origin: oneOf('IGP', 'EGP', 'INCOMPLETE'),
    asPath: list(asn),
    communities: list(word),
  },
);

const peer = { peer: word };

const raw: Reader<Argument<'sendRaw'>> = object<Argument<'sendRaw'>, object>(
  { ...peer, hex: text('pairs of hexadecimal digits', (value) => /^([0-9a-fA-F]{2})+$/.test(value)) },
  {},
);

const clear: Reader<Argument<'clear'>> = object<Argument<'clear'>, object>(
  { ...peer, how: oneOf('reset', 'in', 'out') },
  {},
);

const refresh: Reader<Argument<'refresh'>> = object<{ readonly peer: string }, { readonly family: Family }>(
  peer,
  { family },
);

const shutdown: Reader<ShutdownRequest> = object<
  Pick<ShutdownRequest, 'peer'>,
  Required<Omit<ShutdownRequest, 'peer'>>
>(peer, { message: text(), graceful: integer(0, 86_400), hard: boolean });

const enable: Reader<Argument<'enable'>> = object<Argument<'enable'>, object>(peer, {});

/** Readers of the bodies of actions on a speaker. @throws RequestError naming the field and what it must be. */
export const readPaths: (body: unknown) => PathQuery = reader(paths);
export const readDump: (body: unknown) => Argument<'dump'> = reader(dump);
export const readPrefix: (body: unknown) => Argument<'explain'> = reader(prefix);
export const readAnnounce: (body: unknown) => AnnounceRequest = reader(announce);
export const readRaw: (body: unknown) => Argument<'sendRaw'> = reader(raw);
export const readClear: (body: unknown) => Argument<'clear'> = reader(clear);
export const readRefresh: (body: unknown) => Argument<'refresh'> = reader(refresh);
export const readShutdown: (body: unknown) => ShutdownRequest = reader(shutdown);
export const readEnable: (body: unknown) => Argument<'enable'> = reader(enable);

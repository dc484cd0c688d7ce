import type { ExplainedPath, FamilyName, NeighborStatus, PathView } from '../bgp/types.ts';

/**
 * What a BGP speaker can be asked and told: `podwire bgp`. Speakers of their own and those of a lab's agents answer
 * alike; over a socket it is JSON over HTTP (docs/control-api.md). A peer is given by its name or its address.
 */
export interface BgpControl {
  summary(): Promise<BgpSummary>;
  neighbors(): Promise<BgpNeighbor[]>;
  /**
   * The paths of a table by family and prefix (beyond 100,000 routes of a family that the prefix leaves: in no order), one
   * after the other as the reader takes them, until `signal` aborts.
   * @throws RangeError on a query that names no peer, prefix, community, ...
   */
  paths(
    query: PathQuery,
    onPath: (path: PathView) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * MRT, as octets (RFC 6396): `rib`: all paths as they are, until all are written; `updates`: what sessions receive from
   * now on, until `signal` aborts. A reader of updates that is too slow ends them with an error.
   */
  dump(
    request: { readonly what: 'rib' | 'updates' },
    onBytes: (bytes: Uint8Array) => void | Promise<void>,
    signal: AbortSignal,
    onReady?: () => void,
  ): Promise<void>;
  /** Why the best path of a prefix is the best. */
  explain(query: { readonly prefix: string; readonly family?: FamilyName }): Promise<BgpExplanation>;
  /** Announces an own route, or changes it. */
  announce(request: AnnounceRequest): Promise<void>;
  /** Withdraws an own route. @throws RangeError where there is none. */
  withdraw(request: { readonly prefix: string; readonly family?: FamilyName }): Promise<void>;
  /** Writes bytes to the established session of a peer, whatever they are. */
  sendRaw(request: { readonly peer: string; readonly hex: string }): Promise<void>;
  /**
   * `reset`: ends the session with Administrative Reset, it comes back by itself. `in`: has the peer's routes judged by
   * the import policy again; `out`: sends the peer everything again.
   */
  clear(request: { readonly peer: string; readonly how: 'reset' | 'in' | 'out' }): Promise<void>;
  /** Asks the peer for all its routes again (RFC 2918). */
  refresh(request: { readonly peer: string; readonly family?: FamilyName }): Promise<void>;
  /** Ends the session until {@link enable}. */
  shutdown(request: ShutdownRequest): Promise<void>;
  enable(request: { readonly peer: string }): Promise<void>;
}

/** The head of `show bgp summary`. */
export interface BgpSummary {
  /** Node, or `speaker`. */
  readonly name: string;
  readonly asn: number;
  readonly routerId: string;
  readonly clusterId: string | null;
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  readonly tables: readonly {
    readonly family: FamilyName;
    /** Prefixes (or keys) with a best path, and all paths known. */
    readonly prefixes: number;
    readonly paths: number;
  }[];
}

/** A neighbour, as {@link NeighborStatus} with its time as RFC 3339 text. */
export interface BgpNeighbor extends Omit<NeighborStatus, 'since'> {
  readonly since: string;
}

export interface PathQuery {
  /** Loc-RIB with the losing paths, Adj-RIB-In or Adj-RIB-Out of a peer. */
  readonly table: 'rib' | 'received' | 'advertised';
  /** Of `received` and `advertised`. */
  readonly peer?: string;
  readonly family?: FamilyName;
  /** Only this prefix (of EVPN: a route in text), or with `longer` what is inside it. */
  readonly prefix?: string;
  readonly longer?: boolean;
  /** Only with this community, as it is printed. */
  readonly community?: string;
  /** Only where this regular expression finds something in AS_PATH; `_` is a boundary. */
  readonly asPath?: string;
  readonly best?: boolean;
  readonly limit?: number;
}

/** `explain`: the paths of a prefix, the best first. */
export interface BgpExplanation {
  readonly prefix: string;
  readonly family: FamilyName;
  readonly paths: readonly ExplainedPath[];
  /** The decision process, up to the step that left one path. */
  readonly steps: readonly ExplainedStep[];
}

/** A step of the decision process. */
export interface ExplainedStep {
  readonly step: string;
  /** The rule in words. */
  readonly rule: string;
  /** What the best path has. */
  readonly best: string;
  /** Paths that fell out here, by their number from 1 among the explanation's paths, and what they have. */
  readonly lost: readonly { readonly path: number; readonly value: string }[];
  /** How many paths are still in. */
  readonly left: number;
}

/** An own route as people write it. */
export interface AnnounceRequest {
  readonly prefix: string;
  readonly family?: FamilyName;
  readonly nextHop?: string;
  readonly med?: number;
  readonly localPref?: number;
  readonly origin?: 'IGP' | 'EGP' | 'INCOMPLETE';
  /** AS numbers, the nearest first. */
  readonly asPath?: readonly number[];
  /** RFC 1997, 4360 and 8092, as they are printed. */
  readonly communities?: readonly string[];
}

export interface ShutdownRequest {
  readonly peer: string;
  /** For the peer's operator (RFC 9003). */
  readonly message?: string;
  /** Before, announce everything with GRACEFUL_SHUTDOWN for so many seconds, so that other ways are found (RFC 8326). */
  readonly graceful?: number;
  /** The peer shall not keep our routes (RFC 8538). */
  readonly hard?: boolean;
}

/** What is not an agent, and can still be controlled: a speaker by itself. */
export interface SpeakerControl {
  /** Its name among the nodes of a socket. */
  readonly node: string;
  readonly speaker: BgpControl;
  stop(): Promise<void>;
}

/** Name of a speaker by itself. */
export const SPEAKER_NODE = 'speaker';

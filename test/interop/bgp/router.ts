/**
 * A foreign BGP speaker beside podwire, described once and run as BIRD, FRR or GoBGP. Tests say what the router is and
 * ask what it has; each driver knows its program's configuration and output.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** How long a program may take to come to what is asked for, ms. */
const ASK_TIMEOUT = 30_000;

export type RouterFamily = 'ipv4-unicast' | 'ipv6-unicast';

/** What a router is set up as. Addresses are of loopback; all BGP goes to port {@link RouterSpec.port}. */
export interface RouterSpec {
  readonly address: string;
  readonly asn: number;
  readonly port: number;
  /** BGP identifier where the address is no IPv4 one. */
  readonly routerId?: string;
  /** podwire, and whoever else it has a session with. */
  readonly peers: readonly RouterPeer[];
  readonly families: readonly RouterFamily[];
  /** Next hop of its IPv6 routes: its session has IPv4 addresses. */
  readonly nextHop6: string;
  /** Graceful restart with this restart time, seconds. */
  readonly restartTime?: number;
  /** Long-lived graceful restart after that (RFC 9494) with this stale time, seconds. */
  readonly longLivedTime?: number;
  /** Routes that it originates. */
  readonly networks: readonly RouterNetwork[];
}

export interface RouterPeer {
  readonly address: string;
  readonly asn: number;
  /** The router reflects to this peer as its client (RFC 4456). */
  readonly client?: boolean;
  /** ADD-PATH both ways (RFC 7911). */
  readonly addPath?: boolean;
  /** IPv4 NLRI with IPv6 next hops (RFC 8950). */
  readonly extendedNextHop?: boolean;
  readonly md5?: string;
  /** What the router is to this peer (RFC 9234). */
  readonly role?: 'customer' | 'provider';
}

export interface RouterNetwork {
  readonly prefix: string;
  /** One standard community, `"64512:1"`. */
  readonly community?: string;
  readonly med?: number;
}

/** A path that a router has from a peer, in the words that all of them know. */
export interface RouterPath {
  readonly prefix: string;
  /** Path identifier of the peer (RFC 7911), where the program shows it. */
  readonly pathId?: number;
  readonly nextHop: string;
  /** `"64512 64513"`; empty where internal. */
  readonly asPath: string;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly originatorId?: string;
  readonly clusterList?: readonly string[];
}

export interface Router {
  readonly name: string;
  readonly spec: RouterSpec;
  /** Paths received from a peer, by prefix. */
  received(peer: string, family: RouterFamily): Promise<readonly RouterPath[]>;
  /** Replaces its own routes while it runs. */
  originate(networks: readonly RouterNetwork[]): Promise<void>;
  /** Asks a peer for its routes again (RFC 2918); false where the program cannot be made to. */
  refresh(peer: string): Promise<boolean>;
  /** Ends without a word to anybody. */
  crash(): Promise<void>;
  /** Runs again after a crash, as a restarted speaker (RFC 4724 §4.1), with these routes of its own. */
  restart(networks: readonly RouterNetwork[]): Promise<void>;
  /** Whether the session with a peer is up. */
  established(peer: string): Promise<boolean>;
  /** Capabilities that both sides of the session with a peer advertised, as the router names them. */
  capabilities(peer: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts a router of some kind. */
export type StartRouter = (spec: RouterSpec) => Promise<Router>;

/** Asks until the answer is as wanted. A foreign program offers nothing to wait on. @throws Error when time is up. */
export async function ask<T>(question: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + ASK_TIMEOUT;
  for (;;) {
    const answer = await question().catch(() => undefined);
    if (answer !== undefined && wanted(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`asked in vain, last answer: ${String(answer)}`);
    await delay(40);
  }
}

/** Prefixes in the order of their text, for comparing. */
export function byPrefix(a: { readonly prefix: string }, b: { readonly prefix: string }): number {
  return a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0;
}

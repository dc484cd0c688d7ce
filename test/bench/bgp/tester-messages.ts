// What the benchmark and its tester processes say to each other.
import type { Slice, View } from './table.ts';

/** A peer that a tester process plays. */
export interface TesterPeer {
  /** Loopback address that it dials from; also its BGP identifier. */
  readonly address: string;
  readonly asn: number;
  /** What it announces. */
  readonly slices: readonly Slice[];
  /** Whether what it is sent is looked at. */
  readonly receives: boolean;
}

export interface Setup {
  readonly speaker: { readonly address: string; readonly port: number };
  readonly version: 4 | 6;
  /** Prefixes that there are. */
  readonly size: number;
  readonly peers: readonly TesterPeer[];
  /** Batches of changes to be sent one after the other by {@link Order} `churn`, by the first peer. */
  readonly churn?: readonly Slice[];
  /** Notes when changes arrive. */
  readonly logsArrivals?: boolean;
}

export interface Expectation {
  readonly slice: Slice;
  readonly view: View;
}

export type Order =
  | { readonly kind: 'connect'; readonly setup: Setup }
  /** What every receiving peer is to have; later entries replace earlier ones. */
  | { readonly kind: 'expect'; readonly table: readonly Expectation[] }
  | { readonly kind: 'announce' | 'withdraw' }
  /** @see Setup.churn; one batch each `interval` ms. */
  | { readonly kind: 'churn'; readonly interval: number }
  | { readonly kind: 'report' };

/** Times are ms of the monotonic clock, which all processes of a machine share. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Everything is handed to the system. */
  | { readonly kind: 'sent'; readonly began: number; readonly stamps: readonly number[] }
  /** Every receiving peer has what it should have. */
  | { readonly kind: 'complete'; readonly at: number }
  | ({ readonly kind: 'report' } & TesterReport);

export interface TesterReport {
  /** Processor time since the expectation, ms. */
  readonly cpu: number;
  readonly messages: number;
  readonly octets: number;
  /** Routes, over all peers, that are not as they should be. */
  readonly wrong: number;
  readonly arrivals: readonly Arrival[];
}

/** Now, on the clock of {@link Answer}. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Arrival of changes, for their delay: the edition, when it came (ms), and for how many routes. */
export interface Arrival {
  readonly edition: number;
  readonly at: number;
  readonly routes: number;
}

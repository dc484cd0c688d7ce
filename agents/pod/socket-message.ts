import type { PodNetwork } from './types.ts';

// How a pod of another container gets its wire. Its process opens a TAP as eth0 and an ICMP socket in its own network
// namespace and hands both over; the answer says how eth0 is to be configured. The connection stays: where the agent
// goes, the pod hands them over to the next one, and where the pod goes, the agent lets it go.

/** What a pod's process says with its descriptors: the TAP and, where it may open one, an ICMP socket. */
export interface PodHandOver {
  /** `namespace/name`. */
  readonly pod: string;
}

/** What it is told. */
export type PodHandOverAnswer = PodNetwork;

/** Code of the refusal of a pod that the agent will never run. */
export const UNKNOWN_POD = 'ENODEV';

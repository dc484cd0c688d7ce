import type { Origin, Port, PortId } from './types.ts';

export interface NeighborEntry {
  readonly mac: number;
  readonly origin: Origin;
}

export interface FdbEntry {
  readonly vtep: number;
  readonly origin: Origin;
}

/** A port with its counters and link tables. */
export interface PortState {
  readonly id: PortId;
  readonly port: Port;
  /** Permanent neighbours by address. */
  readonly neighbors: Map<number, NeighborEntry>;
  /** VXLAN: VTEP address by MAC. */
  readonly fdb: Map<number, FdbEntry>;
  /** VXLAN: how many FDB entries name a VTEP address; only these are accepted as senders. */
  readonly vteps: Map<number, number>;
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
}

/** A port with empty tables. */
export function newPortState(id: PortId, port: Port): PortState {
  return {
    id,
    port,
    neighbors: new Map(),
    fdb: new Map(),
    vteps: new Map(),
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
  };
}

/** Adds or replaces an FDB entry, keeping the set of known VTEPs. */
export function setFdbEntry(state: PortState, mac: number, entry: FdbEntry): void {
  removeFdbEntry(state, mac);
  state.fdb.set(mac, entry);
  state.vteps.set(entry.vtep, (state.vteps.get(entry.vtep) ?? 0) + 1);
}

/** @returns whether there was one. */
export function removeFdbEntry(state: PortState, mac: number): boolean {
  const entry = state.fdb.get(mac);
  if (entry === undefined) return false;
  state.fdb.delete(mac);
  const uses = state.vteps.get(entry.vtep)! - 1;
  if (uses === 0) state.vteps.delete(entry.vtep);
  else state.vteps.set(entry.vtep, uses);
  return true;
}

import type { MacMove } from '../../protocol/bgp/rib/rib.ts';
import type { Log } from '../ports.ts';

/** Says that a MAC address of ours moved to another PE or came back; a warning where it is static there (RFC 7432 §15.2). */
export function logMacMove(log: Log, { prefix, peer, lost, conflict }: MacMove): void {
  const fields = { prefix, ...(peer === undefined ? {} : { peer: peer.name }) };
  if (conflict)
    log.warn({ ...fields, withdrawn: lost !== undefined }, 'own MAC address is static at another PE');
  else if (lost !== undefined) log.info({ ...fields, reason: lost }, 'own MAC address moved to another PE');
  else log.info(fields, 'own MAC address is announced again');
}

import type { AgentControl, NeighborRow } from '../../agents/control/types.ts';

/** Sessions of a lab: each counted once, although both its ends may be agents of the lab. */
export async function countSessions(
  nodes: readonly AgentControl[],
): Promise<{ readonly established: number; readonly total: number }> {
  const rows = (await Promise.all(nodes.map((agent) => agent.bgp()))).flat();
  const addresses = new Map(
    (await Promise.all(nodes.map((agent) => agent.status()))).map((s) => [s.node, s.address]),
  );
  const sessions = new Map<string, boolean>();
  for (const row of rows) {
    const key = sessionKey(row, addresses.get(row.node_name) ?? row.localAddress ?? row.node_name);
    // A session is up when all ends that can be asked say so.
    sessions.set(key, (sessions.get(key) ?? true) && row.state === 'Established');
  }
  return { established: [...sessions.values()].filter(Boolean).length, total: sessions.size };
}

function sessionKey(row: NeighborRow, own: string): string {
  return [own, row.address].toSorted().join(' ');
}

import { errorCode } from '../errors.ts';
import { nodeTcp } from '../tcp.ts';
import { createNetns, withNetns } from './netns.ts';
import { openTap } from './tap.ts';

/** Whether something can be used, and why not: one line for people. */
export type Ability =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly reason: string };

function failure(error: unknown): Ability {
  const reason = error instanceof Error ? error.message : String(error);
  return { ok: false, code: errorCode(error), reason };
}

/**
 * Whether this process can make pods that are network namespaces, found out by making one with a TAP inside and
 * removing it: capabilities, seccomp filters and a missing /dev/net/tun all show.
 */
export function canUseLinuxPods(): Ability {
  if (process.platform !== 'linux') {
    return { ok: false, code: 'ENOSYS', reason: `Linux pods need Linux; this is ${process.platform}` };
  }
  try {
    const netns = createNetns();
    try {
      withNetns(netns, () => openTap('eth0').close());
    } finally {
      netns.close();
    }
    return { ok: true };
  } catch (error) {
    return failure(error);
  }
}

/** Whether TCP can listen there now, e.g. on port 179; the port is free again when this resolves. */
export async function canBind(address: string, port: number): Promise<Ability> {
  try {
    const listener = await nodeTcp().listen({ address, port }, () => undefined);
    await listener.close();
    return { ok: true };
  } catch (error) {
    return failure(error);
  }
}

/** The routes of a decoded UPDATE, by family and next hop: runs of NLRI, all views on the message. */
import { type Family, familyOf } from '../family.ts';
import type { Nlri } from '../nlri/codec.ts';
import type { UpdateMessage } from './update.ts';

/** Routes of one family with one next hop, as they stood in the message. */
export interface AnnouncedRoutes extends Nlri {
  readonly nextHop: Uint8Array;
  readonly addPath: boolean;
}

/** Routes that are withdrawn. */
export interface WithdrawnRoutes extends Nlri {
  readonly addPath: boolean;
}

const IPV4 = 'ipv4-unicast';

/** Routes that the message announces, by family, with the next hop octets of each; faulty ones are left out. */
export function announcedRoutes(update: UpdateMessage): readonly AnnouncedRoutes[] {
  if (update.announcedRoutes !== undefined) return update.announcedRoutes;
  const result: AnnouncedRoutes[] = [];
  const { mpReach, nextHop } = update.attributes;
  if (update.treatAsWithdraw) return result;
  const add = (family: Family | undefined, bytes: Uint8Array, hop: Uint8Array): void => {
    eachRun(update, family, bytes, (run) => result.push({ ...run, nextHop: hop }));
  };
  if (update.nlri.length > 0) add(IPV4, update.nlri, nextHop!);
  if (mpReach !== undefined) add(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri, mpReach.nextHop);
  return result;
}

/** Routes that the message withdraws, those that it treats as withdrawn among them. */
export function withdrawnRoutes(update: UpdateMessage): readonly WithdrawnRoutes[] {
  if (update.withdrawnRoutes !== undefined) return update.withdrawnRoutes;
  const result: WithdrawnRoutes[] = [];
  const { mpReach, mpUnreach } = update.attributes;
  const add = (family: Family | undefined, bytes: Uint8Array): void => {
    eachRun(update, family, bytes, (run) => result.push(run));
  };
  add(IPV4, update.withdrawn);
  if (mpUnreach !== undefined) add(familyOf(mpUnreach.afi, mpUnreach.safi), mpUnreach.nlri);
  if (update.treatAsWithdraw) {
    add(IPV4, update.nlri);
    if (mpReach !== undefined) add(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri);
  }
  for (const { family, bytes, withdraws, outcome } of update.faultyRoutes) {
    if (outcome !== 'treat-as-withdraw' || withdraws) continue;
    result.push({ family, bytes, addPath: update.addPath.includes(family) });
  }
  return result;
}

/** The runs of sound routes in a field of a negotiated family: the whole field, unless faulty ones cut it up. */
function eachRun(
  update: UpdateMessage,
  family: Family | undefined,
  field: Uint8Array,
  visit: (run: WithdrawnRoutes) => void,
): void {
  if (family === undefined || field.length === 0 || !update.families.includes(family)) return;
  const addPath = update.addPath.includes(family);
  let from = 0;
  for (const { bytes } of update.faultyRoutes) {
    const at = bytes.byteOffset - field.byteOffset;
    if (at < from || at >= field.length) continue;
    if (at > from) visit({ family, bytes: field.subarray(from, at), addPath });
    from = at + bytes.length;
  }
  if (from < field.length) visit({ family, bytes: field.subarray(from), addPath });
}

/** The family whose initial feed this message ends (RFC 4724 §2), if it is such a marker. */
export function endOfRib(update: UpdateMessage): Family | undefined {
  if (update.withdrawn.length > 0 || update.nlri.length > 0) return undefined;
  const { rawAttributes: raw } = update;
  if (raw.length === 0) return IPV4;
  const { mpUnreach } = update.attributes;
  if (mpUnreach === undefined || mpUnreach.nlri.length > 0) return undefined;
  // Nothing else beside it: AFI and SAFI with a header of three octets, or of four.
  const alone = raw.length === 6 || (raw.length === 7 && (raw[0]! & 0x10) !== 0);
  return alone ? familyOf(mpUnreach.afi, mpUnreach.safi) : undefined;
}

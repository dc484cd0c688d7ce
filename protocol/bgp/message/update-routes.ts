/** The routes of a decoded UPDATE, by family and next hop: runs of NLRI where they stand in the message. */
import { type Family, familyOf } from '../family.ts';
import { RouteRun } from './route-run.ts';
import type { UpdateMessage } from './update.ts';

const IPV4 = 'ipv4-unicast';

/** Routes that the message announces, by family, with the next hop octets of each; faulty ones are left out. */
export function announcedRoutes(update: UpdateMessage): readonly RouteRun[] {
  if (update.announcedRoutes !== undefined) return update.announcedRoutes;
  const result: RouteRun[] = [];
  const { mpReach, nextHop } = update.attributes;
  if (update.treatAsWithdraw) return result;
  const add = (family: Family | undefined, bytes: Uint8Array, hop: Uint8Array): void => {
    eachRun(update, family, bytes, (where, from, to, addPath) => {
      result.push(new RouteRun(where, addPath, bytes, from, to, hop, 0, hop.length));
    });
  };
  if (update.nlri.length > 0) add(IPV4, update.nlri, nextHop!);
  if (mpReach !== undefined) add(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri, mpReach.nextHop);
  return result;
}

/** Routes that the message withdraws, those that it treats as withdrawn among them. */
export function withdrawnRoutes(update: UpdateMessage): readonly RouteRun[] {
  if (update.withdrawnRoutes !== undefined) return update.withdrawnRoutes;
  const result: RouteRun[] = [];
  const { mpReach, mpUnreach } = update.attributes;
  const add = (family: Family | undefined, bytes: Uint8Array): void => {
    eachRun(update, family, bytes, (where, from, to, addPath) => {
      result.push(new RouteRun(where, addPath, bytes, from, to));
    });
  };
  add(IPV4, update.withdrawn);
  if (mpUnreach !== undefined) add(familyOf(mpUnreach.afi, mpUnreach.safi), mpUnreach.nlri);
  if (update.treatAsWithdraw) {
    add(IPV4, update.nlri);
    if (mpReach !== undefined) add(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri);
  }
  for (const { family, bytes, withdraws, outcome } of update.faultyRoutes) {
    if (outcome !== 'treat-as-withdraw' || withdraws) continue;
    result.push(new RouteRun(family, update.addPath.includes(family), bytes));
  }
  return result;
}

/** The runs of sound routes in a field of a negotiated family: the whole field, unless faulty ones cut it up. */
function eachRun(
  update: UpdateMessage,
  family: Family | undefined,
  field: Uint8Array,
  visit: (family: Family, from: number, to: number, addPath: boolean) => void,
): void {
  if (family === undefined || field.length === 0 || !update.families.includes(family)) return;
  const addPath = update.addPath.includes(family);
  let from = 0;
  for (const { bytes } of update.faultyRoutes) {
    const at = bytes.byteOffset - field.byteOffset;
    if (at < from || at >= field.length) continue;
    if (at > from) visit(family, from, at, addPath);
    from = at + bytes.length;
  }
  if (from < field.length) visit(family, from, field.length, addPath);
}

/** The family whose initial feed this message ends (RFC 4724 §2), if it is such a marker. */
export function endOfRib(update: UpdateMessage): Family | undefined {
  if (update.plain && update.announcedRoutes!.length + update.withdrawnRoutes!.length > 0) return undefined;
  if (update.withdrawn.length > 0 || update.nlri.length > 0) return undefined;
  const { rawAttributes: raw } = update;
  if (raw.length === 0) return IPV4;
  const { mpUnreach } = update.attributes;
  if (mpUnreach === undefined || mpUnreach.nlri.length > 0) return undefined;
  // Nothing else beside it: AFI and SAFI with a header of three octets, or of four.
  const alone = raw.length === 6 || (raw.length === 7 && (raw[0]! & 0x10) !== 0);
  return alone ? familyOf(mpUnreach.afi, mpUnreach.safi) : undefined;
}

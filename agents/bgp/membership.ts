/** Route targets that we ask our peers for (RFC 4684): routes of the family `rt-constraint` of our own. */
import { NLRI_CODECS } from '../../protocol/bgp/nlri/table.ts';
import { familiesOf } from './session-config.ts';
import type { PeerSettings, SpeakerConfig } from './types.ts';

const FAMILY = 'rt-constraint';
/** The membership of length 0, which asks for every route (RFC 4684 §4). */
const DEFAULT = 'default';

/**
 * Route target memberships to announce, as text: those of the configuration; without one everything where we reflect
 * (RFC 4684 §6), and otherwise nothing, since we have no VRF that would import anything.
 * @throws RangeError naming what is no route target.
 */
export function ownMemberships(config: SpeakerConfig, peers: readonly PeerSettings[]): readonly string[] {
  const { asn, confederation, rtConstraint = true } = config;
  const carriers = peers.filter((peer) => familiesOf(peer).includes(FAMILY));
  if (rtConstraint === false || carriers.length === 0) return [];
  const wanted = rtConstraint === true ? undefined : rtConstraint.import;
  if (wanted === DEFAULT) return [DEFAULT];
  if (wanted === undefined) {
    return carriers.some(({ routeReflectorClient }) => routeReflectorClient === true) ? [DEFAULT] : [];
  }
  const origin = confederation?.id ?? asn;
  return wanted.map((target) => membership(origin, target));
}

/** @throws RangeError where it is no route target. */
export function membership(origin: number, target: string): string {
  const text = /^rt:(.+)$/i.exec(target)?.[1];
  if (text === undefined)
    throw new RangeError(`not a route target: ${JSON.stringify(target)} (expected "rt:65000:1")`);
  const nlri = `${origin}:${text}`;
  NLRI_CODECS[FAMILY].parse!(nlri);
  return nlri;
}

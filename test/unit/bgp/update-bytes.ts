// UPDATEs from hex, and what becomes of them.
import { expect } from 'vitest';
import { BASE_CONTEXT, type CodecContext } from '../../../protocol/bgp/context.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { decodeUpdate } from '../../../protocol/bgp/message/update.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { message } from './golden.ts';

/** A session with an internal peer that knows 4-octet AS numbers. */
export const INTERNAL: CodecContext = {
  ...BASE_CONTEXT,
  fourOctetAs: true,
  families: ['ipv4-unicast', 'ipv6-unicast'],
};
/** The same with AS 4200000078, which has to stand first in its paths. */
export const EXTERNAL: CodecContext = { ...INTERNAL, peerType: 'external', firstAs: 4200000078 };
/** With a peer that knows only 2-octet AS numbers. */
export const OLD: CodecContext = { ...INTERNAL, fourOctetAs: false };

export const ORIGIN = '40 01 01 00';
export const PATH = '40 02 06 02 01 0000fc01';
export const HOP = '40 03 04 0a000001';
/** What a sound UPDATE cannot do without. */
export const BASE: string = `${ORIGIN} ${PATH} ${HOP}`;
/** 10.1.0.0/24 */
export const NLRI = '18 0a0100';

/** One attribute in hex, its length counted. */
export function attribute(flags: string, type: string, value: string): string {
  return `${flags} ${type} ${toHex(Uint8Array.of(fromHex(value).length))} ${value}`;
}

/** An UPDATE from attributes, NLRI and withdrawn routes in hex. */
export function update(attributes: string, nlri: string = NLRI, withdrawn = ''): Uint8Array {
  const [w, a, n] = [fromHex(withdrawn), fromHex(attributes), fromHex(nlri)];
  const length = (value: number): string => value.toString(16).padStart(4, '0');
  return message(
    `${length(23 + w.length + a.length + n.length)} 02 ${length(w.length)} ${toHex(w)} ${length(a.length)} ${toHex(a)} ${toHex(n)}`,
  );
}

/** Type and outcome of each fault of an UPDATE, or the NOTIFICATION that ends the session; `"ok"` for none. */
export function outcome(bytes: Uint8Array, context: CodecContext = INTERNAL): string {
  try {
    const { faults, treatAsWithdraw } = decodeUpdate(bytes, context);
    expect(treatAsWithdraw).toBe(faults.some((fault) => fault.outcome === 'treat-as-withdraw'));
    return faults.map((fault) => `${fault.type} ${fault.outcome}`).join(', ') || 'ok';
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return `reset ${error.notification.code}/${error.notification.subcode}`;
  }
}

/** Telling a BMP collector of a node's speaker (RFC 7854). */
import { SpeakerBmp } from '../bmp/speaker-bmp.ts';
import type { BmpTable } from '../bmp/types.ts';
import type { Clock, Endpoint, Log, Random } from '../ports.ts';
import type { RoutingOptions } from './routing.ts';

/** A lab's tables are small, so the collector sees all of them. */
const TABLES: readonly BmpTable[] = ['pre-policy', 'post-policy', 'adj-rib-out', 'loc-rib'];

/** The collector of a lab, and who tells it. */
export interface NodeBmp {
  readonly collector: Endpoint;
  /** Program and version, such as `podwire 0.1.0`. */
  readonly program: string;
}

/** What a node's routing does with each of its speakers: the collector sees the node's name and address. */
export function bmpMonitor(
  { collector, program }: NodeBmp,
  { node, address }: { readonly node: string; readonly address: string },
  ports: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): NonNullable<RoutingOptions['monitor']> {
  return (speaker, tcp) => {
    const { clock, random, log } = ports;
    const bmp = new SpeakerBmp(speaker, { clock, random, log, tcp }, { sysName: node, program });
    bmp.configure([{ ...collector, localAddress: address, routes: TABLES }]);
    return () => bmp.close();
  };
}

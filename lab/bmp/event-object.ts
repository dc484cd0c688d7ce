import type { BmpRib } from '../../protocol/bmp/peer-header.ts';
import type { RouteFields } from '../../protocol/mrt/json.ts';

/** What an OPEN says. */
export interface OpenFields {
  readonly asn: number;
  readonly routerId: string;
  /** Seconds. */
  readonly holdTime: number;
  readonly families: readonly string[];
  readonly capabilities: readonly string[];
}

/** A number of a Statistics Report. */
export interface StatisticFields {
  readonly type: number;
  readonly name: string;
  readonly family?: string;
  /** Hex where it is no number. */
  readonly value: number | string;
}

/** A line of `podwire bmp listen --format json`, without time and router; docs/bmp.md says what is where. */
export interface EventObject extends Partial<RouteFields> {
  readonly event:
    | 'connected'
    | 'closed'
    | 'initiation'
    | 'termination'
    | 'peer-up'
    | 'peer-down'
    | 'announce'
    | 'withdraw'
    | 'end-of-rib'
    | 'statistics'
    | 'route-mirroring'
    | 'unknown'
    | 'malformed';
  readonly peer?: {
    readonly address?: string;
    readonly asn: number;
    readonly routerId: string;
    readonly type: string;
    readonly distinguisher?: string;
  };
  /** Seconds since 1970 of what the message tells; absent where the sender does not know. */
  readonly timestamp?: number;
  readonly rib?: BmpRib;
  readonly family?: string;
  readonly prefix?: string;
  readonly pathId?: number;
  readonly sysName?: string | undefined;
  readonly sysDescr?: string | undefined;
  readonly text?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  readonly notification?: string;
  readonly fsmEvent?: number;
  readonly local?: { readonly address: string; readonly port: number };
  readonly remotePort?: number;
  readonly table?: string;
  readonly sent?: OpenFields;
  readonly received?: OpenFields;
  readonly statistics?: readonly StatisticFields[];
  readonly messages?: readonly string[];
  readonly error?: string;
  readonly unread?: number;
  readonly type?: number;
  readonly length?: number;
}

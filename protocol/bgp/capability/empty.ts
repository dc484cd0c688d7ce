/**
 * Capabilities without a value: Route Refresh (2, RFC 2918 §2; 128 from Cisco's routers before that RFC, which FRR
 * still sends beside it), Extended Message (6, RFC 8654 §3), Enhanced Route Refresh (70, RFC 7313 §3.1).
 */
import type { CapabilityCodec } from './codec.ts';

export interface EmptyCapability {
  readonly kind: 'route-refresh' | 'route-refresh-cisco' | 'extended-message' | 'enhanced-route-refresh';
}

export const routeRefresh: CapabilityCodec<EmptyCapability> = empty(
  2,
  'route-refresh',
  'Route Refresh',
  'RFC 2918 §2',
);

export const routeRefreshCisco: CapabilityCodec<EmptyCapability> = {
  ...empty(128, 'route-refresh-cisco', 'Route Refresh (Cisco)', 'RFC 8810 §3'),
  malformed: 'ignored',
};

export const extendedMessage: CapabilityCodec<EmptyCapability> = empty(
  6,
  'extended-message',
  'Extended Message',
  'RFC 8654 §3',
);

export const enhancedRouteRefresh: CapabilityCodec<EmptyCapability> = empty(
  70,
  'enhanced-route-refresh',
  'Enhanced Route Refresh',
  'RFC 7313 §3.1',
);

function empty(
  code: number,
  kind: EmptyCapability['kind'],
  name: string,
  rfc: string,
): CapabilityCodec<EmptyCapability> {
  return {
    code,
    kind,
    name,
    rfc,
    malformed: 'session-reset',
    decode: (value) => (value.length === 0 ? { kind } : undefined),
    encode: () => undefined,
    text: () => '',
    fields: () => [],
  };
}

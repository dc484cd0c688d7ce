/**
 * Capabilities without a value: Route Refresh (2, RFC 2918 §2), Extended Message (6, RFC 8654 §3), Enhanced Route
 * Refresh (70, RFC 7313 §3.1).
 */
import type { CapabilityCodec } from './codec.ts';

export interface EmptyCapability {
  readonly kind: 'route-refresh' | 'extended-message' | 'enhanced-route-refresh';
}

export const routeRefresh: CapabilityCodec<EmptyCapability> = empty(2, 'route-refresh');
export const extendedMessage: CapabilityCodec<EmptyCapability> = empty(6, 'extended-message');
export const enhancedRouteRefresh: CapabilityCodec<EmptyCapability> = empty(70, 'enhanced-route-refresh');

function empty(code: number, kind: EmptyCapability['kind']): CapabilityCodec<EmptyCapability> {
  return {
    code,
    kind,
    decode: (value) => (value.length === 0 ? { kind } : undefined),
    encode: () => undefined,
  };
}

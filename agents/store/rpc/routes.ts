import { AUTH_ROUTES } from './auth.ts';
import { CLUSTER_ROUTES } from './cluster.ts';
import { HEALTH_ROUTES } from './health.ts';
import { KV_ROUTES } from './kv.ts';
import { LEASE_ROUTES } from './lease.ts';
import { MAINTENANCE_ROUTES } from './maintenance.ts';
import type { Route } from './route.ts';
import { WATCH_ROUTES } from './watch.ts';

/** Everything that is served. */
export const ROUTES: readonly Route[] = [
  ...KV_ROUTES,
  ...WATCH_ROUTES,
  ...LEASE_ROUTES,
  ...AUTH_ROUTES,
  ...CLUSTER_ROUTES,
  ...MAINTENANCE_ROUTES,
  ...HEALTH_ROUTES,
];

import { health } from '../../../protocol/etcd/api/health.ts';
import { NOT_FOUND } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import type { Store } from '../store.ts';
import { answers, opens, type Route } from './route.ts';

/** Service grpc.health.v1.Health: only the server as a whole has a status, as in etcd. */
export const HEALTH_ROUTES: readonly Route[] = [
  answers(health.check, async ({ store }, { service }) => {
    if (service !== '') throw new EtcdError(NOT_FOUND, 'unknown service');
    return statusOf(store);
  }),
  opens(health.watch, ({ store }, out) => {
    let unsubscribe = (): void => {};
    return {
      message: ({ service }) => {
        if (service !== '') {
          out.send({ status: 'SERVICE_UNKNOWN' });
          return;
        }
        out.send(statusOf(store));
        unsubscribe = store.onAvailability(() => out.send(statusOf(store)));
      },
      halfClosed: () => {},
      closed: () => unsubscribe(),
    };
  }),
];

function statusOf(store: Store): { readonly status: 'SERVING' | 'NOT_SERVING' } {
  return { status: store.available ? 'SERVING' : 'NOT_SERVING' };
}

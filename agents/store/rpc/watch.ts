import { watch } from '../../../protocol/etcd/api/watch.ts';
import { opens, type Route, toEtcdError } from './route.ts';

/** Service Watch (etcd `server/etcdserver/api/v3rpc/watch.go`): the stream's watches are the store's. */
export const WATCH_ROUTES: readonly Route[] = [
  opens(watch.watch, ({ client }, out) => {
    const stream = client.watchStream({
      onResponse: (response) => {
        if (!out.send(response)) stream.pause();
      },
      onEnd: (error) => out.end(toEtcdError(error)),
    });
    return {
      message: ({ createRequest, cancelRequest, progressRequest }) => {
        if (createRequest !== undefined) stream.create(createRequest);
        else if (cancelRequest !== undefined) stream.cancel(cancelRequest.watchId);
        else if (progressRequest !== undefined) stream.requestProgress();
      },
      // A client that has no more to ask still listens.
      halfClosed: () => {},
      drained: () => stream.resume(),
      closed: () => stream.close(),
    };
  }),
];

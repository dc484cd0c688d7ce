/**
 * Two watches of the key `k`, each on a connection of its own, in a process that is not the server's: `two-readers.ts ADDRESS`. It
 * says when both are there, when the quick one has been told the last of the revisions that it was asked to wait for, and what the
 * slow one has been told in the end, which does not read until it is told to.
 */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { type WatchMessage, type WatchResponseMessage, watch } from '../../../protocol/etcd/api/watch.ts';
import { b } from './support.ts';

/** What the parent says. */
export type ToReaders =
  /** Tell me when the quick reader has been told this revision. */
  | { readonly kind: 'quick'; readonly until: number }
  /** Let the slow reader read, up to this revision. */
  | { readonly kind: 'slow'; readonly until: number };

export type FromReaders = 'watching' | 'quick' | { readonly slow: readonly number[] };

type Stream = ClientDuplexStream<WatchMessage, WatchResponseMessage>;

function open(address: string): Stream {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  return client.makeBidiStreamRequest(
    watch.watch.path,
    (request: WatchMessage) => Buffer.from(watch.watch.request.encode(request)),
    (bytes: Buffer) => watch.watch.response.decode(bytes),
  );
}

/** Resolves when the watch is there; the stream does not read on. */
function created(stream: Stream): Promise<void> {
  stream.write({ createRequest: { key: b('k'), watchId: 0n, fragment: false } });
  return new Promise((resolve) => {
    stream.once('data', () => {
      stream.pause();
      resolve();
    });
  });
}

/** Reads until a revision has come; resolves with all that came. */
function read(stream: Stream, until: number): Promise<readonly number[]> {
  const revisions: number[] = [];
  return new Promise((resolve) => {
    stream.on('data', ({ events }: WatchResponseMessage) => {
      for (const { kv } of events) revisions.push(Number(kv.modRevision));
      if (revisions.at(-1) === until) resolve(revisions);
    });
    stream.resume();
  });
}

const say = (message: FromReaders): void => {
  process.send!(message);
};

const [quick, slow] = [open(process.argv[2]!), open(process.argv[2]!)];
process.on('message', async ({ kind, until }: ToReaders) => {
  if (kind === 'quick') {
    await read(quick, until);
    say('quick');
  } else {
    say({ slow: await read(slow, until) });
  }
});
// The parent is gone.
process.on('disconnect', () => process.exit());
await created(quick);
await created(slow);
say('watching');

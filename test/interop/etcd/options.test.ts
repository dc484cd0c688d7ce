// Options of `podwire store` that etcd has too: the same options, the same answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyBytes } from '../../../protocol/etcd/keys.ts';
import type { RequestOp } from '../../../protocol/etcd/types.ts';
import { Workspace } from '../../lab/support/workspace.ts';
import { type RealEtcd, realEtcd } from '../../store-checks/real-etcd.ts';
import { tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { failure } from '../../unit/store/support.ts';
import { type EtcdServer, freePort, startEtcd } from '../etcd-server.ts';

const etcd = tool('etcd');
const LIMITS = ['--max-txn-ops=3', '--max-request-bytes=2000'];

describe.skipIf(etcd.missing)(etcd.title('options of podwire store'), () => {
  let workspace: Workspace;
  let server: EtcdServer;
  let theirs: RealEtcd;
  let ours: RealEtcd;

  beforeAll(async () => {
    workspace = new Workspace('store-options');
    server = await startEtcd(etcd.path, LIMITS);
    theirs = realEtcd(new URL(server.endpoint).host);
    const host = `127.0.0.1:${await freePort()}`;
    const own = ['--auto-compaction-retention=1s', '--watch-progress-notify-interval=100ms'];
    await workspace.start(['store', '--listen', host, ...LIMITS, ...own]).shows('store up');
    ours = realEtcd(host);
  });

  afterAll(async () => {
    await theirs?.close();
    await ours?.close();
    await server?.stop();
    await workspace?.clean();
  });

  const puts = (count: number): RequestOp[] =>
    Array.from({ length: count }, (_, i) => ({
      kind: 'put',
      request: { key: keyBytes(`k${i}`), value: keyBytes('v') },
    }));

  test('limits of requests and transactions', async () => {
    const answers = async (store: RealEtcd): Promise<string[]> => [
      await failure(store.put({ key: keyBytes('k'), value: new Uint8Array(3000) })),
      await failure(store.put({ key: keyBytes('k'), value: new Uint8Array(600_000) })),
      await failure(store.txn({ compare: [], success: puts(4), failure: [] })),
      String((await store.txn({ compare: [], success: puts(3), failure: [] })).succeeded),
    ];
    const expected = await answers(theirs);
    expect(expected).toEqual([
      '3 etcdserver: request is too large',
      expect.stringMatching(/^8 grpc: received message larger than max \(600\d\d\d vs\. 526288\)$/),
      '3 etcdserver: too many operations in txn request',
      'true',
    ]);
    expect(await answers(ours)).toEqual(expected);
  });

  test('history is compacted by itself', async () => {
    const { header } = await ours.put({ key: keyBytes('a'), value: keyBytes('1') });
    await ours.put({ key: keyBytes('a'), value: keyBytes('2') });
    await until('the first value is compacted away', async () => {
      const answer = await failure(ours.range({ key: keyBytes('a'), revision: header.revision }));
      return answer === '11 etcdserver: mvcc: required revision has been compacted';
    });
  });

  test('idle watches are told of progress', async () => {
    const progress = new Promise<boolean>((resolve) => {
      const stream = ours.watchStream({
        onResponse: ({ created, canceled, events }) => {
          if (!created) resolve(!canceled && events.length === 0);
        },
      });
      stream.create({ key: keyBytes('idle'), progressNotify: true });
    });
    expect(await progress).toBe(true);
  });
});

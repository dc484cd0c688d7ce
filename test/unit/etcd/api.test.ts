import { expect, test } from 'vitest';
import { auth } from '../../../protocol/etcd/api/auth.ts';
import { cluster } from '../../../protocol/etcd/api/cluster.ts';
import { kv } from '../../../protocol/etcd/api/kv.ts';
import { lease } from '../../../protocol/etcd/api/lease.ts';
import { maintenance } from '../../../protocol/etcd/api/maintenance.ts';
import { fromTxnMessage, fromTxnResponseMessage, toTxnMessage } from '../../../protocol/etcd/api/txn.ts';
import { watch } from '../../../protocol/etcd/api/watch.ts';
import { Change } from '../../../protocol/etcd/change.ts';
import { toKeyText } from '../../../protocol/etcd/keys.ts';
import { toSlab } from '../../../protocol/etcd/slab.ts';
import type { TxnRequest } from '../../../protocol/etcd/types.ts';
import { toJson } from '../../../protocol/protobuf/json.ts';
import type { MessageType } from '../../../protocol/protobuf/message.ts';

const b = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A message type, whichever; what it decodes it encodes. */
type AnyType = Pick<MessageType<unknown>, 'name' | 'fields' | 'decode' | 'read'> & {
  encode(value: never): Uint8Array;
  write(writer: never, value: never): void;
};

// Responses of a real etcd 3.4.23 as they came over the wire.
const HEADER = '0a1808d3c4b7d6c5f7c8de2e10dcf9f6b3a2e2e4ea5a18';
const IDS = '"cluster_id":"3367887388227265107","member_id":"6545299339617352924"';
test.each<[string, AnyType, string, string]>([
  [
    'LeaseGrant with id -2',
    lease.grant.response,
    `${HEADER}01200210feffffffffffffffff0118d804`,
    `{"header":{IDS,"revision":"1","raft_term":"2"},"ID":"-2","TTL":"600"}`,
  ],
  [
    'Put with the previous value',
    kv.put.response,
    `${HEADER}03200212170a01611002180220012a013130feffffffffffffffff01`,
    `{"header":{IDS,"revision":"3","raft_term":"2"},"prev_kv":{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"MQ==","lease":"-2"}}`,
  ],
  [
    'Range of two keys, one with an empty value',
    kv.range.response,
    `${HEADER}042002120d0a01611002180320022a0200ff12090a01621004180420012002`,
    `{"header":{IDS,"revision":"4","raft_term":"2"},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"3","version":"2","value":"AP8="},{"key":"Yg==","create_revision":"4","mod_revision":"4","version":"1"}],"count":"2"}`,
  ],
  [
    'Txn with a nested one',
    kv.txn.response,
    `${HEADER}05200210011a0612040a0218051a160a140a021805120c0a01631005180520012a013320011a1b22190a0010011a131a110a02180510011a090a0162100418042001`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"5"}}},{"response_range":{"header":{"revision":"5"},"kvs":[{"key":"Yw==","create_revision":"5","mod_revision":"5","version":"1","value":"Mw=="}],"count":"1"}},{"response_txn":{"header":{},"succeeded":true,"responses":[{"response_delete_range":{"header":{"revision":"5"},"deleted":"1","prev_kvs":[{"key":"Yg==","create_revision":"4","mod_revision":"4","version":"1"}]}}]}}]}`,
  ],
  [
    'LeaseTimeToLive',
    lease.timeToLive.response,
    `${HEADER}05200210feffffffffffffffff0118d70420d804`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"ID":"-2","TTL":"599","grantedTTL":"600"}`,
  ],
  [
    'LeaseLeases',
    lease.leases.response,
    `${HEADER}052002120b08feffffffffffffffff01`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"leases":[{"ID":"-2"}]}`,
  ],
  [
    'MemberList',
    cluster.list.response,
    '0a1608d3c4b7d6c5f7c8de2e10dcf9f6b3a2e2e4ea5a2002124308dcf9f6b3a2e2e4ea5a120764656661756c741a16687474703a2f2f3132372e302e302e313a33393736332216687474703a2f2f3132372e302e302e313a3435373139',
    `{"header":{IDS,"raft_term":"2"},"members":[{"ID":"6545299339617352924","name":"default","peerURLs":["http://127.0.0.1:39763"],"clientURLs":["http://127.0.0.1:45719"]}]}`,
  ],
  [
    'Status',
    maintenance.status.response,
    `${HEADER}0520021206332e342e32331880e00120dcf9f6b3a2e2e4ea5a2809300238094880a001`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"version":"3.4.23","dbSize":"28672","leader":"6545299339617352924","raftIndex":"9","raftTerm":"2","raftAppliedIndex":"9","dbSizeInUse":"20480"}`,
  ],
  [
    'HashKV',
    maintenance.hashKv.response,
    `${HEADER}052002109bc2e8d50e18ffffffffffffffffff01`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"hash":3938066715,"compact_revision":"-1"}`,
  ],
  [
    'RoleGet',
    auth.roleGet.response,
    `${HEADER}0520021208080212016b1a016c`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"perm":[{"permType":"READWRITE","key":"aw==","range_end":"bA=="}]}`,
  ],
  [
    'a watch that is refused',
    watch.watch.response,
    `${HEADER}05200210ffffffffffffffffff0118012001321c6d7663633a20776174636865722072616e676520697320656d707479`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"watch_id":"-1","created":true,"canceled":true,"cancel_reason":"mvcc: watcher range is empty"}`,
  ],
  [
    'a watched deletion',
    watch.watch.response,
    `${HEADER}0520025a14080112050a016218051a090a0162100418042001`,
    `{"header":{IDS,"revision":"5","raft_term":"2"},"events":[{"type":"DELETE","kv":{"key":"Yg==","mod_revision":"5"},"prev_kv":{"key":"Yg==","create_revision":"4","mod_revision":"4","version":"1"}}]}`,
  ],
])('%s', (_name, type, hex, json) => {
  const { decode, encode } = type;
  const message = decode(Uint8Array.fromHex(hex));
  expect(JSON.stringify(toJson(type as MessageType<unknown>, message))).toBe(json.replace('IDS', IDS));
  expect(encode(message as never).toHex()).toBe(hex);
});

test.each([
  ['a key and a value', b('a'), b('1'), 2, 300, 2, -1n],
  ['octets that are no text', Uint8Array.of(0, 0x80, 0xff), Uint8Array.of(0xff, 0), 2, 2, 1, 5n],
  ['no value', b('a'), b(''), 2, 2, 1, 0n],
  ['a key longer than most', new Uint8Array(5000).fill(0xc3), b('1'), 2, 2, 1, 0n],
  ['the largest revision', b('a'), b('1'), 2 ** 53 - 1, 2 ** 53 - 1, 1, 0n],
  ['a tombstone', b('a'), b(''), 0, 9, 0, 0n],
  ['nothing', b(''), b(''), 0, 0, 0, 0n],
])(
  'a change of the store is written as any KeyValue: %s',
  (_name, key, value, createdAt, modifiedAt, versionNumber, lease) => {
    const change = new Change(toKeyText(key), toSlab(value), {
      createdAt,
      modifiedAt,
      versionNumber,
      lease,
      sub: 3,
    });
    const same = {
      key,
      value,
      createRevision: BigInt(createdAt),
      modRevision: BigInt(modifiedAt),
      version: BigInt(versionNumber),
      lease,
    };
    const header = { clusterId: 1n, memberId: 1n, revision: 9n, raftTerm: 1n };
    const encoded = [change, same].map((prevKv) => kv.put.response.encode({ header, prevKv }).toHex());
    expect(encoded[0]).toBe(encoded[1]);
    expect(kv.put.response.decode(kv.put.response.encode({ header, prevKv: change })).prevKv).toEqual(same);
  },
);

test('a transaction, between the wire and the store, both ways', () => {
  const request: TxnRequest = {
    compare: [
      { key: b('a'), rangeEnd: b('b'), result: 'NOT_EQUAL', target: { kind: 'LEASE', operand: 0n } },
      { key: b('v'), rangeEnd: b(''), result: 'EQUAL', target: { kind: 'VALUE', operand: b('') } },
    ],
    success: [{ kind: 'txn', request: { compare: [], success: [], failure: [] } }],
    failure: [{ kind: 'deleteRange', request: { key: b('k'), rangeEnd: b('l'), prevKv: true } }],
  };
  const bytes = kv.txn.request.encode(toTxnMessage(request));
  // An operand of zero is written: it says which property is compared.
  expect(bytes.toHex()).toBe(
    '0a0d080310041a01614000820401620a0710031a01763a00120222001a0a1a080a016b12016c1801',
  );
  expect(fromTxnMessage(kv.txn.request.decode(bytes))).toEqual(request);
});

test('an operation that is none stays one', () => {
  const decoded = fromTxnMessage(kv.txn.request.decode(Uint8Array.fromHex('1200')));
  expect(decoded.success).toEqual([{ kind: 'none' }]);
});

test('an answer of a nested transaction becomes a union again', () => {
  const hex = `${HEADER}05200210011a1b22190a0010011a131a110a02180510011a090a0162100418042001`;
  const response = fromTxnResponseMessage(kv.txn.response.decode(Uint8Array.fromHex(hex)));
  expect(response.responses).toMatchObject([
    {
      kind: 'txn',
      response: { succeeded: true, responses: [{ kind: 'deleteRange', response: { deleted: 1n } }] },
    },
  ]);
});

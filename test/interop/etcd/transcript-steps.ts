/** One step of the transcript; its normalised output is one paragraph. */
export type Step =
  /** An etcdctl command, its words separated by spaces (`\x20` in a word is one); `stdin` for the interactive ones. */
  | { readonly kind: 'ctl'; readonly command: string; readonly stdin?: string }
  /** An etcdctl command that runs until its output has this text as many times. */
  | {
      readonly kind: 'follow';
      readonly command: string;
      readonly stdin?: string;
      readonly until: string;
      readonly times?: number;
    }
  /** An etcdctl command that runs beside the following steps, until `end`; what it prints does not count. */
  | { readonly kind: 'background'; readonly name: string; readonly command: string }
  | { readonly kind: 'end'; readonly name: string }
  /** Repeats an etcdctl command until its output has this text. */
  | { readonly kind: 'await'; readonly command: string; readonly text: string }
  /** A request to the JSON gateway. */
  | { readonly kind: 'post'; readonly path: string; readonly body: string };

const ctl = (command: string, stdin?: string): Step =>
  stdin === undefined ? { kind: 'ctl', command } : { kind: 'ctl', command, stdin };
const follow = (command: string, until: string, times = 1, stdin?: string): Step =>
  stdin === undefined
    ? { kind: 'follow', command, until, times }
    : { kind: 'follow', command, stdin, until, times };
const post = (path: string, body: string): Step => ({ kind: 'post', path, body });
const hash = ctl('endpoint hashkv');

const KEYS: readonly Step[] = [
  ctl('get nothing -w json'),
  ctl('put foo bar'),
  ctl('put foo bar2 --prev-kv'),
  ctl('put empty', ''),
  ctl('put stdin', 'from stdin\nwith two lines'),
  ctl('get foo'),
  ctl('get foo -w json'),
  ctl('get foo -w fields'),
  ctl('get empty -w json'),
  ctl('get stdin --print-value-only'),
  ctl('get foo --hex'),
  ctl('put a/1 one'),
  ctl('put a/2 two'),
  ctl('put a/3 three'),
  ctl('put b/1 four'),
  ctl('get a --prefix'),
  ctl('get a --prefix --keys-only'),
  ctl('get a --prefix --limit 2 -w json'),
  ctl('get a --prefix --order DESCEND'),
  ctl('get a --prefix --sort-by VALUE --order ASCEND'),
  ctl('get a --prefix --sort-by MODIFY --order DESCEND --keys-only'),
  ctl('get a --prefix --sort-by CREATE'),
  ctl('get a --prefix --sort-by VERSION --order ASCEND'),
  ctl('get a b'),
  ctl('get b a -w json'),
  ctl('get a --from-key --keys-only'),
  ctl('get a --prefix --count-only'),
  ctl('get a --prefix --count-only -w json'),
  ctl('get foo --rev 2'),
  ctl('get foo --rev 3 -w json'),
  ctl('get foo --rev 999'),
  ctl('get foo --consistency=s'),
  ctl('del a/1'),
  ctl('del a/1'),
  ctl('del a --prefix --prev-kv'),
  ctl('get a --prefix --rev 8'),
  ctl('put foo --ignore-value'),
  ctl('put foo x --ignore-lease'),
  ctl('put missing --ignore-value'),
  ctl('put missing x --ignore-lease'),
  ctl('put foo x --lease=1234'),
  ctl('get foo -w json'),
  hash,
];

const TRANSACTIONS: readonly Step[] = [
  ctl('txn -i', 'mod("foo") > "0"\n\nput foo txn\nget foo\n\nget never\n\n'),
  ctl('txn -i', 'value("foo") = "nope"\n\nput foo no\n\nget foo\ndel b/1\n\n'),
  ctl('txn -i', 'ver("missing") = "0"\ncreate("missing") = "0"\n\nput missing found\n\n\n'),
  ctl('txn -i -w json', 'ver("missing") = "1"\n\nget missing\nput t/1 a\nput t/2 b\ndel t/1\n\n\n'),
  ctl('txn -i', '\nput twice a\nput twice b\n\n\n'),
  ctl('txn', 'lease("foo") = "0"\n\nget foo --rev=2\n\n\n'),
  ctl('txn', '\nget foo --rev=9999\n\n\n'),
  ctl('txn', 'bogus("foo") = "0"\n\nget foo\n\n\n'),
  post(
    '/v3/kv/txn',
    '{"success":[{"request_txn":{"success":[{"request_put":{"key":"bg==","value":"MQ=="}}]}}]}',
  ),
  post(
    '/v3/kv/txn',
    '{"compare":[{"key":"dA==","range_end":"dQ==","target":"VERSION","result":"GREATER","version":"0"}],"success":[{"request_range":{"key":"dA==","range_end":"dQ=="}}],"failure":[{"request_delete_range":{"key":"dA==","range_end":"dQ=="}}]}',
  ),
  post('/v3/kv/txn', '{"success":[{"request_put":{"key":"eA==","lease":"77"}}]}'),
  post('/v3/kv/txn', '{"success":[{}]}'),
  hash,
];

const BINARY: readonly Step[] = [
  post('/v3/kv/put', '{"key":"AAH/","value":"/wAB"}'),
  post('/v3/kv/put', '{"key":"//8=","value":"AA=="}'),
  post('/v3/kv/range', '{"key":"AA==","range_end":"AA=="}'),
  post('/v3/kv/range', '{"key":"/w==","range_end":"AA==","keys_only":true}'),
  post('/v3/kv/range', '{"key":"Zm9v","min_mod_revision":"2","max_create_revision":"3"}'),
  ctl('get \u00ff --from-key --hex --limit 1'),
  post('/v3/kv/range', '{}'),
  post('/v3/kv/put', '{"value":"AA=="}'),
  post('/v3/kv/deleterange', '{"key":"//8=","prev_kv":true}'),
  hash,
];

const WATCHES: readonly Step[] = [
  follow('watch foo --rev 2', 'foo', 5),
  follow('watch foo --rev 2 --prev-kv', 'txn'),
  follow('watch a --prefix --rev 2', 'DELETE', 3),
  follow('watch -i', 'progress notify', 1, 'watch foo --rev 15\nprogress\n'),
];

const LEASES: readonly Step[] = [
  post('/v3/lease/grant', '{"ID":"4660","TTL":"600"}'),
  post('/v3/lease/grant', '{"ID":"4660","TTL":"600"}'),
  post('/v3/lease/grant', '{"ID":"4661","TTL":"9000000001"}'),
  post('/v3/lease/grant', '{"ID":"-1","TTL":"0"}'),
  ctl('put leased/1 x --lease=1234'),
  ctl('put leased/2 y --lease=1234'),
  ctl('put leased/2 z --ignore-lease'),
  ctl('put leased/3 z --lease=1234'),
  ctl('put leased/3 z'),
  ctl('get leased --prefix -w json'),
  ctl('lease timetolive 1234'),
  ctl('lease timetolive 1234 --keys'),
  ctl('lease timetolive 9999'),
  ctl('lease list'),
  ctl('lease keep-alive 1234 --once'),
  ctl('lease keep-alive 9999 --once'),
  hash,
  ctl('lease revoke 1234'),
  ctl('lease revoke 1234'),
  ctl('get leased --prefix -w json'),
  ctl('lease grant 30'),
  ctl('lease grant 0'),
  ctl('lease grant 9000000001'),
  ctl('lease grant x'),
  hash,
];

const COMPACTION: readonly Step[] = [
  ctl('compaction 10'),
  ctl('compaction 10'),
  ctl('compaction 9999'),
  ctl('compaction 12 --physical'),
  ctl('get foo --rev 5'),
  ctl('get foo --rev 12 -w json'),
  ctl('watch foo --rev 5'),
  ctl('txn', '\nget foo --rev=5\n\n\n'),
  hash,
  ctl('endpoint hashkv --rev 12'),
  ctl('put foo after'),
  ctl('del foo'),
  ctl('compaction 40'),
  hash,
];

const CLUSTER: readonly Step[] = [
  ctl('endpoint health'),
  ctl('endpoint status'),
  ctl('alarm list'),
  ctl('alarm disarm'),
  ctl('defrag'),
  ctl('move-leader 1'),
  ctl('member remove 1'),
  ctl('member promote 1'),
  post('/v3/cluster/member/remove', '{"ID":"1"}'),
  post('/v3/maintenance/alarm', '{}'),
  post('/v3/maintenance/status', '{'),
  post('/v3/nothing', '{}'),
];

const RECIPES: readonly Step[] = [
  ctl('lock mutex echo locked'),
  { kind: 'background', name: 'leader', command: 'elect campaign first' },
  { kind: 'await', command: 'get campaign --prefix --print-value-only', text: 'first' },
  follow('elect -l campaign', 'first'),
  { kind: 'end', name: 'leader' },
  ctl('put from/1 x'),
  ctl('put from/2 y'),
  {
    kind: 'background',
    name: 'mirror',
    command: 'make-mirror --prefix from/ --dest-prefix to/ ENDPOINT',
  },
  { kind: 'await', command: 'get to/ --prefix', text: 'to/2' },
  ctl('del from/1'),
  { kind: 'await', command: 'get to/ --prefix --count-only -w fields', text: '"Count" : 1' },
  { kind: 'end', name: 'mirror' },
];

const AUTH: readonly Step[] = [
  ctl('auth status'),
  ctl('auth enable'),
  ctl('auth disable'),
  ctl('user add root:secret'),
  ctl('user add root:secret'),
  ctl('user add alice:wonder'),
  ctl('user add :x'),
  ctl('user add nopass --no-password'),
  ctl('role add root'),
  ctl('role add reader'),
  ctl('role add reader'),
  ctl('role grant-permission reader read foo'),
  ctl('role grant-permission reader readwrite dir/ dir0'),
  ctl('role grant-permission reader read from --from-key'),
  ctl('role grant-permission nobody read foo'),
  ctl('role get reader'),
  ctl('role get nobody'),
  ctl('role revoke-permission reader from --from-key'),
  ctl('role revoke-permission reader unknown'),
  ctl('role list'),
  ctl('user grant-role root root'),
  ctl('user grant-role alice reader'),
  ctl('user grant-role alice nobody'),
  ctl('user grant-role nobody reader'),
  ctl('user get alice'),
  ctl('user get nobody'),
  ctl('user list'),
  ctl('auth enable'),
  ctl('get foo'),
  ctl('--user root:wrong get foo'),
  ctl('--user root:secret put foo secured'),
  ctl('--user alice:wonder get foo'),
  ctl('--user alice:wonder put foo x'),
  ctl('--user alice:wonder put dir/1 x --prev-kv'),
  ctl('--user alice:wonder get dir/ --prefix'),
  ctl('--user alice:wonder get d --prefix'),
  ctl('--user alice:wonder del dir/1'),
  ctl('--user alice:wonder txn', '\nget foo\n\n\n'),
  ctl('--user alice:wonder txn', '\nput foo x\n\n\n'),
  ctl('--user alice:wonder user list'),
  ctl('--user alice:wonder user get alice'),
  ctl('--user alice:wonder user get root'),
  ctl('--user alice:wonder role get reader'),
  ctl('--user alice:wonder role get root'),
  ctl('--user alice:wonder watch b'),
  ctl('--user alice:wonder defrag'),
  ctl('--user alice:wonder compaction 45'),
  ctl('--user nopass:x get foo'),
  ctl('--user root:secret user passwd alice --interactive=false', 'land'),
  ctl('--user alice:wonder get foo'),
  ctl('--user alice:land get foo'),
  ctl('--user root:secret user revoke-role alice reader'),
  ctl('--user alice:land get foo'),
  ctl('--user root:secret user delete alice'),
  ctl('--user root:secret user delete root'),
  ctl('--user root:secret role delete root'),
  ctl('--user root:secret role delete reader'),
  ctl('--user root:secret auth disable'),
  ctl('get foo'),
  ctl('user list'),
];

/** The whole script, in order: what comes later sees what came before. */
export const TRANSCRIPT: readonly Step[] = [
  ...KEYS,
  ...TRANSACTIONS,
  ...BINARY,
  ...WATCHES,
  ...LEASES,
  ...COMPACTION,
  ...CLUSTER,
  ...RECIPES,
  ...AUTH,
];

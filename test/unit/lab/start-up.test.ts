// What `podwire speaker` loads until it listens: each module makes every start longer, and some of them by much.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../support/root.ts';

/** Everything that a file of many kinds of settings needs; no keys or TTLs, which need koffi. */
const CONFIG = `
asn: 65000
routerId: 192.0.2.1
listen: [{ address: 127.0.0.1, port: 1790 }]
networks: [198.51.100.0/24, { prefix: 203.0.113.0/24, communities: ["65000:1"] }]
prefixSets: { all: ["0.0.0.0/0 le 32"] }
policies: { in: [{ match: { prefixSet: all }, set: { localPref: 200 }, then: accept }] }
peerGroups: { clients: { asn: internal, routeReflectorClient: true, families: [ipv4-unicast, l2vpn-evpn] } }
peers:
  - { address: 127.0.0.2, asn: 65001, importPolicy: in, gracefulRestart: true }
  - { range: 127.0.0.0/16, group: clients, passive: true }
`;

/** Own modules that may be loaded until then: what there were in November 2026, and some more. */
const MOST = 265;

const ADVICE =
  'import it when it is needed, with await import(), see docs/decisions/0022-dist-is-a-bundle.md';

describe('podwire speaker, until it listens', () => {
  let own: string[];
  let packages: string[];
  let builtins: string[];

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'podwire-start-'));
    try {
      const config = join(folder, 'speaker.yaml');
      writeFileSync(config, CONFIG);
      const probe = pathToFileURL(join(import.meta.dirname, 'support', 'until-listening.ts')).href;
      const args = ['--import', probe, join(root, 'lab', 'main.ts'), 'speaker', '--config', config];
      const env = { ...process.env, PODWIRE_RUN_DIR: folder };
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
      expect(stderr).toBe('');
      const loaded = JSON.parse(stdout) as { files: string[]; builtins: string[] };
      const paths = loaded.files.map((url) => url.slice(pathToFileURL(root).href.length + 1));
      own = paths.filter((path) => !path.startsWith('node_modules/'));
      packages = [
        ...new Set(paths.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])),
      ];
      builtins = loaded.builtins.map((name) => name.replace('NativeModule ', ''));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test(`no more than ${MOST} modules of its own are loaded`, () => {
    expect(own).toContain('agents/bgp/speaker.ts');
    expect(own.length, `too many; if one is not needed to listen, ${ADVICE}`).toBeLessThanOrEqual(MOST);
  });

  test('what serves people is not loaded', () => {
    const later =
      /^(agents\/(control|metrics\/server|store|bmp)|lab\/(mrt\/dumps|schema|conformance|plan)|protocol\/(bmp|etcd))/;
    expect(
      own.filter((path) => later.test(path)),
      `not needed yet: ${ADVICE}`,
    ).toEqual([]);
  });

  test('of the packages only those for the command line, the file and the log are loaded', () => {
    const log = ['pino', 'pino-std-serializers', '@pinojs/redact', 'quick-format-unescaped', 'sonic-boom'];
    log.push('atomic-sleep', 'thread-stream', 'on-exit-leak-free', 'safe-stable-stringify');
    expect(
      packages.filter((name) => ![...log, 'commander', 'yaml'].includes(name)),
      `not needed yet: ${ADVICE}`,
    ).toEqual([]);
  });

  test('the slow modules of Node are not loaded', () => {
    const slow = ['http', 'crypto', 'zlib', 'tls', 'internal/deps/undici/undici'];
    expect(
      builtins.filter((name) => slow.includes(name)),
      `not needed yet: ${ADVICE}`,
    ).toEqual([]);
  });
});

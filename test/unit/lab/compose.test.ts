import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ComposeLab, composeLabs } from '../../../lab/runtime/compose.ts';

/** What a test sets of a container, as `docker inspect` tells it. */
interface Container {
  readonly node?: string;
  readonly kind: string;
  readonly lab?: string;
  readonly running?: boolean;
  readonly health?: string;
  readonly address?: string;
  readonly command?: readonly string[];
}

function inspected({
  node,
  kind,
  lab = 'demo',
  running = true,
  health,
  address = '',
  command,
}: Container): object {
  return {
    Id: `id-${node ?? kind}`,
    Name: `/p_${node ?? kind}_1`,
    State: {
      Running: running,
      Pid: running ? process.pid : 0,
      StartedAt: '2026-01-02T03:04:05.6Z',
      ...(health === undefined ? {} : { Health: { Status: health } }),
    },
    Config: {
      Cmd: command ?? null,
      Labels: {
        'podwire.lab': lab,
        'podwire.kind': kind,
        ...(node === undefined ? {} : { 'podwire.node': node }),
        'com.docker.compose.project': 'p',
        'com.docker.compose.project.config_files': '/x/docker-compose.lab.yml',
      },
    },
    NetworkSettings: {
      Networks: {
        p_underlay: { IPAddress: running ? address : '', IPAMConfig: { IPv4Address: address } },
      },
    },
  };
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-docker-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Puts a `docker` on the PATH that knows these containers and notes how it was called. */
function fakeDocker(containers: readonly Container[]): void {
  const list = containers.map(inspected) as { Id: string }[];
  writeFileSync(join(folder, 'ids'), list.map(({ Id }) => `${Id}\n`).join(''));
  writeFileSync(join(folder, 'inspect.json'), JSON.stringify(list));
  script(`
case $1 in
  ps) cat ${folder}/ids ;;
  inspect) cat ${folder}/inspect.json ;;
  start) echo "Error: no room" >&2; exit 1 ;;
esac`);
}

function script(body: string): void {
  const path = join(folder, 'docker');
  writeFileSync(path, `#!/bin/sh\necho "$@" >>${folder}/calls\n${body}\n`);
  chmodSync(path, 0o755);
  vi.stubEnv('PATH', [folder, '/bin', '/usr/bin'].join(delimiter));
}

const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

const TWO: readonly Container[] = [
  { node: 'rr', kind: 'route-reflector', health: 'healthy', address: '198.51.100.21' },
  { node: 'h1', kind: 'host', health: 'healthy', address: '198.51.100.11' },
  { kind: 'store', command: ['store', '--backend', 'redis://user:secret@10.0.0.1:6379', '--lab', 'x'] },
];

describe('compose labs', () => {
  test('are read from their containers', async () => {
    fakeDocker(TWO);
    const [lab, ...others] = await composeLabs();
    expect(others).toEqual([]);
    expect(lab).toMatchObject({
      name: 'demo',
      runtime: 'compose',
      phase: 'converged',
      store: 'redis://10.0.0.1:6379',
      startedAt: '2026-01-02T03:04:05.6Z',
    });
    expect(lab!.nodes).toEqual([
      {
        name: 'h1',
        kind: 'host',
        address: '198.51.100.11',
        running: true,
        pid: process.pid,
        endpoint: { kind: 'docker', container: 'id-h1' },
        netns: existsSync('/proc/self/ns/net') ? `/proc/${process.pid}/ns/net` : null,
      },
      expect.objectContaining({ name: 'rr', kind: 'route-reflector', address: '198.51.100.21' }),
    ]);
  });

  test.each<[string, Partial<Container>]>([
    ['starting', { health: 'starting' }],
    ['degraded', { health: 'unhealthy' }],
    ['degraded', { running: false }],
  ])('are %s with an agent that is %j', async (phase, change) => {
    fakeDocker([{ ...TWO[0]!, ...change }, ...TWO.slice(1)]);
    const [lab] = await composeLabs();
    expect(lab).toMatchObject({ phase });
    // Also of one that does not run the address is known.
    expect(lab!.nodes[1]).toMatchObject({ address: '198.51.100.21', running: change.running !== false });
  });

  test('are told apart, and are none when no agent runs', async () => {
    fakeDocker([...TWO, { node: 'x', kind: 'host', lab: 'other' }]);
    expect((await composeLabs()).map(({ name, store }) => `${name} ${store}`)).toEqual([
      'demo redis://10.0.0.1:6379',
      'other memory',
    ]);
    fakeDocker(TWO.map((container) => ({ ...container, running: false })));
    expect(await composeLabs()).toEqual([]);
    fakeDocker([]);
    expect(await composeLabs()).toEqual([]);
  });

  test('are none without Docker, without a daemon, and where it talks nonsense', async () => {
    vi.stubEnv('PATH', folder);
    expect(await composeLabs()).toEqual([]);
    for (const body of ['exit 1', 'echo nonsense']) {
      script(body);
      expect(await composeLabs()).toEqual([]);
    }
  });

  test('stop and start nodes through docker, and leave going down to Compose', async () => {
    fakeDocker(TWO);
    const [info] = await composeLabs();
    const lab = new ComposeLab(info!);
    await lab.node('h1', 'stop');
    expect(calls().at(-1)).toBe('stop id-h1');
    await expect(lab.node('h1', 'start')).rejects.toThrow('docker start: Error: no room');
    await expect(lab.node('h9', 'stop')).rejects.toThrow('lab demo has no node h9');
    await expect(lab.down()).rejects.toThrow(
      'lab demo runs under Docker Compose; take it down with: docker compose --project-name p --file /x/docker-compose.lab.yml down --volumes',
    );
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PingRequest, PingResult } from '../../../agents/control/types.ts';
import type { UpOptions } from '../../../lab/cli/lab-access.ts';
import { followLines, readLines } from '../../../lab/cli/log-file.ts';
import { fakeAgent, fakeLab, oneLab, pod, podwire, status } from './support/fake-lab.ts';

function twoHosts(): ReturnType<typeof fakeAgent>[] {
  return [
    fakeAgent('host1', {
      pods: async () => [
        pod('host1', 'web', '10.0.0.1'),
        pod('host1', 'same', '10.0.0.2', { namespace: 'a' }),
      ],
    }),
    fakeAgent('host2', {
      pods: async () => [
        pod('host2', 'db', '10.0.1.1'),
        pod('host2', 'same', '10.0.1.2', { namespace: 'b' }),
      ],
    }),
  ];
}

describe('usage errors end with 2 and say what was expected', () => {
  test.each<[string[], string]>([
    [[], 'Usage: podwire COMMAND'],
    [['inspct'], "podwire: unknown command 'inspct' (Did you mean inspect?)"],
    [
      ['up', '--runtime', 'vm'],
      "podwire: option '--runtime <runtime>' argument 'vm' is invalid. Allowed choices are local, netns.",
    ],
    [['up', '--pods', 'x'], 'Allowed choices are auto, linux, emulated.'],
    [
      ['up', '--store', 'http://x'],
      'Expected memory, a URL such as redis://127.0.0.1:6379, or etcd://127.0.0.1:2379.',
    ],
    [
      ['up', '--store', 'http://me:secret@x'],
      'podwire: store http://x: expected memory, a URL such as redis://127.0.0.1:6379, or etcd://127.0.0.1:2379',
    ],
    [
      ['store', '--backend', 'etcd://me:secret@x:1'],
      'podwire: store etcd://x:1: expected memory or a URL such as redis://127.0.0.1:6379',
    ],
    [['up', '--timeout', '-1'], 'Expected a number of seconds such as 10 or 0.5.'],
    [['up', 'a.yaml', 'b.yaml'], 'too many arguments'],
    [['inspect', 'arp'], 'Allowed choices are bgp, routes, fdb, ipam, pods, store.'],
    [['inspect', '--format', 'xml'], 'Allowed choices are table, json.'],
    [['ping', 'web'], "missing required argument 'destination'"],
    [['ping', 'a', 'b', '-c', '0'], 'Expected a whole number from 1 to 1000000.'],
    [['exec', 'web', 'ls', '-l'], 'the command of the pod goes after --'],
    [['validate'], "missing required argument 'lab.yaml'"],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
    [['down', '--nmae', 'x'], "unknown option '--nmae'\n"],
    [['--log-level', 'loud', 'version'], 'Allowed choices are trace, debug, info, warn, error, silent.'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await podwire(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message.replaceAll(/\s+/g, ' '));
  });

  test('a capture is not written to a terminal', async () => {
    const { code, stderr } = await podwire(['capture'], { tty: true });
    expect(code).toBe(2);
    expect(stderr).toContain('podwire: a capture is binary and does not belong on a terminal');
  });
});

describe('help', () => {
  test.each([
    'up',
    'down',
    'inspect',
    'exec',
    'ping',
    'capture',
    'logs',
    'validate',
    'speaker',
    'bgp',
    'version',
    'completion',
  ])('%s --help is on standard output with 0 and names the global options', async (command) => {
    const { code, stdout, stderr } = await podwire([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: podwire ${command}`);
    for (const option of ['--name', '--log-level', '--format', '--no-color', '--quiet'])
      expect(stdout).toContain(option);
  });

  test('hides what is not for people', async () => {
    expect((await podwire(['--help'])).stdout).not.toContain('__complete');
  });
});

describe('failures end with 1 and one line', () => {
  test.each([['inspect'], ['ping', 'a', 'b'], ['exec', 'a', '--', 'ls'], ['logs'], ['capture']])(
    '%j without a lab',
    async (...args) => {
      expect(await podwire(args)).toEqual({ code: 1, stdout: '', stderr: 'podwire: no lab runs\n' });
    },
  );

  test('an unexpected error shows its stack only with --log-level debug', async () => {
    const labs = {
      openLab: async () => {
        throw new TypeError('odd\nthing');
      },
    };
    expect((await podwire(['inspect'], { labs })).stderr).toBe('podwire: odd; thing\n');
    expect((await podwire(['inspect', '--log-level', 'debug'], { labs })).stderr).toContain('    at ');
  });

  test.each([
    ['pod', ['ping', 'wbe', '10.0.0.1'], 'podwire: no pod wbe in this lab, did you mean web?\n'],
    ['several', ['ping', 'same', 'web'], 'podwire: pod same is ambiguous, expected one of a/same, b/same\n'],
    [
      'node',
      ['inspect', '--node', 'hots1'],
      'podwire: no node hots1 runs in this lab, did you mean host1?\n',
    ],
  ])('unknown %s', async (_name, args, stderr) => {
    const lab = fakeLab(twoHosts());
    expect(await podwire(args, { labs: oneLab(lab) })).toEqual({ code: 1, stdout: '', stderr });
    expect(lab.log).toEqual(['close']);
  });
});

describe('inspect', () => {
  test('without a topic is an overview', async () => {
    const agents = [
      fakeAgent('host1'),
      fakeAgent('host2', { status: async () => status('host2', { ready: false, message: 'no block yet' }) }),
    ];
    const { code, stdout } = await podwire(['inspect'], { labs: oneLab(fakeLab(agents)) });
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'Lab demo: converged, runtime local, emulated pods, store memory, BGP port 1790, converged in 123 ms',
      '',
      'NODE    KIND   ADDRESS     AS      SESSIONS   BLOCKS        PODS   STATE',
      'host1   host   127.1.2.3   64512   2/2        10.0.0.0/26   1/1    ready',
      'host2   host   127.1.2.3   64512   2/2        10.0.0.0/26   1/1    no block yet',
      '',
    ]);
  });

  test('json has the rows as the agents gave them', async () => {
    const labs = oneLab(fakeLab(twoHosts()));
    const { stdout } = await podwire(['inspect', 'pods', '--format', 'json', '--node', 'host2'], { labs });
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(['db', 'same']);
  });

  test('a node that does not answer leaves the others, and exit code 1', async () => {
    const broken = fakeAgent('host2', {
      pods: async () => {
        throw new Error('gone');
      },
    });
    const agents = [fakeAgent('host1', { pods: async () => [pod('host1', 'web', '10.0.0.1')] }), broken];
    const { code, stdout, stderr } = await podwire(['inspect', 'pods'], { labs: oneLab(fakeLab(agents)) });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'podwire: host2: gone\n' });
    expect(stdout).toContain('web');
  });
});

describe('ping', () => {
  function pinging(
    outcomes: readonly PingResult['outcome'][],
    requests: PingRequest[] = [],
  ): ReturnType<typeof oneLab> {
    const agents = twoHosts();
    agents[0] = {
      ...agents[0]!,
      ping: async (request, onResult) => {
        requests.push(request);
        outcomes.forEach((outcome, i) => {
          const reply = outcome === 'reply';
          onResult({
            sequence: i + 1,
            outcome,
            from: reply ? '10.0.1.1' : null,
            rttMs: reply ? 0.5 : null,
            ttl: 62,
            bytes: 64,
            error: null,
          });
        });
      },
    };
    return oneLab(fakeLab(agents));
  }

  test('a pod by name', async () => {
    const requests: PingRequest[] = [];
    const labs = pinging(['reply', 'reply'], requests);
    const { code, stdout } = await podwire(['ping', 'web', 'db', '-c', '2', '-i', '0.2'], { labs });
    expect(code).toBe(0);
    expect(requests).toEqual([
      {
        pod: 'default/web',
        destination: '10.0.1.1',
        count: 2,
        intervalMs: 200,
        timeoutMs: 2000,
        size: 56,
        ttl: 64,
      },
    ]);
    expect(stdout).toMatch(
      /^PING default\/db \(10\.0\.1\.1\) 56\(84\) bytes of data\.\n64 bytes from 10\.0\.1\.1: icmp_seq=1/,
    );
    expect(stdout).toContain('2 packets transmitted, 2 received, 0% packet loss');
  });

  test('loss ends with 1; json is one document', async () => {
    const { code, stdout } = await podwire(['ping', 'web', '10.9.9.9', '--format', 'json'], {
      labs: pinging(['reply', 'timeout']),
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      source: 'default/web',
      destination: '10.9.9.9',
      address: '10.9.9.9',
      transmitted: 2,
      received: 1,
      lossPercent: 50,
      rtt: { min: 0.5, avg: 0.5, max: 0.5, mdev: 0 },
    });
  });
});

describe('exec', () => {
  test('of an emulated pod returns the exit code of its command and keeps the streams apart', async () => {
    const calls: unknown[] = [];
    const agent = fakeAgent('host1', {
      pods: async () => [pod('host1', 'web', '10.0.0.1')],
      exec: async (name, command, output) => {
        calls.push([name, command]);
        output('stdout', Buffer.from('out\n'));
        output('stderr', Buffer.from('err\n'));
        return 3;
      },
    });
    const ran = await podwire(['exec', 'web', '--', 'ping', '-c', '1', '--name', 'x'], {
      labs: oneLab(fakeLab([agent])),
    });
    expect(ran).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(calls).toEqual([['default/web', ['ping', '-c', '1', '--name', 'x']]]);
  });
});

describe('up', () => {
  const convergedLab = (): ReturnType<typeof fakeLab> =>
    fakeLab([fakeAgent('host1'), fakeAgent('host2')], 'calico-rr');

  test('-d brings the default lab up in the background', async () => {
    const lab = convergedLab();
    const requests: UpOptions[] = [];
    const { code, stdout, stderr } = await podwire(
      ['up', '-d', '--store', 'redis://127.0.0.1:6379', '--pods', 'emulated'],
      {
        labs: {
          upLabDetached: async (options, onStage) => {
            requests.push(options);
            onStage({ stage: 'nodes', state: 'running', detail: '1/2', atMs: 5 });
            onStage({ stage: 'nodes', state: 'done', detail: '2/2', atMs: 10 });
            return lab;
          },
        },
      },
    );
    expect(code).toBe(0);
    expect(requests).toMatchObject([
      {
        name: 'calico-rr',
        runtime: 'local',
        pods: 'emulated',
        store: 'redis://127.0.0.1:6379',
        logLevel: 'info',
        timeoutMs: 60000,
      },
    ]);
    expect(stderr).toBe('✓ Node agents and route reflectors: 2/2 (10 ms)\n');
    expect(stdout).toMatch(
      /^Lab calico-rr: 0\/0 BGP sessions Established, converged in 123 ms\.\nStore: etcd's API on 127\.0\.0\.1:2379\.\n/,
    );
    expect(stdout).toContain('podwire ping web-1 web-2');
    expect(lab.log).toEqual(['close']);
  });

  test('in the foreground stays until it is interrupted, then takes the lab down', async () => {
    const lab = convergedLab();
    const controller = new AbortController();
    const labs = {
      upLab: async () => {
        setImmediate(() => controller.abort());
        return { ...lab, ended: new Promise<void>(() => {}) };
      },
    };
    const { code, stderr } = await podwire(['up'], { labs, signal: controller.signal });
    expect(code).toBe(0);
    expect(stderr).toContain('podwire: taking lab calico-rr down\n');
    expect(lab.log).toEqual(['down', 'close']);
  });

  test('ends, too, when somebody else takes the lab down', async () => {
    const lab = convergedLab();
    const { code } = await podwire(['up'], {
      labs: { upLab: async () => ({ ...lab, ended: Promise.resolve() }) },
    });
    expect(code).toBe(0);
  });

  test('names the stage that failed', async () => {
    const labs = {
      upLabDetached: async () => {
        throw Object.assign(new Error('not converged after 60 s: host1: no block'), { stage: 'pods' });
      },
    };
    expect(await podwire(['up', '-d', '-q'], { labs })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'podwire: stage pods failed: not converged after 60 s: host1: no block\n',
    });
  });

  test('of a lab that is up already is no error', async () => {
    const { code, stderr } = await podwire(['up', '-d'], { labs: oneLab(convergedLab()) });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'podwire: lab calico-rr is up already (process 42)\n',
    });
  });

  test('of a bad file prints its problems', async () => {
    const { code, stderr } = await podwire(['up', '/nonexistent/lab.yaml']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: '/nonexistent/lab.yaml:1:1: no such file, expected a lab file\n',
    });
  });
});

describe('down', () => {
  test('takes the one lab down', async () => {
    const lab = fakeLab([]);
    expect(await podwire(['down'], { labs: oneLab(lab) })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'podwire: lab demo is down\n',
    });
    expect(lab.log).toEqual(['down', 'close']);
  });

  test('is no error where none runs, and cleans up after crashes', async () => {
    expect(await podwire(['down'])).toMatchObject({
      code: 0,
      stderr: 'podwire: no lab runs, nothing to do\n',
    });
    const cleaned = await podwire(['down', '--name', 'x'], { labs: { cleanDeadLabs: async () => ['x'] } });
    expect(cleaned).toEqual({
      code: 0,
      stdout: '',
      stderr: 'podwire: removed what lab x left when it crashed\n',
    });
  });
});

describe('logs', () => {
  function logFile(): string {
    const folder = mkdtempSync(join(tmpdir(), 'podwire-logs-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'log.ndjson');
    const lines = ['host1', 'host2', 'host1'].map((node, i) =>
      JSON.stringify({
        level: 30 + 10 * i,
        time: '2026-01-01T10:20:30.456Z',
        lab: 'demo',
        node,
        msg: `line ${i}`,
        port: 179,
      }),
    );
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }

  test.each<[string[], string[]]>([
    [[], ['line 0', 'line 1', 'line 2']],
    [
      ['--node', 'host1'],
      ['line 0', 'line 2'],
    ],
    [['--tail', '1'], ['line 2']],
    [
      ['--log-level', 'warn'],
      ['line 1', 'line 2'],
    ],
  ])('%j prints JSON lines off a terminal', async (args, messages) => {
    const file = logFile();
    const { code, stdout } = await podwire(['logs', ...args], {
      labs: { ...oneLab(fakeLab([])), logFile: () => file },
    });
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
    ).toEqual(messages);
  });

  test('on a terminal they are pretty', async () => {
    const file = logFile();
    const labs = { ...oneLab(fakeLab([])), logFile: () => file };
    const { stdout } = await podwire(['logs', '--tail', '1', '--no-color'], { labs, tty: true });
    expect(stdout).toMatch(/^\d\d:\d\d:30\.456 ERROR host1 +line 2 port=179\n$/);
  });

  test('-f goes on with what is written later, until the log is removed with its lab', async () => {
    const file = logFile();
    const seen: string[] = [];
    await followLines(file, readLines(file).end - 1, new AbortController().signal, (line) => {
      seen.push(line);
      if (seen.length === 1) writeFileSync(file, 'half', { flag: 'a' });
      if (seen.length === 1) setImmediate(() => writeFileSync(file, ' line\nlast\n', { flag: 'a' }));
      if (line === 'last') rmSync(file);
    });
    expect(seen).toEqual(['', 'half line', 'last']);
  });
});

describe('colours', () => {
  const red = '\u001b[';
  const labs = oneLab(fakeLab([fakeAgent('host1')]));
  test.each<[string, boolean, string[], Record<string, string>, boolean]>([
    ['a terminal', true, [], {}, true],
    ['no terminal', false, [], {}, false],
    ['NO_COLOR', true, [], { NO_COLOR: '1' }, false],
    ['NO_COLOR, though empty', true, [], { NO_COLOR: '' }, false],
    ['TERM=dumb', true, [], { TERM: 'dumb' }, false],
    ['--no-color', true, ['--no-color'], {}, false],
    ['FORCE_COLOR', false, [], { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR against NO_COLOR', false, [], { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['--no-color against FORCE_COLOR', false, ['--no-color'], { FORCE_COLOR: '1' }, false],
  ])('%s', async (_name, tty, args, env, colored) => {
    const { stdout } = await podwire(['inspect', ...args], { labs, tty, env });
    expect(stdout.includes(red)).toBe(colored);
  });
});

describe('completion', () => {
  const labs = oneLab(fakeLab(twoHosts()));
  test.each<[string[], string[]]>([
    [['in'], ['inspect']],
    [
      ['inspect', ''],
      ['bgp', 'routes', 'fdb', 'ipam', 'pods', 'store'],
    ],
    [['inspect', 'r'], ['routes']],
    [
      ['inspect', '--node', ''],
      ['host1', 'host2'],
    ],
    [
      ['up', '--pods', ''],
      ['auto', 'linux', 'emulated'],
    ],
    [['up', '--runt'], ['--runtime']],
    [['up', ''], [':file']],
    [['validate', 'a.yaml', ''], [':file']],
    [
      ['ping', ''],
      ['web', 'a/same', 'db', 'b/same'],
    ],
    [['ping', 'web', 'd'], ['db']],
    [['exec', 'web', '--', ''], [':file']],
    [['--name', ''], ['demo']],
    [['capture', '-w', ''], [':file']],
    [['down', 'x'], []],
    [['speaker', '--config', ''], [':file']],
    [
      ['bgp', 'e'],
      ['explain', 'enable'],
    ],
    [
      ['bgp', 'rib', '--lo'],
      ['--longer', '--log-level'],
    ],
    [['bgp', 'rib', '--family', 'ipv4-u'], ['ipv4-unicast']],
    [['bgp', 'rib', '--node', 'host1'], ['host1']],
  ])('%j', async (words, candidates) => {
    const { code, stdout } = await podwire(['__complete', '--', ...words], { labs });
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(candidates);
  });

  test('never complains when no lab runs', async () => {
    expect(await podwire(['__complete', '--', 'ping', ''])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

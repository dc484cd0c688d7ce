import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  claimState,
  isAlive,
  type LabState,
  labPaths,
  listStates,
  processStartTicks,
  readState,
  removeState,
  runRoot,
  writeState,
} from '../../../lab/runtime/state.ts';
import { until } from '../../support/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-state-'));
  vi.stubEnv('PODWIRE_RUN_DIR', join(folder, 'run'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function state(name: string, more: Partial<LabState> = {}): LabState {
  return {
    name,
    pid: process.pid,
    startTicks: processStartTicks(process.pid),
    runtime: 'local',
    underlay: '127.9.0.0/24',
    store: 'memory',
    children: [],
    ...more,
  };
}

describe('the folder', () => {
  test('is what PODWIRE_RUN_DIR says, else one of this user', () => {
    expect(runRoot()).toBe(join(folder, 'run'));
    vi.stubEnv('PODWIRE_RUN_DIR', '');
    const getuid = vi.spyOn(process, 'getuid' as never) as unknown as { mockReturnValue(uid: number): void };
    try {
      getuid.mockReturnValue(0);
      expect(runRoot()).toBe('/run/podwire');
      // A user of a container, whom no passwd file knows.
      getuid.mockReturnValue(4711);
      vi.stubEnv('XDG_RUNTIME_DIR', '/run/user/4711');
      expect(runRoot()).toBe('/run/user/4711/podwire');
      vi.stubEnv('XDG_RUNTIME_DIR', '');
      expect(runRoot()).toBe(join(tmpdir(), 'podwire-4711'));
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('of a lab has a place for everything, none of which another has', () => {
    const paths = labPaths('x');
    const all = [
      paths.state,
      paths.control,
      paths.log,
      paths.store,
      paths.agent('host1'),
      paths.agent('host2'),
      paths.node('host1'),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const path of all) expect(path.startsWith(`${join(folder, 'run', 'x')}/`)).toBe(true);
  });
});

describe('a state', () => {
  test('is written for its owner only, read, replaced and removed', () => {
    expect(readState('x')).toBeUndefined();
    expect(claimState(state('x'))).toBe(true);
    expect(readState('x')).toEqual(state('x'));
    writeState(state('x', { children: [{ pid: 1, startTicks: '2' }] }));
    expect(readState('x')?.children).toEqual([{ pid: 1, startTicks: '2' }]);
    // Nothing is left of drafts.
    expect(readdirSync(labPaths('x').folder)).toEqual(['lab.json']);
    removeState('x');
    expect(readState('x')).toBeUndefined();
    expect(existsSync(runRoot())).toBe(false);
    removeState('x');
  });

  test('is that of the first who claims the name', () => {
    expect(claimState(state('x', { pid: 1 }))).toBe(true);
    expect(claimState(state('x', { pid: 2 }))).toBe(false);
    expect(readState('x')?.pid).toBe(1);
  });

  test('the root stays while another lab is in it', () => {
    claimState(state('x'));
    claimState(state('y'));
    removeState('x');
    expect(listStates().map(({ name }) => name)).toEqual(['y']);
  });

  test.each(['', '{', 'null', '[]', '{"name":"x"}', '{"name":"x","pid":"1","children":[]}'])(
    'that cannot be read (%j) is none',
    (text) => {
      mkdirSync(labPaths('x').folder, { recursive: true });
      writeFileSync(labPaths('x').state, text);
      expect(readState('x')).toBeUndefined();
      expect(listStates()).toEqual([]);
    },
  );

  test('states are listed by name; other folders and files are no labs', () => {
    expect(listStates()).toEqual([]);
    for (const name of ['b', 'a']) claimState(state(name));
    mkdirSync(join(runRoot(), 'empty'));
    writeFileSync(join(runRoot(), 'file'), '');
    expect(listStates().map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe.skipIf(process.platform !== 'linux')('isAlive', () => {
  test('knows this process, and tells it from one that had its id before', () => {
    const { pid, startTicks } = state('x');
    expect(isAlive({ pid, startTicks })).toBe(true);
    expect(isAlive({ pid, startTicks: String(Number(startTicks) - 1) })).toBe(false);
  });

  test('knows a process that ended, and one that nobody collected', async () => {
    // A child that ends with its input, of a shell that becomes a program that does not collect it.
    const shell = spawn('/bin/sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'], { stdio: 'pipe' });
    try {
      const [line] = (await once(shell.stdout, 'data')) as [Buffer];
      const child = { pid: Number(line.toString()), startTicks: processStartTicks(Number(line.toString())) };
      expect(isAlive(child)).toBe(true);
      shell.stdin.end();
      await until('the child is a zombie', () =>
        /\) Z /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')),
      );
      expect(isAlive(child)).toBe(false);
      expect(processStartTicks(child.pid)).toBeNull();
      const parent = { pid: shell.pid!, startTicks: processStartTicks(shell.pid!) };
      expect(isAlive(parent)).toBe(true);
      shell.kill('SIGKILL');
      await once(shell, 'exit');
      expect(isAlive(parent)).toBe(false);
    } finally {
      shell.kill('SIGKILL');
    }
  });

  test('takes a process whose start nobody could read for dead: its id may be anybody’s', () => {
    expect(isAlive({ pid: process.pid, startTicks: null })).toBe(false);
  });

  test.each([0, -1, 1.5, Number.NaN])('the id %d is no process', (pid) => {
    expect(isAlive({ pid, startTicks: null })).toBe(false);
    expect(isAlive({ pid, startTicks: '1' })).toBe(false);
  });

  test('names of processes may contain what they like', async () => {
    // The name in /proc/PID/stat is in brackets and not escaped.
    const odd = join(folder, 'a) Z 1 (b');
    writeFileSync(odd, '#!/bin/sh\nsleep 60 & wait\n', { mode: 0o755 });
    const child = spawn(odd, [], { stdio: 'ignore', detached: true });
    try {
      await once(child, 'spawn');
      await until('it runs under its name', () =>
        readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes('(a) Z'),
      );
      const ticks = processStartTicks(child.pid!);
      expect(Number(ticks)).toBeGreaterThanOrEqual(Number(processStartTicks(process.pid)));
    } finally {
      process.kill(-child.pid!, 'SIGKILL');
    }
  });
});

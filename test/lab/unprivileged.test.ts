// What podwire does where it may do little: without root, and without /dev/net/tun.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { NeighborRow } from '../../agents/control/types.ts';
import { all, root, tool } from '../support/tools.ts';
import { asNobody } from './support/as-nobody.ts';
import { leftovers } from './support/leftovers.ts';
import { type RunOptions, Workspace } from './support/workspace.ts';

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace('rights');
});

afterEach(() => workspace.clean());

// Root is needed to become somebody else.
const nobody = all(root(), tool('setpriv'), tool('unshare'));

describe.skipIf(nobody.missing)(nobody.title('a user without privileges'), () => {
  let through: RunOptions;

  beforeEach(() => {
    through = asNobody(workspace);
  });

  test('gets emulated pods and BGP on 1790, is told so and why, and the lab works', async () => {
    const up = await workspace.podwire(['up', '-d'], through);
    expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining('7/7 BGP sessions Established') });
    const [plan] = up.stderr.split('\n');
    expect(plan).toContain(
      ', BGP on TCP 1790 (179 needs root), emulated pods (cannot create a network namespace: ',
    );
    expect(plan).toContain('this needs root');
    const { lab } = JSON.parse(await workspace.ok(['--format', 'json', 'inspect'], through)) as {
      lab: LabInfo;
    };
    expect(lab).toMatchObject({ podKind: 'emulated', bgpPort: 1790, phase: 'converged' });
    const bgp = JSON.parse(
      await workspace.ok(['--format', 'json', 'inspect', 'bgp'], through),
    ) as readonly NeighborRow[];
    expect(new Set(bgp.map(({ port, state }) => `${port} ${state}`))).toEqual(new Set(['1790 Established']));
    expect(await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1'], through)).toContain(
      '1 received, 0% packet loss',
    );
    const store = await workspace.ok(['inspect', 'store'], through);
    expect(store).toContain('"listenPort":1790');
    await workspace.ok(['down'], through);
    expect(leftovers(workspace)).toEqual([]);
  });

  test('the capture of such a lab, with its port', async () => {
    await workspace.ok(['up', '-d', '-q'], through);
    const capture = workspace.start(['capture', '-w', `${workspace.folder}/lab.pcapng`, '-c', '8'], through);
    await capture.shows('podwire: capturing');
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1'], through);
    expect(await capture.ended).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('8 packets captured'),
    });
  });

  test.each([[['up', '-d']], [['up']]])(
    '--pods linux is refused in one line with the cause: %j',
    async (args) => {
      expect(await workspace.podwire([...args, '-q', '--pods', 'linux'], through)).toEqual({
        code: 1,
        signal: null,
        stdout: '',
        stderr: expect.stringMatching(
          /^podwire: stage plan failed: pod default\/web-1 cannot be a linux pod: cannot create a network namespace: operation not permitted \(EPERM\); this needs root .*\n$/,
        ),
      });
      expect(leftovers(workspace)).toEqual([]);
    },
  );

  test('--runtime netns is refused in one line with the cause', async () => {
    const ran = await workspace.podwire(['up', '-d', '-q', '--runtime', 'netns'], through);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^podwire: stage \S+ failed: .*root.*\n$/);
    expect(leftovers(workspace)).toEqual([]);
  });

  test('a folder for the lab’s state that it may not write: named, with what helps', async () => {
    const ran = await workspace.podwire(['up', '-d', '-q'], {
      ...through,
      env: { PODWIRE_RUN_DIR: '/etc/podwire' },
    });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toBe(
      `podwire: cannot keep the lab's state in /etc/podwire/${workspace.lab}: permission denied (EACCES); PODWIRE_RUN_DIR may name another folder\n`,
    );
  });
});

const mounts = all(root(), tool('unshare'));

describe.skipIf(mounts.missing)(mounts.title('a machine without /dev/net/tun'), () => {
  /** In a mount namespace of its own, /dev/net is empty. */
  const through = {
    through: ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'],
  };

  test('takes emulated pods and says why', async () => {
    const up = await workspace.podwire(['up', '-d'], through);
    expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining('7/7 BGP sessions Established') });
    expect(up.stderr.split('\n')[0]).toContain(
      'emulated pods (cannot open /dev/net/tun: no such file or directory (ENOENT))',
    );
    expect(await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1'])).toContain('1 received, 0% packet loss');
  });

  test('--pods linux is refused in one line with the cause', async () => {
    expect(await workspace.podwire(['up', '-d', '-q', '--pods', 'linux'], through)).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'podwire: stage plan failed: pod default/web-1 cannot be a linux pod: cannot open /dev/net/tun: no such file or directory (ENOENT)\n',
    });
    expect(leftovers(workspace)).toEqual([]);
  });
});

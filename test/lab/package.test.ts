// The package as a stranger gets it: packed, installed into an empty project beside whatever Node the machine has, run.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import { root } from '../support/root.ts';
import { all, skippingForbidden, tool } from '../support/tools.ts';
import { leftovers } from './support/leftovers.ts';
import { type Ran, Workspace } from './support/workspace.ts';

/** What of a checkout makes the package. */
const SOURCES = ['docs', 'agents', 'bin', 'lab', 'protocol', 'package.json', 'package-lock.json'];
const TEXTS = ['CHANGELOG.md', 'LICENSE', 'README.md'];

const needs = all(tool('node'), tool('npm'), tool('npx'), tool('tar'));

describe.skipIf(needs.missing)(needs.title('the package'), () => {
  let workspace: Workspace;
  let checkout: string;
  let project: string;

  beforeAll(() => {
    workspace = new Workspace('package');
    checkout = join(workspace.folder, 'checkout');
    project = join(workspace.folder, 'project');
    for (const folder of [checkout, project]) mkdirSync(folder);
    for (const name of [...SOURCES, ...TEXTS])
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  });

  afterAll(() => workspace.clean());

  const env = {
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_yes: 'false',
  };
  const run = (cwd: string, ...command: string[]): Promise<Ran> => workspace.run(command, { cwd, env }).ended;
  const npx = (cwd: string, ...args: string[]): Promise<Ran> => run(cwd, 'npx', 'podwire', ...args);

  test('in a checkout, npx podwire runs the TypeScript as it is', async () => {
    expect(existsSync(join(checkout, 'dist'))).toBe(false);
    const { code, stdout } = await npx(checkout, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: podwire COMMAND/);
  });

  test('holds the bundle and what it reads, nothing else', async () => {
    expect(await run(checkout, 'npm', 'pack', '--pack-destination', project)).toMatchObject({ code: 0 });
    const { stdout } = await run(project, 'sh', '-c', 'tar -tzf podwire-*.tgz');
    const files = stdout
      .trim()
      .split('\n')
      .map((file) => file.replace(/^package\//, ''));
    const folders = new Set(
      files.map((file) => file.replace(/(?<=^(dist|lab)\/[^/]+)\/.*|(?<=^(bin|docs))\/.*/, '')),
    );
    expect([...folders].sort()).toEqual(
      [
        'bin',
        'dist/agents',
        'dist/chunks',
        'dist/lab',
        'dist/licences.txt',
        'docs',
        'lab/examples',
        'lab/schema',
        'package.json',
        ...TEXTS,
      ].sort(),
    );
    const wanted = ['dist/lab/main.js', 'dist/lab/runtime/daemon.js', 'lab/schema/speaker.schema.json'];
    wanted.push('dist/agents/main.js', 'lab/schema/lab.schema.json', 'lab/examples/calico-rr.yaml');
    expect(files).toEqual(expect.arrayContaining(wanted));
    // Node strips no types below node_modules.
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
    expect(files.filter((file) => file.startsWith('bin/'))).toEqual([
      'bin/node26.mjs',
      'bin/podwire.mjs',
      'bin/program.mjs',
    ]);
  });

  test('installed elsewhere, it brings its own Node and runs the default lab', {
    timeout: 180_000,
  }, async (context) => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    await run(project, 'npm', 'init', '-y');
    const installed = await run(project, 'npm', 'install', '--prefer-offline', `./podwire-${version}.tgz`);
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(installed.stderr) && !skippingForbidden)
      context.skip('needs the npm registry');
    expect(installed).toMatchObject({ code: 0 });
    const shown = await npx(project, 'version');
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^podwire ${version} \\(Node 2[6-9]\\.`),
    });
    const name = ['--name', workspace.lab];
    const up = await npx(project, ...name, 'up', '-d');
    expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining('7/7 BGP sessions Established') });
    const inspected = await npx(project, ...name, '--format', 'json', 'inspect');
    const { lab } = JSON.parse(inspected.stdout) as { lab: LabInfo };
    const command = readFileSync(`/proc/${lab.pid}/cmdline`, 'utf8').split('\0');
    expect(command[1]).toBe(join(project, 'node_modules', 'podwire', 'dist', 'lab', 'runtime', 'daemon.js'));
    expect(lab.file).toBe(join(project, 'node_modules', 'podwire', 'lab', 'examples', 'calico-rr.yaml'));
    const ping = await npx(project, ...name, 'ping', 'web-1', 'web-2', '-c', '1');
    expect(ping).toMatchObject({ code: 0, stdout: expect.stringContaining('1 received, 0% packet loss') });
    const file = join(project, 'lab.pcapng');
    const capture = workspace.run(['npx', 'podwire', ...name, 'capture', '-c', '8', '-w', file], {
      cwd: project,
      env,
    });
    await capture.shows('podwire: capturing');
    await npx(project, ...name, 'ping', 'web-1', 'web-2', '-c', '1');
    expect(await capture.ended).toMatchObject({ code: 0 });
    expect(await npx(project, ...name, 'down')).toMatchObject({ code: 0 });
    expect(leftovers(workspace)).toEqual([]);
  });
});

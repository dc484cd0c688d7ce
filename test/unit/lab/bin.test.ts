import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'podwire-bin-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The program as a person starts it. */
function podwire(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/podwire.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PODWIRE_RUN_DIR: join(folder, 'run') },
  });
  return { code: status, stdout, stderr };
}

describe('podwire', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

  test.each([['version'], ['--version'], ['-V']])('%s', (argument) => {
    const { code, stdout, stderr } = podwire(argument);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^podwire ${version} \\(Node \\d+\\.`));
  });

  test('version --format json', () => {
    expect(JSON.parse(podwire('version', '--format', 'json').stdout)).toMatchObject({ podwire: version });
  });

  test('--help', () => {
    const { code, stdout, stderr } = podwire('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: podwire COMMAND');
  });

  test('nothing, and an unknown command', () => {
    expect(podwire()).toMatchObject({ code: 2, stdout: '' });
    expect(podwire('nope')).toEqual({
      code: 2,
      stdout: '',
      stderr: "podwire: unknown command 'nope'\npodwire: see 'podwire --help'\n",
    });
  });

  test.each([
    [['bgp', 'rib', '--nope'], 'podwire bgp rib'],
    [['bgp', '--socket', 'x', 'rib', '--limit', '0'], 'podwire bgp rib'],
    [['mrt', 'cat'], 'podwire mrt cat'],
    [['bgp', 'nope'], 'podwire bgp'],
    [['--name', '?', 'bgp', 'rib'], 'podwire bgp'],
  ])('wrong usage %j shows to the help of the command', (args, command) => {
    const { code, stderr } = podwire(...args);
    expect(code).toBe(2);
    expect(stderr.split('\n').slice(1)).toEqual([`podwire: see '${command} --help'`, '']);
  });

  test('validate', () => {
    const good = join(root, 'lab/examples/calico-rr.yaml');
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'name: bad\nnodes:\n  h1: { asn: -1 }\n');
    expect(podwire('validate', good)).toEqual({
      code: 0,
      stdout: `${good}: ok, lab calico-rr: 5 nodes, 6 pods, 3 resources\n`,
      stderr: '',
    });
    expect(podwire('validate', bad)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${bad}:3:14: nodes.h1.asn is -1, expected an AS number from 1 to 4294967295\n`,
    });
    const { code, stdout } = podwire('validate', good, bad, '--format', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      { file: good, valid: true, problems: [] },
      {
        file: bad,
        valid: false,
        problems: [
          { file: bad, line: 3, column: 14, message: expect.stringContaining('nodes.h1.asn is -1') },
        ],
      },
    ]);
  });

  test.each(['bash', 'zsh', 'fish'])('completion %s', (shell) => {
    const { code, stdout } = podwire('completion', shell);
    expect(code).toBe(0);
    expect(stdout).toContain('__complete');
  });

  test('the bash script completes', () => {
    const script = join(folder, 'podwire.bash');
    writeFileSync(script, podwire('completion', 'bash').stdout);
    const command = `source ${script}; podwire() { ${process.execPath} ${root}/bin/podwire.mjs "$@"; }
      COMP_WORDS=(podwire inspect r); COMP_CWORD=2; _podwire; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'routes\n', stderr: '' });
  });
});

// Which podwire bin/podwire.mjs runs: the bundle, or sources that say something else by now.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../../support/root.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-program-'));
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  put('package.json', '{ "type": "module" }');
  put('dist/lab/main.js', "console.log('bundle', ...process.argv.slice(2));");
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** A checkout with a bundle that was made of its two sources. */
function checkout(): void {
  put('lab/main.ts', "import { text } from './text.ts'; const said: string = text; console.log(said);");
  put('lab/text.ts', "export const text: string = 'sources';");
  const made = ['lab/main.ts', 'lab/text.ts'].map((path) => {
    const { size, mtimeMs } = statSync(join(folder, path));
    return [path, size, mtimeMs];
  });
  put('dist/built-from.json', JSON.stringify(made));
}

function run(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin/podwire.mjs'), ...args], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.trim();
}

describe('bin/podwire.mjs runs', () => {
  test('the bundle where there are no sources', () => {
    expect(run('a', 'b')).toBe('bundle a b');
  });

  test('the bundle where the sources are as they were', () => {
    checkout();
    expect(run()).toBe('bundle');
  });

  test('the sources where nothing has been bundled', () => {
    checkout();
    rmSync(join(folder, 'dist'), { recursive: true });
    expect(run()).toBe('sources');
  });

  test('the sources where the bundle is not complete', () => {
    checkout();
    put('dist/built-from.json', '[["lab/ma');
    expect(run()).toBe('sources');
  });

  test('the sources when one of them is longer', () => {
    checkout();
    put('lab/text.ts', "export const text: string = 'changed sources';");
    expect(run()).toBe('changed sources');
  });

  test('the sources when one of them was written at another time, be it earlier', () => {
    checkout();
    const { size, atime, mtime } = statSync(join(folder, 'lab/text.ts'));
    put('lab/text.ts', "export const text: string = 'SOURCES';");
    utimesSync(join(folder, 'lab/text.ts'), atime, new Date(mtime.getTime() - 1000));
    expect(statSync(join(folder, 'lab/text.ts')).size).toBe(size);
    expect(run()).toBe('SOURCES');
  });

  test('the sources when one of them is gone', () => {
    checkout();
    put('lab/main.ts', "console.log('alone');");
    rmSync(join(folder, 'lab/text.ts'));
    expect(run()).toBe('alone');
  });
});

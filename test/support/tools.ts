// What a test needs from the machine: programs, root, a Docker daemon. A test whose need is missing is skipped and says
// how to get it; with PODWIRE_NO_SKIP=1 (set in CI) a missing need is an error instead, so that nothing is left out unseen.
//
//   const bird = tool('bird');
//   describe.skipIf(bird.missing)(bird.title('BIRD as a peer'), () => { ... spawn(bird.path, ...) ... });
//
// or, inside one test:
//
//   test('tshark reads the capture', () => { const tshark = requireTool('tshark'); ... });
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TestRunner } from 'vitest';

/** Debian's package for each program that the tests run. */
const PACKAGES: Readonly<Record<string, string>> = {
  bgpd: 'frr',
  bgpdump: 'bgpdump',
  bird: 'bird2',
  birdc: 'bird2',
  bridge: 'iproute2',
  bzip2: 'bzip2',
  capinfos: 'wireshark-common',
  curl: 'curl',
  debootstrap: 'debootstrap',
  docker: 'docker.io',
  'docker-compose': 'docker-compose',
  dockerd: 'docker.io',
  editcap: 'wireshark-common',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  ethtool: 'ethtool',
  exabgp: 'exabgp',
  faketime: 'faketime',
  gobgp: 'gobgpd',
  gobgpd: 'gobgpd',
  ip: 'iproute2',
  iperf3: 'iperf3',
  mergecap: 'wireshark-common',
  nft: 'nftables',
  nsenter: 'util-linux',
  openssl: 'openssl',
  ping: 'iputils-ping',
  'redis-cli': 'redis-tools',
  'redis-server': 'redis-server',
  ss: 'iproute2',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  unshare: 'util-linux',
  vtysh: 'frr',
  zebra: 'frr',
};

/** Where Debian keeps programs that an unprivileged user's PATH may lack. */
const EXTRA_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib/frr'];

/** One thing that a test needs: missing or not, and the words to say so. */
export interface Need {
  readonly missing: boolean;
  /** One line, for example `needs bird: apt-get install bird2`; empty where nothing is missing. */
  readonly reason: string;
  /** The title to give to describe() or test(): the text, with the reason in brackets where something is missing. */
  title(text: string): string;
}

/** A program that a test runs. */
export interface Tool extends Need {
  readonly name: string;
  /** Absolute path; empty where the program is missing. */
  readonly path: string;
}

/** Whether a missing need is an error (CI) rather than a reason to skip. */
export const skippingForbidden: boolean = process.env.PODWIRE_NO_SKIP === '1';

/** A need from its reason (empty: fulfilled); throws the reason where skipping is forbidden. */
export function needFrom(reason: string): Need {
  if (reason !== '' && skippingForbidden) throw new Error(`${reason} (PODWIRE_NO_SKIP=1 forbids skipping)`);
  return {
    missing: reason !== '',
    reason,
    title: (text) => (reason === '' ? text : `${text} [skipped: ${reason}]`),
  };
}

/** True where the path is a regular file that this user may execute. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Absolute path of a program on the PATH or in Debian's usual folders; undefined where there is none. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** True where the program is installed. */
export function hasTool(name: string): boolean {
  return findTool(name) !== undefined;
}

/** Why a program cannot be used and how to get it; empty where it is installed. */
function toolReason(name: string): string {
  return hasTool(name) ? '' : `needs ${name}: apt-get install ${PACKAGES[name] ?? name}`;
}

/** A program for a whole file or describe block: `describe.skipIf(bird.missing)(bird.title('...'), ...)`. */
export function tool(name: string): Tool {
  return { ...needFrom(toolReason(name)), name, path: findTool(name) ?? '' };
}

function rootReason(): string {
  if (process.platform !== 'linux') return 'needs Linux (network namespaces)';
  return process.getuid?.() === 0 ? '' : 'needs root: run the tests with sudo';
}

/** Root on Linux, for tests that make network namespaces and interfaces. */
export function root(): Need {
  return needFrom(rootReason());
}

let dockerAnswer: string | undefined;

/** Asks the daemon once per process: a client without a daemon is as good as none. */
function dockerReason(): string {
  if (dockerAnswer !== undefined) return dockerAnswer;
  const client = findTool('docker');
  if (client === undefined) {
    dockerAnswer = toolReason('docker');
  } else {
    const asked = spawnSync(client, ['version', '--format', '{{.Server.Version}}'], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    dockerAnswer =
      asked.status === 0 ? '' : 'needs a Docker daemon that this user may use: systemctl start docker';
  }
  return dockerAnswer;
}

/** A Docker daemon that answers. */
export function docker(): Need {
  return needFrom(dockerReason());
}

/** Several needs as one: missing where any is, with all reasons. */
export function all(...needs: readonly Need[]): Need {
  return needFrom(
    needs
      .map(({ reason }) => reason)
      .filter((reason) => reason !== '')
      .join('; '),
  );
}

/** Skips the running test, or throws where skipping is forbidden or no test is running. */
function skipBecause(reason: string): never {
  if (!skippingForbidden) TestRunner.getCurrentTest()?.context.skip(reason);
  throw new Error(reason);
}

/**
 * The program's absolute path. Where it is missing, the running test is skipped with the reason; outside of a test
 * (top of a file, beforeAll) or with PODWIRE_NO_SKIP=1 this throws: use `tool(name)` with describe.skipIf there.
 */
export function requireTool(name: string): string {
  return findTool(name) ?? skipBecause(toolReason(name));
}

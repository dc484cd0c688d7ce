// TCP-MD5 (RFC 2385) and GTSM (RFC 5082) against real speakers, with as much BGP as makes a session come up.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeTcp } from '../../agents/io/tcp.ts';
import type {
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
} from '../../agents/ports.ts';
import { fromHex } from '../../protocol/bytes/hex.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { BirdDaemon } from './bgp-bird-daemon.ts';
import { FrrDaemon } from './bgp-frr-daemon.ts';

const PODWIRE = '127.106.1.1';
const DAEMON = '127.106.1.2';
const PORT = 17906;
const KEY = 'pod-wire_secret';
const tcp = nodeTcp();

const MARKER = 'ff'.repeat(16);
/** AS 65106, hold time 180, identifier 127.106.1.1, no capabilities: plain IPv4 unicast. */
const OPEN = fromHex(`${MARKER} 001d 01 04 fe52 00b4 7f6a0101 00`);
const KEEPALIVE = fromHex(`${MARKER} 0013 04`);

/** One end of a session: answers OPEN with OPEN, and keeps alive what comes. */
class End implements TcpHandler {
  /** `established`, or why it closed. */
  readonly outcome: Promise<string>;
  readonly #resolve: (outcome: string) => void;
  readonly #connection: () => TcpConnection;
  #bytes: number[] = [];

  constructor(connection: () => TcpConnection) {
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  onData(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
    while (this.#bytes.length >= 19) {
      const length = this.#bytes[16]! * 256 + this.#bytes[17]!;
      if (this.#bytes.length < length) return;
      const [message] = [this.#bytes.splice(0, length)];
      if (message[18] === 1) {
        this.#connection().write(OPEN);
        this.#connection().write(KEEPALIVE);
      } else if (message[18] === 4) this.#resolve('established');
    }
  }

  onClose(error?: string): void {
    this.#resolve(error ?? 'closed');
  }
}

let cleanups: Array<() => unknown> = [];

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

/** Dials the daemon. */
function dial(options: TcpConnectOptions): Promise<string> {
  const end = new End(() => connection);
  const local = { localAddress: PODWIRE, userTimeout: 500 };
  const connection: TcpConnection = tcp.connect(
    { address: DAEMON, port: PORT },
    { ...local, ...options },
    end,
  );
  cleanups.push(() => connection.destroy());
  return end.outcome;
}

/** Dials until the daemon has come so far that it serves us or is silent: before, it closes. */
function outcomeOf(options: TcpConnectOptions): Promise<string> {
  return until('an outcome of dialling', async () => {
    const outcome = await dial(options);
    return outcome === 'established' || outcome.startsWith('ETIMEDOUT') ? outcome : undefined;
  });
}

interface Called {
  readonly listener: TcpListener;
  /** Of the first connection that the daemon opens and keeps: it may give up one of its first and dial again. */
  readonly outcome: Promise<string>;
  readonly accepted: () => number;
}

/** Waits for the daemon to dial. */
async function listen(options: TcpListenOptions): Promise<Called> {
  const first = Promise.withResolvers<string>();
  let accepted = 0;
  const listener = await tcp.listen(
    { address: PODWIRE, port: PORT },
    (connection) => {
      accepted++;
      const end = new End(() => connection);
      void end.outcome.then((outcome) => {
        if (outcome !== 'closed') first.resolve(outcome);
      });
      cleanups.push(() => connection.destroy());
      return end;
    },
    options,
  );
  cleanups.push(() => listener.close());
  return { listener, outcome: first.promise, accepted: () => accepted };
}

/** A counter of the kernel's TCP extensions. */
function netstat(name: string): number {
  const lines = readFileSync('/proc/net/netstat', 'utf8').split('\n');
  const [names, values] = lines.filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '));
  return Number(values![names!.indexOf(name)]);
}

interface Settings {
  readonly passive: boolean;
  readonly key?: string;
  readonly gtsm?: boolean;
}

async function bird({ passive, key, gtsm }: Settings): Promise<void> {
  const daemon = await BirdDaemon.start(`
    router id ${DAEMON};
    protocol device {}
    protocol bgp podwire {
      local ${DAEMON} port ${PORT} as 65107;
      neighbor ${PODWIRE} port ${PORT} as 65106;
      strict bind yes;
      multihop 1;
      connect delay time 1;
      passive ${passive ? 'on' : 'off'};
      ${key === undefined ? '' : `password "${key}";`}
      ${gtsm === true ? 'ttl security on;' : ''}
      ipv4 { import all; export none; };
    }`);
  cleanups.push(() => daemon.stop());
}

async function frr({ passive, key, gtsm }: Settings): Promise<void> {
  const daemon = await FrrDaemon.start(
    DAEMON,
    PORT,
    `
router bgp 65107
 bgp router-id ${DAEMON}
 no bgp ebgp-requires-policy
 neighbor ${PODWIRE} remote-as 65106
 neighbor ${PODWIRE} port ${PORT}
 neighbor ${PODWIRE} update-source ${DAEMON}
 neighbor ${PODWIRE} timers connect 1
 ${gtsm === true ? `neighbor ${PODWIRE} ttl-security hops 1` : `neighbor ${PODWIRE} disable-connected-check`}
 ${passive ? `neighbor ${PODWIRE} passive` : ''}
 ${key === undefined ? '' : `neighbor ${PODWIRE} password ${key}`}
`,
  );
  cleanups.push(() => daemon.stop());
}

async function gobgp({ passive, key, gtsm }: Settings): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
  await writeFile(
    join(folder, 'gobgpd.conf'),
    `
[global.config]
  as = 65107
  router-id = "${DAEMON}"
  port = ${PORT}
  local-address-list = ["${DAEMON}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${PODWIRE}"
    peer-as = 65106
    ${key === undefined ? '' : `auth-password = "${key}"`}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    local-address = "${DAEMON}"
    remote-port = ${PORT}
    passive-mode = ${passive}
  [neighbors.ebgp-multihop.config]
    enabled = ${gtsm !== true}
    multihop-ttl = 64
  [neighbors.ttl-security.config]
    enabled = ${gtsm === true}
    ttl-min = 255
`,
  );
  const daemon: ChildProcess = spawn(
    tool('gobgpd').path,
    ['-f', join(folder, 'gobgpd.conf'), '--api-hosts', `${DAEMON}:50051`, '--pprof-disable'],
    { stdio: 'ignore' },
  );
  cleanups.push(async () => {
    if (daemon.exitCode === null) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });
}

const DAEMONS = [
  { name: 'BIRD', start: bird, needed: all(root(), tool('bird'), tool('birdc')) },
  { name: 'FRR', start: frr, needed: all(root(), tool('bgpd'), tool('vtysh')) },
  { name: 'GoBGP', start: gobgp, needed: all(root(), tool('gobgpd')) },
];

describe.each(DAEMONS)('$name', ({ start, needed }) => {
  describe.skipIf(needed.missing)(needed.title('as a peer'), () => {
    test('dialled with its TCP-MD5 key answers; with another, or none, it does not', async () => {
      await start({ passive: true, key: KEY });
      expect(await outcomeOf({ md5: KEY })).toBe('established');
      const [wrong, none] = await Promise.all([dial({ md5: 'another' }), dial({})]);
      expect(wrong).toContain('ETIMEDOUT (no answer; does the peer have the same TCP-MD5');
      expect(none).toBe('ETIMEDOUT');
    });

    test('dials us with its key, which the listener learns only later', async () => {
      const called = await listen({ md5: [{ address: DAEMON, key: 'another' }] });
      const before = netstat('TCPMD5Failure');
      await start({ passive: false, key: KEY });
      await until('the kernel refuses the signature', () => netstat('TCPMD5Failure') > before);
      expect(called.accepted()).toBe(0);
      called.listener.setKeys!({ md5: [{ address: '127.106.0.0', prefixLength: 16, key: KEY }] });
      expect(await called.outcome).toBe('established');
    });

    test('with GTSM hears us with TTL 255', async () => {
      await start({ passive: true, gtsm: true });
      expect(await outcomeOf({ ttl: 255, minTtl: 255 })).toBe('established');
    });

    test('with GTSM is heard when it dials us', async () => {
      const called = await listen({ ttl: 255, minTtl: 255 });
      await start({ passive: false, gtsm: true });
      expect(await called.outcome).toBe('established');
    });

    test('with GTSM does not hear us with TTL 64', async () => {
      await start({ passive: true, gtsm: true });
      expect(await outcomeOf({ ttl: 64 })).toBe('ETIMEDOUT');
    });
  });
});

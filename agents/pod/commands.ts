import { formatMac } from '../../protocol/ethernet/mac.ts';
import { formatIpv4, tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { PingRequest, PingResult } from '../control/types.ts';
import { ping } from '../node/ping.ts';
import type { Clock, Timer } from '../ports.ts';
import type { Datagram, EmulatedPod } from './emulated.ts';
import type { Output } from './types.ts';

export interface CommandContext {
  readonly output: Output;
  /** Ends the command as SIGINT would: with the statistics so far. */
  readonly signal: AbortSignal;
  readonly input: Uint8Array | undefined;
  readonly clock: Clock;
}

type Command = (pod: EmulatedPod, args: readonly string[], context: CommandContext) => Promise<number>;

/** Exit code of a shell that does not find a command. */
const NOT_FOUND = 127;
const USAGE = 2;

/** Largest payload of an ICMP echo or a UDP datagram in IPv4. */
const LARGEST_DATA = 65507;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['ping', pingCommand],
  ['nc', ncCommand],
  ['ip', ipCommand],
]);

/**
 * Runs one of the commands that an emulated pod has, with the flags and output that people know from iputils, netcat
 * and iproute2, and resolves with the exit code: 2 for wrong usage, 127 for a command that it does not have.
 */
export async function runPodCommand(
  pod: EmulatedPod,
  command: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [name = '', ...args] = command;
  const run = COMMANDS.get(name);
  if (run !== undefined) return run(pod, args, context);
  const known = [...COMMANDS.keys()].join(', ');
  print(context, 'stderr', `${name}: not found; an emulated pod has: ${known}`);
  return NOT_FOUND;
}

const PING_USAGE =
  'usage: ping [-c COUNT] [-i SECONDS] [-s BYTES] [-t TTL] [-W SECONDS] [-M do|want] ADDRESS';

async function pingCommand(
  pod: EmulatedPod,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const request = pingRequest(args);
  if (typeof request === 'string') return fail(context, request);
  const { destination, size } = request;
  const report = (line: string): void => print(context, 'stdout', line);
  report(`PING ${destination} (${destination}) ${size}(${size + 28}) bytes of data.`);
  let [transmitted, received, errors] = [0, 0, 0];
  const id = pod.nextEchoId();
  const ports = { clock: context.clock, random: { uint32: () => id, float: () => 0 } };
  const echo: typeof pod.echo = {
    ...pod.echo,
    send: (...request) => {
      transmitted++;
      pod.echo.send(...request);
    },
  };
  const onResult = (result: PingResult): void => {
    if (result.outcome === 'reply') received++;
    if (result.outcome === 'error') errors++;
    for (const line of pingLines(result)) report(line);
  };
  const started = context.clock.now();
  await ping(echo, request, ports, onResult, context.signal);
  const time = (context.clock.now() - started).toFixed(0);
  const loss = transmitted === 0 ? 0 : Number(((1 - received / transmitted) * 100).toPrecision(6));
  report('');
  report(`--- ${destination} ping statistics ---`);
  report(
    `${transmitted} packets transmitted, ${received} received,${errors > 0 ? ` +${errors} errors,` : ''} ${loss}% packet loss, time ${time}ms`,
  );
  return received === 0 ? 1 : 0;
}

/** What the arguments ask for; a line for people where they are wrong. */
function pingRequest(args: readonly string[]): PingRequest | string {
  const parsed = flags(args, { c: '4', i: '1', s: '56', t: '64', W: '1', M: 'want' });
  const [destination, ...more] = parsed?.rest ?? [];
  if (parsed === undefined || destination === undefined || more.length > 0) return PING_USAGE;
  const { c, i, s, t, W, M } = parsed.values;
  const count = number(c, 1, Number.MAX_SAFE_INTEGER);
  const interval = number(i, 0, 86_400, 'fraction');
  const size = number(s, 0, LARGEST_DATA);
  const ttl = number(t, 1, 255);
  const timeout = number(W, 0.001, 86_400, 'fraction');
  if (count === undefined || size === undefined || ttl === undefined) return PING_USAGE;
  if (interval === undefined || timeout === undefined || (M !== 'do' && M !== 'want')) return PING_USAGE;
  if (tryParseIpv4(destination) === undefined) return `ping: ${destination}: expected an IPv4 address`;
  const times = { intervalMs: interval * 1000, timeoutMs: timeout * 1000 };
  return { pod: '', destination, count, ...times, size, ttl, dontFragment: M === 'do' };
}

function pingLines({ outcome, from, sequence, ttl, rttMs, bytes, error }: PingResult): readonly string[] {
  switch (outcome) {
    case 'timeout':
      return [];
    case 'error':
      return [from === null ? `ping: local error: ${error}` : `From ${from} icmp_seq=${sequence} ${error}`];
    case 'reply':
      return [`${bytes} bytes from ${from}: icmp_seq=${sequence} ttl=${ttl} time=${rttMs} ms`];
  }
}

/**
 * `nc -u [-w SECONDS] ADDRESS PORT`: sends standard input as one datagram and prints what comes back from there, until
 * nothing came for so long.
 */
async function ncCommand(
  pod: EmulatedPod,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const udp = args.includes('-u');
  const parsed = flags(
    args.filter((arg) => arg !== '-u'),
    { w: '1' },
  );
  const [host = '', portText, ...more] = parsed?.rest ?? [];
  const address = tryParseIpv4(host);
  const port = number(portText, 1, 65_535);
  const seconds = number(parsed?.values.w, 0.001, 86_400, 'fraction');
  if (!udp || more.length > 0 || address === undefined || port === undefined || seconds === undefined) {
    return fail(context, 'usage: nc -u [-w SECONDS] ADDRESS PORT');
  }
  try {
    return (await exchange(pod, address, port, seconds * 1000, context)) > 0 ? 0 : 1;
  } catch (error) {
    print(context, 'stderr', `nc: ${(error as Error).message}`);
    return 1;
  }
}

/** Sends the input and prints the answers until nothing came for `idle` ms; resolves with how many came. */
async function exchange(
  pod: EmulatedPod,
  address: number,
  port: number,
  idle: number,
  { clock, output, signal, input = new Uint8Array() }: CommandContext,
): Promise<number> {
  if (signal.aborted) return 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let timer: Timer | undefined;
  let received = 0;
  const wait = (): void => {
    timer?.cancel();
    timer = clock.setTimer(idle, resolve);
  };
  const socket = pod.openUdp(({ from, fromPort, data }: Datagram) => {
    if (from !== address || fromPort !== port) return;
    received++;
    try {
      output('stdout', data);
      wait();
    } catch (error) {
      reject(error);
    }
  });
  const abort = (): void => resolve();
  signal.addEventListener('abort', abort);
  try {
    wait();
    socket.send(address, port, input);
    await promise;
    return received;
  } finally {
    timer?.cancel();
    signal.removeEventListener('abort', abort);
    socket.close();
  }
}

/** `ip addr`, `ip route`, `ip neigh`, each by any beginning of its name. */
async function ipCommand(
  { host }: EmulatedPod,
  [object = '']: readonly string[],
  context: CommandContext,
): Promise<number> {
  const lines: Readonly<Record<string, () => string[]>> = {
    addr: () => [
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536',
      '    inet 127.0.0.1/8 scope host lo',
      `2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu ${host.mtu}`,
      `    link/ether ${formatMac(host.mac)} brd ff:ff:ff:ff:ff:ff`,
      `    inet ${formatIpv4(host.address)}/32 scope global eth0`,
    ],
    route: () => [
      `default via ${formatIpv4(host.gateway)} dev eth0`,
      `${formatIpv4(host.gateway)} dev eth0 scope link`,
    ],
    neigh: () =>
      host.neighbors(context.clock.now()).map(({ ip, mac, state }) => {
        const lladdr = mac === undefined ? '' : `lladdr ${formatMac(mac)} `;
        return `${formatIpv4(ip)} dev eth0 ${lladdr}${state}`;
      }),
  };
  const known = Object.keys(lines).find((name) => object !== '' && name.startsWith(object));
  if (known === undefined) return fail(context, 'usage: ip addr|route|neigh');
  for (const line of lines[known]!()) print(context, 'stdout', line);
  return 0;
}

function fail(context: CommandContext, line: string): number {
  print(context, 'stderr', line);
  return USAGE;
}

function print(context: CommandContext, stream: 'stdout' | 'stderr', line: string): void {
  context.output(stream, new TextEncoder().encode(`${line}\n`));
}

/** A decimal number of the range; undefined where the text is none. */
function number(
  text: string | undefined,
  minimum: number,
  maximum: number,
  kind: 'whole' | 'fraction' = 'whole',
): number | undefined {
  const form = kind === 'whole' ? /^\d+$/ : /^(\d+\.?\d*|\.\d+)$/;
  if (text === undefined || !form.test(text)) return undefined;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : undefined;
}

/** One-letter flags with a value each; undefined where a flag is unknown or lacks its value. */
function flags<F extends string>(
  args: readonly string[],
  defaults: Readonly<Record<F, string>>,
): { readonly values: Readonly<Record<F, string>>; readonly rest: readonly string[] } | undefined {
  const values: Record<F, string> = { ...defaults };
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!/^-[A-Za-z]/.test(arg)) {
      rest.push(arg);
      continue;
    }
    const name = arg[1]!;
    const value = arg.length > 2 ? arg.slice(2) : args[++i];
    if (!Object.hasOwn(defaults, name) || value === undefined) return undefined;
    values[name as F] = value;
  }
  return { values, rest };
}

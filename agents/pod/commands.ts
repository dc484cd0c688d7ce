import { formatMac } from '../../protocol/ethernet/mac.ts';
import { formatIpv4, tryParseIpv4 } from '../../protocol/ip/ipv4.ts';
import { ping } from '../node/ping.ts';
import type { Clock } from '../ports.ts';
import type { EmulatedPod } from './emulated.ts';
import type { Output } from './types.ts';

export interface CommandContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly input: Uint8Array | undefined;
  readonly clock: Clock;
}

type Command = (pod: EmulatedPod, args: readonly string[], context: CommandContext) => Promise<number>;

/** Exit code of a shell that does not find a command. */
const NOT_FOUND = 127;
const USAGE = 2;

/**
 * Runs one of the commands that an emulated pod has, with the flags and output that people know from iputils, netcat
 * and iproute2, and resolves with the exit code.
 */
export function runPodCommand(
  pod: EmulatedPod,
  command: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [name = '', ...args] = command;
  const run = COMMANDS[name];
  if (run !== undefined) return run(pod, args, context);
  const known = Object.keys(COMMANDS).join(', ');
  print(context, 'stderr', `${name}: not found; an emulated pod has: ${known}`);
  return Promise.resolve(NOT_FOUND);
}

const COMMANDS: Readonly<Record<string, Command>> = { ping: pingCommand, nc: ncCommand, ip: ipCommand };

async function pingCommand(
  pod: EmulatedPod,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const usage = 'usage: ping [-c COUNT] [-i SECONDS] [-s BYTES] [-t TTL] [-W SECONDS] [-M do] ADDRESS';
  const parsed = flags(args, { c: '4', i: '1', s: '56', t: '64', W: '1', M: 'want' });
  const destination = parsed?.rest[0];
  if (parsed === undefined || parsed.rest.length !== 1 || destination === undefined)
    return fail(context, usage);
  if (tryParseIpv4(destination) === undefined)
    return fail(context, `ping: ${destination}: expected an IPv4 address`);
  const number = (flag: string): number => Number(parsed.values[flag]);
  const request = {
    pod: '',
    destination,
    count: number('c'),
    intervalMs: number('i') * 1000,
    timeoutMs: number('W') * 1000,
    size: number('s'),
    ttl: number('t'),
    dontFragment: parsed.values.M === 'do',
  };
  if (Object.values(request).some((value) => Number.isNaN(value))) return fail(context, usage);
  print(context, 'stdout', `PING ${destination} ${request.size} bytes of data.`);
  let received = 0;
  const random = { uint32: () => Math.floor(context.clock.now() * 1000) >>> 0, float: () => 0 };
  const report = (line: string): void => print(context, 'stdout', line);
  await ping(
    pod.echo,
    request,
    { clock: context.clock, random },
    (result) => {
      if (result.outcome === 'reply') {
        received++;
        report(
          `${result.bytes} bytes from ${result.from}: icmp_seq=${result.sequence} ttl=${result.ttl} time=${result.rttMs} ms`,
        );
      } else if (result.outcome === 'error') {
        report(
          `From ${result.from ?? formatIpv4(pod.host.address)} icmp_seq=${result.sequence} ${result.error}`,
        );
      }
    },
    context.signal,
  );
  const loss = Math.round((1 - received / request.count) * 100);
  report(`${request.count} packets transmitted, ${received} received, ${loss}% packet loss`);
  return received === 0 ? 1 : 0;
}

/** `nc -u [-w SECONDS] HOST PORT`: sends standard input as one datagram and prints what comes back. */
async function ncCommand(
  pod: EmulatedPod,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const usage = 'usage: nc -u [-w SECONDS] ADDRESS PORT';
  const udp = args.includes('-u');
  const parsed = flags(
    args.filter((arg) => arg !== '-u'),
    { w: '1' },
  );
  const [host, port] = parsed?.rest ?? [];
  const address = tryParseIpv4(host ?? '');
  const number = Number(port);
  if (!udp || parsed === undefined || address === undefined || !(number >= 1 && number <= 65535)) {
    return fail(context, usage);
  }
  const seconds = Number(parsed.values.w);
  if (Number.isNaN(seconds)) return fail(context, usage);
  let received = 0;
  const socket = pod.openUdp(({ data }) => {
    received++;
    context.output('stdout', data);
  });
  try {
    socket.send(address, number, context.input ?? new Uint8Array());
    await quiet(context, seconds * 1000);
  } finally {
    socket.close();
  }
  return received > 0 ? 0 : 1;
}

/** Resolves after `delay`, or at once when the caller gives up. */
function quiet(context: CommandContext, delay: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = context.clock.setTimer(delay, () => resolve());
    context.signal.addEventListener('abort', () => {
      timer.cancel();
      resolve();
    });
  });
}

async function ipCommand(
  pod: EmulatedPod,
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { host } = pod;
  const object = args[0] ?? '';
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
      host
        .neighbors(context.clock.now())
        .map(
          (each) =>
            `${formatIpv4(each.ip)} dev eth0 ${each.mac === undefined ? '' : `lladdr ${formatMac(each.mac)} `}${each.state.toUpperCase()}`,
        ),
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

/** One-letter flags with a value each; undefined where a flag is unknown or lacks its value. */
function flags(
  args: readonly string[],
  defaults: Readonly<Record<string, string>>,
): { readonly values: Readonly<Record<string, string>>; readonly rest: readonly string[] } | undefined {
  const values: Record<string, string> = { ...defaults };
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!/^-[A-Za-z]/.test(arg)) {
      rest.push(arg);
      continue;
    }
    const name = arg[1]!;
    const value = arg.length > 2 ? arg.slice(2) : args[++i];
    if (!(name in defaults) || value === undefined) return undefined;
    values[name] = value;
  }
  return { values, rest };
}

import { isIP } from 'node:net';
import type { Command } from 'commander';
import type { PingResult } from '../../agents/control/types.ts';
import { type CliContext, type GlobalOptions, print, printJson } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';
import { seconds, wholeNumber } from './parsers.ts';
import { type PingReport, pingHeading, pingLine, pingReport, pingSummary } from './ping-output.ts';
import { allPods, findPod, podAddress, withLab } from './targets.ts';

interface Options extends GlobalOptions {
  readonly count: number;
  readonly interval: number;
  readonly timeout: number;
  readonly size: number;
  readonly ttl: number;
}

/** `podwire ping POD POD|IP` */
export function register(program: Command, context: CliContext): void {
  program
    .command('ping')
    .description('ping from a pod to a pod or address; exit code 1 where a reply is missing')
    .argument('<pod>', 'pod that sends, as name or namespace/name')
    .argument('<destination>', 'pod or IP address')
    .option('-c, --count <n>', 'echo requests', wholeNumber(1, 1_000_000), 4)
    .option('-i, --interval <seconds>', 'time between requests', seconds, 1)
    .option('-W, --timeout <seconds>', 'time to wait for a reply', seconds, 2)
    .option('-s, --size <bytes>', 'bytes of data', wholeNumber(0, 65507), 56)
    .option('-t, --ttl <n>', 'time to live', wholeNumber(1, 255), 64)
    .action(async (pod: string, destination: string, _options: object, command: Command) => {
      const report = await ping(context, pod, destination, command.optsWithGlobals<Options>());
      if (report.received < report.transmitted || report.transmitted === 0) throw new ExitWith(EXIT.failed);
    });
}

async function ping(context: CliContext, from: string, to: string, options: Options): Promise<PingReport> {
  return withLab(context, options, async (lab) => {
    const pods = await allPods(await lab.nodes());
    const sender = findPod(pods, from);
    const target = isIP(to) === 0 ? findPod(pods, to) : undefined;
    const address = target === undefined ? to : podAddress(target);
    const json = options.format === 'json';
    if (!json && !options.quiet) print(context, pingHeading(target?.key ?? to, address, options.size));
    const results: PingResult[] = [];
    const started = performance.now();
    const request = {
      pod: sender.key,
      destination: address,
      count: options.count,
      intervalMs: options.interval * 1000,
      timeoutMs: options.timeout * 1000,
      size: options.size,
      ttl: options.ttl,
    };
    const onResult = (result: PingResult): void => {
      results.push(result);
      if (!json && !options.quiet) for (const line of pingLine(result)) print(context, line);
    };
    await sender.agent.ping(request, onResult, context.interrupted());
    const report = pingReport(sender.key, target?.key ?? to, address, results, performance.now() - started);
    if (json) printJson(context, report);
    else print(context, pingSummary(report));
    return report;
  });
}

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Profile } from '../conformance/bgp/profile.ts';
import type { ProfileOptions } from '../conformance/bgp/profile-load.ts';
import type { TestResult } from '../conformance/bgp/run.ts';
import type { ProgramName } from '../conformance/bgp/target-config/all.ts';
import type { Verdict } from '../conformance/bgp/verdict.ts';
import {
  type CliContext,
  type GlobalOptions,
  paintFor,
  print,
  printJson,
  type Style,
  say,
} from './context.ts';
import { CliError, EXIT, ExitWith, UsageError } from './errors.ts';
import { packageVersion } from './package.ts';
import { gather, hostAndPort, seconds, wholeNumber } from './parsers.ts';

interface Options extends GlobalOptions {
  readonly target?: { readonly address: string; readonly port: number };
  readonly asn?: number;
  readonly localAsn?: number;
  readonly confederation?: number;
  readonly local?: string;
  readonly peers?: string;
  readonly profile?: string;
  readonly family?: readonly string[];
  readonly nextHops?: string;
  readonly only?: readonly string[];
  readonly list?: boolean;
  readonly junit?: string;
  readonly pcap?: string;
  readonly parallel: number;
  readonly timeout?: number;
  readonly holdTime?: number;
  readonly verbose?: boolean;
  readonly printConfig?: ProgramName;
  readonly configuredAs?: ProgramName;
}

const PROGRAMS: readonly ProgramName[] = ['podwire', 'bird', 'frr', 'gobgp'];

const asn = wholeNumber(1, 0xffffffff);

/** `podwire conformance bgp --target HOST:PORT --asn N --local-asn N ...` */
export function register(program: Command, context: CliContext): void {
  const conformance = program
    .command('conformance')
    .description('test a BGP speaker from outside for what the RFCs require');
  conformance
    .command('bgp')
    .description('one test for each requirement, acting as one or more peers of the speaker')
    .option('--target <host:port>', 'where the speaker listens; an IP address', hostAndPort)
    .option('--asn <n>', "the speaker's AS", asn)
    .option('--local-asn <n>', 'our AS', asn)
    .option(
      '--confederation <n>',
      'AS of the confederation that the speaker belongs to; --asn is its member AS',
      asn,
    )
    .option('--local <address>', 'our address, or a range of which the speaker accepts every address', range)
    .option('--peers <range>', 'a range for all kinds of peers, as --print-config configures them', range)
    .option('--profile <file>', 'YAML file that says which peers the speaker knows (docs/conformance.md)')
    .option('--family <family>', 'family to use; may be given several times (default: ipv4-unicast)', gather)
    .option('--next-hops <range>', 'next hops of what we announce (default: our own addresses)', range)
    .option('--only <id>', 'only this requirement or group; may be given several times', gather)
    .option('--list', 'list the requirements instead of testing')
    .option('--junit <file>', 'write the results as JUnit XML')
    .option('--pcap <folder>', 'write a pcapng file of each test that failed')
    .option('--parallel <n>', 'most tests at a time', wholeNumber(1, 100), 12)
    .option('--timeout <seconds>', 'longest wait for a reaction (default: 10)', seconds)
    .option('--hold-time <seconds>', 'hold time that we propose (default: 12)', wholeNumber(3, 65535))
    .option('-v, --verbose', 'show what was sent and came back for every test, not only those that failed')
    .addOption(
      new Option('--print-config <program>', 'print a configuration that offers the peers').choices(PROGRAMS),
    )
    .addOption(
      new Option('--configured-as <program>', 'the speaker runs what --print-config printed').choices(
        PROGRAMS,
      ),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (_options: object, command: Command) => {
      await conformanceBgp(context, command.optsWithGlobals<Options>());
    });
}

const EXAMPLES = `
Examples:
  podwire conformance bgp --target 192.0.2.1:179 --asn 65000 --local 192.0.2.2 --local-asn 65001
  podwire conformance bgp --target 127.0.0.1:1790 --asn 65000 --local-asn 65001 --peers 127.0.0.0/16
  podwire conformance bgp --target 127.0.0.1:1790 --asn 65000 --local-asn 65001 --peers 127.0.0.0/16 \\
    --print-config bird > bird.conf   # and then, when bird runs, --configured-as bird
  podwire conformance bgp --list --only OPN
Exit code: 0 no test failed, 1 one failed, 2 wrong usage.
`;

/** An address or a range; the checks that need more than one option come later. */
function range(text: string): string {
  if (/^[0-9a-fA-F:.]+(\/\d{1,3})?$/.test(text)) return text;
  throw new InvalidArgumentError('Expected an IP address, or a range such as 127.0.16.0/20.');
}

async function conformanceBgp(context: CliContext, options: Options): Promise<void> {
  const [{ selectRequirements }, table] = await Promise.all([
    import('../conformance/bgp/suite.ts'),
    import('../conformance/bgp/report/table.ts'),
  ]);
  const requirements = usage(() => selectRequirements(options.only ?? []));
  if (options.list) {
    if (options.format === 'json') printJson(context, requirements);
    else for (const line of table.listLines(requirements)) print(context, line);
    return;
  }
  const { offeredBy, targetConfig } = await import('../conformance/bgp/target-config/all.ts');
  const whole = await profileOf(options);
  if (options.printConfig !== undefined) {
    context.stdout.write(targetConfig(options.printConfig, whole));
    return;
  }
  const profile = options.configuredAs === undefined ? whole : offeredBy(options.configuredAs, whole);
  const paint = paintVerdicts(context, options);
  const { runRequirements } = await import('../conformance/bgp/run.ts');
  let done = 0;
  const results = await runRequirements(requirements, profile, {
    parallel: options.parallel,
    signal: context.interrupted(),
    // The report comes in the order of the list when all is done, which with timers takes minutes.
    onResult: ({ requirement, verdict }) => {
      done += 1;
      say(context, options, `${done}/${requirements.length} ${requirement.id} ${verdict}`);
    },
  });
  if (options.format === 'json') {
    const { jsonReport } = await import('../conformance/bgp/report/json.ts');
    printJson(context, jsonReport(profile, results));
  } else {
    for (const result of results) {
      const detailed =
        options.verbose === true || result.verdict === 'fail' || result.verdict === 'inconclusive';
      for (const line of table.resultLines(result, paint, detailed)) print(context, line);
    }
    print(context, table.summaryText(results));
  }
  await writeFiles(options, profile, results);
  if (results.some(({ verdict }) => verdict === 'fail')) throw new ExitWith(EXIT.failed);
}

async function profileOf(options: Options): Promise<Profile> {
  const { loadProfile, ProfileError } = await import('../conformance/bgp/profile-load.ts');
  const { profile: file, family: families, timeout: reactionTime, ...rest } = options;
  try {
    const given: Record<string, unknown> = { file, families, reactionTime, ...rest };
    return await loadProfile(given as ProfileOptions);
  } catch (error) {
    if (error instanceof ProfileError) throw new UsageError(error.message);
    throw error;
  }
}

async function writeFiles(options: Options, profile: Profile, results: readonly TestResult[]): Promise<void> {
  if (options.junit !== undefined) {
    const { junitReport } = await import('../conformance/bgp/report/junit.ts');
    const name = `podwire conformance bgp ${profile.target.address}:${profile.target.port}`;
    await write(options.junit, junitReport(name, results));
  }
  if (options.pcap === undefined) return;
  const { captureOf } = await import('../conformance/bgp/report/capture.ts');
  for (const result of results.filter(({ verdict }) => verdict === 'fail')) {
    const octets = await captureOf(result, `podwire ${packageVersion()}`);
    await write(join(options.pcap, `${result.requirement.id}.pcapng`), octets);
  }
}

/** Writes a file, and the folder that it is in. */
async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

const STYLES: Readonly<Record<Verdict, Style>> = {
  pass: 'green',
  fail: 'red',
  'not-applicable': 'gray',
  inconclusive: 'yellow',
};

function paintVerdicts(context: CliContext, options: Options): (verdict: Verdict, text: string) => string {
  const paint = paintFor(context, 'stdout', options);
  return (verdict, text) => paint(STYLES[verdict], text);
}

function usage<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

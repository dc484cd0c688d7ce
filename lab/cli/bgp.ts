import { type Command, Option } from 'commander';
import type { BgpControl, PathQuery } from '../../agents/control/bgp.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { registerActions } from './bgp-actions.ts';
import { registerDecode } from './bgp-decode.ts';
import { registerDump } from './bgp-dump.ts';
import { explanationText } from './bgp-explain.ts';
import { summaryText } from './bgp-format.ts';
import { registerGenerate } from './bgp-generate.ts';
import { neighborsText } from './bgp-neighbors.ts';
import { printPaths } from './bgp-paths.ts';
import { type TargetOptions, withSpeaker } from './bgp-target.ts';
import { type CliContext, print, printJson } from './context.ts';
import { CliError, UsageError } from './errors.ts';
import { wholeNumber } from './parsers.ts';

/** Options of what prints routes. */
interface RouteOptions extends TargetOptions, Omit<PathQuery, 'table' | 'peer'> {}

/** `podwire bgp ...` */
export function register(program: Command, context: CliContext): void {
  const bgp = program
    .command('bgp')
    .description('look at and control a BGP speaker: one that runs by itself, or that of a node')
    .usage('COMMAND [OPTION...]')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES);
  // In front of the command as well; the help of each command shows them.
  for (const option of targetOptions()) bgp.addOption(option.hideHelp());
  const family = (text = 'only this address family'): Option =>
    new Option('--family <family>', text).choices(Object.keys(FAMILIES));
  const target = (command: Command): Command => {
    for (const option of targetOptions()) command.addOption(option);
    return command;
  };
  const routes = (command: Command): Command =>
    target(command)
      .addOption(family())
      .option('--prefix <prefix>', 'only this prefix, as the argument')
      .option('--longer', 'also what is inside the prefix')
      .option('--best', 'only best paths')
      .option('--community <community>', 'only with this community, such as 65000:1 or no-export')
      .option('--as-path <regex>', 'only where the AS path matches; _ is a boundary')
      .option('--limit <n>', 'at most so many paths', wholeNumber(1, 1e9));

  target(bgp.command('summary').description('sessions and what they carry, as show bgp summary')).action(
    async (_options: object, command: Command) => {
      await withSpeaker(context, command.optsWithGlobals<TargetOptions>(), (speaker) =>
        summary(context, command, speaker),
      );
    },
  );

  target(
    bgp
      .command('neighbors')
      .description('everything about one session or all, as show bgp neighbors')
      .argument('[peer]', 'name, address or node'),
  ).action(async (peer: string | undefined, _options: object, command: Command) => {
    await withSpeaker(context, command.optsWithGlobals<TargetOptions>(), (speaker) =>
      neighbors(context, command, speaker, peer),
    );
  });

  const show = (
    table: PathQuery['table'],
    peer: string | undefined,
    prefix: string | undefined,
    command: Command,
  ) =>
    withSpeaker(context, command.optsWithGlobals<TargetOptions>(), (speaker) => {
      const options = command.optsWithGlobals<RouteOptions>();
      return printPaths(context, options.format, speaker, query(table, peer, prefix, options));
    });
  routes(
    bgp
      .command('rib')
      .description('every path of every prefix, as show bgp FAMILY')
      .argument('[prefix]', 'only this prefix'),
  ).action((prefix: string | undefined, _options: object, command: Command) =>
    show('rib', undefined, prefix, command),
  );
  routes(
    bgp
      .command('received')
      .description('what a peer announced (Adj-RIB-In)')
      .argument('<peer>', 'name, address or node')
      .argument('[prefix]', 'only this prefix'),
  ).action((peer: string, prefix: string | undefined, _options: object, command: Command) =>
    show('received', peer, prefix, command),
  );
  routes(
    bgp
      .command('advertised')
      .description('what a peer was sent (Adj-RIB-Out)')
      .argument('<peer>', 'name, address or node')
      .argument('[prefix]', 'only this prefix'),
  ).action((peer: string, prefix: string | undefined, _options: object, command: Command) =>
    show('advertised', peer, prefix, command),
  );
  target(
    bgp
      .command('explain')
      .description('why the best path of a prefix is the best, step by step')
      .argument('<prefix>', 'prefix, or EVPN route in text')
      .addOption(family()),
  ).action(async (prefix: string, _options: object, command: Command) => {
    const options = command.optsWithGlobals<TargetOptions & { readonly family?: Family }>();
    await withSpeaker(context, options, async (speaker) => {
      const explanation = await speaker.explain({
        prefix,
        ...(options.family === undefined ? {} : { family: options.family }),
      });
      if (options.format === 'json') printJson(context, explanation);
      else print(context, explanationText(explanation));
    });
  });
  registerActions(bgp, context, { target, family });
  registerDump(bgp, context, target);
  registerDecode(bgp, context);
  registerGenerate(bgp, context);
}

function targetOptions(): readonly Option[] {
  return [
    new Option('--socket <path>', 'control socket of the speaker (default: the only one that runs)'),
    new Option('--node <node>', 'the speaker of this node of the lab'),
  ];
}

async function summary(context: CliContext, command: Command, speaker: BgpControl): Promise<void> {
  const [head, neighbors] = await Promise.all([speaker.summary(), speaker.neighbors()]);
  if (command.optsWithGlobals<TargetOptions>().format === 'json') printJson(context, { ...head, neighbors });
  else print(context, summaryText(head, neighbors, new Date()));
}

async function neighbors(
  context: CliContext,
  command: Command,
  speaker: BgpControl,
  peer: string | undefined,
): Promise<void> {
  const all = await speaker.neighbors();
  const wanted =
    peer === undefined ? all : all.filter(({ name, address, node }) => [name, address, node].includes(peer));
  if (peer !== undefined && wanted.length === 0) {
    const names = all.map(({ name }) => name).join(', ') || 'none';
    throw new CliError(`no BGP peer ${peer}, there are: ${names}`);
  }
  if (command.optsWithGlobals<TargetOptions>().format === 'json') printJson(context, wanted);
  else print(context, neighborsText(wanted, new Date()));
}

function query(
  table: PathQuery['table'],
  peer: string | undefined,
  argument: string | undefined,
  { prefix: option, family, longer, best, community, asPath, limit }: RouteOptions,
): PathQuery {
  if (argument !== undefined && option !== undefined)
    throw new UsageError('give a prefix or --prefix, not both');
  const prefix = argument ?? option;
  if (longer === true && prefix === undefined) throw new UsageError('--longer goes with a prefix');
  const all = { peer, prefix, family, longer, best, community, asPath, limit };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return { table, ...Object.fromEntries(given) };
}

const EXAMPLES = `
Examples:
  podwire bgp summary
  podwire bgp rib 203.0.113.0/24 --longer --community 65000:1
  podwire bgp explain 203.0.113.0/24
  podwire bgp advertised rr1 --node host1
  podwire bgp inject 198.51.100.0/24 --community no-export
  podwire bgp inject --raw update.hex --peer 192.0.2.2
`;

import { Argument, type Command } from 'commander';
import type { AgentControl } from '../../agents/control/types.ts';
import { type CliContext, type GlobalOptions, type Paint, paintFor, print, printJson } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';
import {
  affineNode,
  bgpTable,
  fdbTable,
  ipamTable,
  overviewTable,
  podsTable,
  routesTable,
  storeTable,
} from './inspect-tables.ts';
import type { LabHandle } from './lab-access.ts';
import { gather } from './parsers.ts';
import { selectNodes, withLab } from './targets.ts';

interface Options extends GlobalOptions {
  readonly node?: readonly string[];
}

/** What can be inspected. */
export const TOPICS = ['bgp', 'routes', 'fdb', 'ipam', 'pods', 'store'] as const;
type Topic = (typeof TOPICS)[number];

/** `podwire inspect [TOPIC] [--node N]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('inspect')
    .description('show the state of the running agents; without a topic an overview of the nodes')
    .addArgument(new Argument('[topic]', 'what to show').choices(TOPICS))
    .option('--node <node>', 'only this node; may be given several times', gather)
    .action(async (topic: Topic | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const failed = await withLab(context, options, (lab) => inspect(context, lab, topic, options));
      if (failed) throw new ExitWith(EXIT.failed);
    });
}

/** Returns whether a node did not answer. */
async function inspect(
  context: CliContext,
  lab: LabHandle,
  topic: Topic | undefined,
  options: Options,
): Promise<boolean> {
  const nodes = selectNodes(await lab.nodes(), options.node);
  const asker = new Asker(context, nodes);
  const paint = paintFor(context, 'stdout', options);
  const show = <T>(rows: readonly T[], render: (rows: readonly T[]) => string): void => {
    if (options.format === 'json') printJson(context, rows);
    else print(context, render(rows));
  };
  const several = nodes.length > 1;
  switch (topic) {
    case undefined:
      await overview(context, lab, asker, options, paint);
      break;
    case 'bgp':
      show(await asker.all((agent) => agent.bgp()), (rows) => bgpTable(rows, several, paint));
      break;
    case 'routes':
      show(await asker.all((agent) => agent.routes()), (rows) => routesTable(rows, several, paint));
      break;
    case 'fdb':
      show(await asker.all((agent) => agent.fdb()), (rows) => fdbTable(rows, several, paint));
      break;
    case 'pods':
      show(await asker.all((agent) => agent.pods()), podsTable);
      break;
    case 'ipam': {
      const blocks = await asker.first((agent) => agent.ipam());
      const wanted = options.node === undefined ? undefined : new Set(nodes.map(({ node }) => node));
      const own = blocks.filter((row) => wanted === undefined || wanted.has(affineNode(row)));
      show(own, ipamTable);
      break;
    }
    case 'store':
      show(await asker.first((agent) => agent.store()), (rows) => storeTable(rows, context.stdout));
  }
  return asker.failed;
}

async function overview(
  context: CliContext,
  lab: LabHandle,
  asker: Asker,
  options: Options,
  paint: Paint,
): Promise<void> {
  const [info, nodes] = await Promise.all([lab.info(), asker.all(async (agent) => [await agent.status()])]);
  if (options.format === 'json') printJson(context, { lab: info, nodes });
  else print(context, overviewTable(info, nodes, options.node === undefined, paint));
}

/** Asks agents; one that does not answer is named on standard error and leaves the others' answers. */
class Asker {
  readonly #context: CliContext;
  readonly #nodes: readonly AgentControl[];
  failed = false;

  constructor(context: CliContext, nodes: readonly AgentControl[]) {
    this.#context = context;
    this.#nodes = nodes;
  }

  /** The rows of all nodes, in their order. */
  async all<T>(ask: (agent: AgentControl) => Promise<readonly T[]>): Promise<readonly T[]> {
    const answers = await Promise.all(this.#nodes.map((agent) => this.#ask(agent, ask)));
    return answers.flatMap((answer) => answer ?? []);
  }

  /** For what every node knows alike: the answer of the first that gives one. */
  async first<T>(ask: (agent: AgentControl) => Promise<readonly T[]>): Promise<readonly T[]> {
    for (const agent of this.#nodes) {
      const answer = await this.#ask(agent, ask);
      if (answer !== undefined) return answer;
    }
    return [];
  }

  async #ask<T>(
    agent: AgentControl,
    ask: (agent: AgentControl) => Promise<readonly T[]>,
  ): Promise<readonly T[] | undefined> {
    try {
      return await ask(agent);
    } catch (error) {
      this.failed = true;
      this.#context.stderr.write(`podwire: ${agent.node}: ${(error as Error).message}\n`);
      return undefined;
    }
  }
}

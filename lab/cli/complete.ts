import type { Command, Option } from 'commander';
import { type CliContext, print } from './context.ts';
import type { LabAccess } from './lab-access.ts';
import { allPods } from './targets.ts';

/** Tells the shell to complete the name of a file. */
const FILE = ':file';

/** `podwire __complete -- WORD...`: candidates for the last word, one per line (see completion.ts). */
export function register(program: Command, context: CliContext): void {
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      for (const candidate of await complete(program, words, context.labs)) print(context, candidate);
    });
}

/** Candidates for the last of the words that follow `podwire`; it may be empty. */
export async function complete(
  program: Command,
  words: readonly string[],
  labs: () => Promise<LabAccess>,
): Promise<readonly string[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  // What follows -- is a command of the pod: none of ours.
  if (before.includes('--')) return [FILE];
  const { command, operands, pending, lab } = scan(program, before);
  const candidates = await candidatesFor(program, command, operands, pending, last, () =>
    names(labs, lab, command),
  );
  return candidates[0] === FILE ? candidates : candidates.filter((candidate) => candidate.startsWith(last));
}

/** Reads the words before the last: the command, its operands, and an option that waits for its value. */
function scan(
  program: Command,
  words: readonly string[],
): {
  readonly command: Command | undefined;
  readonly operands: readonly string[];
  readonly pending: Option | undefined;
  readonly lab: string | undefined;
} {
  let command: Command | undefined;
  let pending: Option | undefined;
  let lab: string | undefined;
  const operands: string[] = [];
  for (const word of words) {
    if (pending !== undefined) {
      if (pending.long === '--name') lab = word;
      pending = undefined;
    } else if (word.startsWith('-')) {
      const option = optionsOf(program, command).find(({ short, long }) => short === word || long === word);
      pending = option !== undefined && (option.required || option.optional) ? option : undefined;
    } else {
      // A command of commands (`bgp rib`) goes on until there is an operand.
      const known = operands.length > 0 ? [] : (command ?? program).commands;
      const next = known.find((one) => one.name() === word);
      if (next === undefined) operands.push(word);
      else command = next;
    }
  }
  return { command, operands, pending, lab };
}

function optionsOf(program: Command, command: Command | undefined): readonly Option[] {
  return [...(command?.options ?? []), ...program.options];
}

interface Names {
  readonly labs: readonly string[];
  /** Nodes that run an agent now. */
  readonly agents: readonly string[];
  /** Those to which this command can be applied: `start` takes what does not run. */
  readonly nodes: readonly string[];
  readonly pods: readonly string[];
}

async function candidatesFor(
  program: Command,
  command: Command | undefined,
  operands: readonly string[],
  pending: Option | undefined,
  last: string,
  running: () => Promise<Names>,
): Promise<readonly string[]> {
  if (pending !== undefined) return optionValues(pending, running);
  if (last.startsWith('-')) {
    return [
      ...optionsOf(program, command).flatMap(({ long, hidden }) => (hidden ? [] : (long ?? []))),
      '--help',
    ];
  }
  if (command === undefined || (command.commands.length > 0 && operands.length === 0))
    return (command ?? program).commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
  const argument =
    command.registeredArguments[operands.length] ?? command.registeredArguments.findLast((a) => a.variadic);
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices;
  const name = argument.name();
  if (name.startsWith('lab.yaml')) return [FILE];
  if (name === 'node') return (await running()).nodes.filter((node) => !operands.includes(node));
  if (name === 'pod' || name === 'destination') return (await running()).pods;
  if (name === 'peer') return peers();
  return [];
}

async function optionValues(option: Option, running: () => Promise<Names>): Promise<readonly string[]> {
  if (option.argChoices !== undefined) return option.argChoices;
  switch (option.long) {
    case '--name':
      return (await running()).labs;
    case '--node':
      return (await running()).agents;
    case '--pod':
      return (await running()).pods;
    case '--write':
    case '--config':
    case '--raw':
    case '--socket':
      return [FILE];
    case '--store':
      return ['memory', 'redis://127.0.0.1:6379'];
    default:
      return [];
  }
}

/** Names of what runs; none where it cannot be found out, since completion never complains. */
async function names(
  labs: () => Promise<LabAccess>,
  wanted: string | undefined,
  command: Command | undefined,
): Promise<Names> {
  const none: Names = { labs: [], agents: [], nodes: [], pods: [] };
  try {
    const access = await labs();
    const running = (await access.listLabs()).map(({ name }) => name);
    if (wanted === undefined && running.length !== 1) return { ...none, labs: running };
    const lab = await access.openLab(wanted);
    try {
      const agents = await lab.nodes();
      const pods = await allPods(agents);
      const plain = pods.map(({ pod, key }) => (pod.namespace === 'default' ? pod.name : key));
      const starts = command?.name() === 'start';
      const nodes = (await lab.info()).nodes.flatMap((node) => (node.running === starts ? [] : node.name));
      return { labs: running, agents: agents.map(({ node }) => node), nodes, pods: plain };
    } finally {
      lab.close();
    }
  } catch {
    return none;
  }
}

/** Names of the peers of the only speaker that runs by itself; none where it cannot be found out. */
async function peers(): Promise<readonly string[]> {
  try {
    const { listSpeakers } = await import('../speaker/registry.ts');
    const [speaker, ...others] = listSpeakers();
    if (speaker === undefined || others.length > 0) return [];
    const { connectBgp } = await import('../../agents/control/bgp-client.ts');
    const { SPEAKER_NODE } = await import('../../agents/control/bgp.ts');
    const bgp = connectBgp({ kind: 'unix', path: speaker.socket }, SPEAKER_NODE);
    return (await bgp.neighbors()).map(({ name }) => name);
  } catch {
    return [];
  }
}

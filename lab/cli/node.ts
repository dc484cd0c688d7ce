import type { Command } from 'commander';
import type { LabInfo, LabNodeInfo, NodeAction } from '../../agents/control/routes.ts';
import { suggest } from '../file/suggest.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';
import { CliError } from './errors.ts';
import type { LabHandle } from './lab-access.ts';
import { withLab } from './targets.ts';

/** `podwire stop NODE...` */
export function registerStop(program: Command, context: CliContext): void {
  add(program, context, 'stop', 'stop nodes in order: BGP says goodbye (Cease), blocks stay theirs');
}

/** `podwire start NODE...` */
export function registerStart(program: Command, context: CliContext): void {
  add(program, context, 'start', 'start nodes that were stopped or killed; returns when they are up');
}

/** `podwire kill NODE...` */
export function registerKill(program: Command, context: CliContext): void {
  add(program, context, 'kill', 'end nodes as SIGKILL or a power cut does: nobody is told');
}

const DONE: Readonly<Record<NodeAction, string>> = {
  stop: 'is stopped',
  start: 'is up',
  kill: 'is dead',
};

function add(program: Command, context: CliContext, action: NodeAction, description: string): void {
  program
    .command(action)
    .description(description)
    .argument('<node...>', 'nodes, by name')
    .action(async (names: string[], _options: object, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      await withLab(context, options, (lab) => act(context, lab, names, action, options));
    });
}

async function act(
  context: CliContext,
  lab: LabHandle,
  names: readonly string[],
  action: NodeAction,
  options: GlobalOptions,
): Promise<void> {
  const info = await lab.info();
  // All names are checked before anything is done to the first.
  const nodes = [...new Set(names)].map((name) => findNode(info, name));
  await Promise.all(
    nodes.map(async ({ name, running }) => {
      // As with `docker compose`, what is so already is no error.
      if (running === (action === 'start')) {
        say(context, options, `podwire: node ${name} ${running ? 'runs' : 'does not run'}, nothing to do`);
        return;
      }
      await lab.node(name, action);
      say(context, options, `podwire: node ${name} ${DONE[action]}`);
    }),
  );
}

/** A node of the lab, running or not. @throws CliError that says which there are. */
function findNode(info: LabInfo, name: string): LabNodeInfo {
  const node = info.nodes.find((each) => each.name === name);
  if (node !== undefined) return node;
  const names = info.nodes.map((each) => each.name);
  const guess = suggest(name, names);
  const expected = guess === undefined ? `, expected one of ${names.join(', ')}` : `, did you mean ${guess}?`;
  throw new CliError(`no node ${name} in lab ${info.name}${expected}`);
}

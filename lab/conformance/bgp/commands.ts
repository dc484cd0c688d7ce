/** Commands that do to the target what no BGP message can. */
import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { COMMANDS, type CommandName, type Profile } from './profile.ts';
import { Inconclusive, NotApplicable } from './verdict.ts';

const run = promisify(exec);
/** Longest time that a command may take, milliseconds. */
const COMMAND_TIME = 60_000;

/** Carries out orders to the target. */
export interface Commands {
  /**
   * @returns what the command printed.
   * @throws NotApplicable (as rejection) where there is no such command, Inconclusive where it fails.
   */
  run(name: CommandName, values: Readonly<Record<string, string>>): Promise<string>;
}

export class CommandRunner implements Commands {
  readonly #commands: Profile['commands'];

  constructor(commands: Profile['commands']) {
    this.#commands = commands;
  }

  /**
   * Runs a command with `{name}` replaced by values, and returns what it printed.
   * @throws NotApplicable where the profile lacks it. @throws Inconclusive where it fails.
   */
  async run(name: CommandName, values: Readonly<Record<string, string>>): Promise<string> {
    const template = this.#commands[name];
    if (template === undefined) {
      throw new NotApplicable(`needs the command "${name}" in the profile: ${COMMANDS[name]}`);
    }
    const command = template.replaceAll(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
    try {
      const { stdout } = await run(command, { timeout: COMMAND_TIME, maxBuffer: 1 << 26 });
      return stdout;
    } catch (error) {
      throw new Inconclusive(`command "${name}" failed: ${(error as Error).message.trim()}`);
    }
  }
}

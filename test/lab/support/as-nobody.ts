import { chownSync, mkdirSync } from 'node:fs';
import type { Workspace } from './workspace.ts';

/** User and group of an account without any rights. */
const NOBODY = 65534;

/** Program and arguments that run what follows without any privilege. */
export const AS_NOBODY: readonly string[] = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--no-new-privs',
];

/**
 * Gives the workspace to the user without privileges.
 */
export function giveToNobody(workspace: Workspace): void {
  mkdirSync(workspace.runDir, { recursive: true });
  for (const path of [workspace.folder, workspace.runDir]) chownSync(path, NOBODY, NOBODY);
}

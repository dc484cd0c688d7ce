import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../support/root.ts';
import type { RunOptions, Workspace } from './workspace.ts';

/** User and group of an account without any rights. */
const NOBODY = 65534;

const SETPRIV = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --no-new-privs`;

/**
 * Gives the workspace to a user without privileges; returns the options with which its commands run as that user. They
 * see the checkout at a place that everybody may read, wherever it is: it is mounted there for them alone.
 */
export function asNobody(workspace: Workspace): RunOptions {
  const checkout = join(workspace.folder, 'checkout');
  mkdirSync(checkout);
  mkdirSync(workspace.runDir);
  for (const path of [workspace.folder, workspace.runDir]) chownSync(path, NOBODY, NOBODY);
  const script = `mount --bind '${root}' '${checkout}' && exec ${SETPRIV} "$@"`;
  return {
    through: ['unshare', '--mount', 'sh', '-c', script, 'sh'],
    podwire: join(checkout, 'bin', 'podwire.mjs'),
  };
}

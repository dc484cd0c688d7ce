import { join } from 'node:path';
import { connectLab } from '../../../agents/control/client.ts';
import type { LabControl, NodeAction } from '../../../agents/control/routes.ts';
import type { Workspace } from './workspace.ts';

/** Control interface of the workspace's lab. */
export function labControl(workspace: Workspace): LabControl {
  return connectLab({ kind: 'unix', path: join(workspace.runDir, workspace.lab, 'lab.sock') });
}

/** Stops a node in order, kills it, or starts it again. */
export function nodeAction(workspace: Workspace, node: string, action: NodeAction): Promise<void> {
  return labControl(workspace).node(node, action);
}

// tcpdump on an interface inside a network namespace.
import { join } from 'node:path';
import { until } from '../../support/until.ts';
import type { Workspace } from './workspace.ts';

/** A capture that goes on. */
export interface Dump {
  readonly file: string;
  /** Ends it; everything that crossed the interface before is in the file then. */
  stop(): Promise<void>;
}

/** Starts tcpdump in the namespace at `netns`; it records from the moment this resolves. */
export async function startDump(workspace: Workspace, netns: string, device: string): Promise<Dump> {
  const file = join(workspace.folder, `${device}.pcap`);
  const options = ['-n', '-U', '--immediate-mode', '-Z', 'root', '-i', device, '-w', file];
  const dump = workspace.run(['nsenter', `--net=${netns}`, 'tcpdump', ...options]);
  await dump.shows('listening on');
  return {
    file,
    stop: async () => {
      // tcpdump counts on SIGUSR1 what the kernel gave it and what it has taken.
      await until('tcpdump has taken everything', async () => {
        const before = dump.stderr().length;
        dump.child.kill('SIGUSR1');
        await until('counters of tcpdump', () => dump.stderr().slice(before).includes('dropped by kernel'));
        const counters = /(\d+) packets? captured, (\d+) packets? received/.exec(dump.stderr().slice(before));
        return counters !== null && counters[1] === counters[2];
      });
      dump.child.kill('SIGINT');
      await dump.ended;
    },
  };
}

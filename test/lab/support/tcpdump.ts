// tcpdump beside a running lab: on the loopback interface, and on an interface inside a network namespace.
import { join } from 'node:path';
import { requireTool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { type Started, Workspace } from './workspace.ts';

/**
 * No user but ours; 32 MiB for bursts. Not --immediate-mode, which gives every packet, however short, the room of the
 * longest: packets are in the file a second later at most.
 */
const OPTIONS: readonly string[] = ['-n', '-U', '-Z', 'root', '-B', '32768'];

/**
 * Records what crosses the loopback interface while `work` runs, and until `enough` says that all of it is in the file.
 * @param filter in pcap-filter(7)'s language.
 */
export async function dumpLoopback(
  file: string,
  filter: string,
  work: () => Promise<unknown>,
  enough: () => boolean | Promise<boolean>,
): Promise<void> {
  const surroundings = new Workspace('tcpdump-lo');
  try {
    const dump = surroundings.run([requireTool('tcpdump'), ...OPTIONS, '-i', 'lo', '-w', file, filter]);
    await dump.shows('listening on');
    try {
      await work();
      await until('tcpdump has written everything', enough);
    } finally {
      dump.child.kill('SIGINT');
      await dump.ended;
    }
  } finally {
    await surroundings.clean();
  }
}

/** A capture that goes on. */
export interface Dump {
  readonly file: string;
  /** Ends it; everything that crossed the interface before is in the file then. */
  stop(): Promise<void>;
}

/** Starts tcpdump in the namespace at `netns`; it records from the moment this resolves. */
export async function startDump(workspace: Workspace, netns: string, device: string): Promise<Dump> {
  const file = join(workspace.folder, `${device}.pcap`);
  const command = [requireTool('tcpdump'), ...OPTIONS, '-i', device, '-w', file];
  const dump = workspace.run(['nsenter', `--net=${netns}`, ...command]);
  await dump.shows('listening on');
  const stop = async (): Promise<void> => {
    await until('tcpdump has taken everything', async () => {
      const { captured, received, dropped } = await counters(dump);
      if (dropped > 0) throw new Error(`tcpdump was too slow for ${dropped} packets`);
      return captured === received;
    });
    dump.child.kill('SIGINT');
    await dump.ended;
  };
  return { file, stop };
}

/** What tcpdump has written, what the kernel has seen, and what did not fit between them; told on SIGUSR1. */
async function counters({
  child,
  stderr,
}: Started): Promise<{ readonly captured: number; readonly received: number; readonly dropped: number }> {
  const before = stderr().length;
  child.kill('SIGUSR1');
  const pattern =
    /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped by kernel/;
  const [, captured, received, dropped] = await until(
    'counters of tcpdump',
    () => pattern.exec(stderr().slice(before)) ?? undefined,
  );
  return { captured: Number(captured), received: Number(received), dropped: Number(dropped) };
}

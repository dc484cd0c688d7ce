// Runs one work with one speaker and measures it.
import { setTimeout as delay } from 'node:timers/promises';
import { cpuTime, load, memory } from '../process-figures.ts';
import type { Speaker, SpeakerKind } from './speakers/speaker.ts';
import { Tester } from './tester.ts';
import type { TesterReport } from './tester-messages.ts';
import type { Phase, Work } from './works.ts';

/** Between sessions coming up and the first route, and before memory is looked at: whatever goes on by itself is over. ms */
const SETTLE = 1500;
/** How often to look for stalls in a minute of churn, ms: each millisecond would take as much processor time as the routes. */
const SELDOM = 10;

export interface PhaseFigures {
  readonly phase: string;
  /** From the first octet sent until all receivers had everything, ms. */
  readonly time: number;
  /** Processor time in that time, ms: of the speaker and of the tester's processes together. */
  readonly speakerCpu: number;
  readonly testerCpu: number;
  /** Resident memory of the speaker, MB: at the end of the phase, and the most so far. */
  readonly memory: number;
  readonly peak: number;
  readonly messages: number;
  readonly octets: number;
  /** Routes that receivers have wrong, some time after everything was there. */
  readonly wrong: number;
  /** Longest time for which the event loop stood still, ms. */
  readonly stall?: number;
  /** Times of `podwire bgp summary` meanwhile, ms. */
  readonly summaries?: readonly number[];
  /** Delay of changes, ms. */
  readonly delay?: { readonly p50: number; readonly p99: number };
}

export interface RunFigures {
  readonly work: string;
  readonly speaker: string;
  /** From the start of the process until it listens, ms. */
  readonly startTime: number;
  /** Memory of the speaker with its sessions up and no routes, MB. */
  readonly startMemory: number;
  /** Load average of the machine when it began. */
  readonly load: number;
  readonly phases: readonly PhaseFigures[];
  /** Why it was not finished. */
  readonly failure?: string;
}

export interface RunOptions {
  /** For each phase, ms. */
  readonly timeout: number;
  /** Asks for the summary all the time, which takes processor time from what is measured. */
  readonly observed: boolean;
}

/** One run, whose processes are all ended. Faults of the speaker or tester are a figure, too: `failure`. */
export async function measure(work: Work, kind: SpeakerKind, options: RunOptions): Promise<RunFigures> {
  const figures = { work: work.name, speaker: kind.name, load: load() };
  const phases: PhaseFigures[] = [];
  const testers: Tester[] = [];
  let speaker: Speaker | undefined;
  let startMemory = 0;
  let failure: string | undefined;
  try {
    speaker = await kind.start(work.speaker, work.phases.length > 0);
    if (work.phases.length > 0) {
      // In the order of the processes, which the phases refer to.
      await Promise.all(
        work.processes.map(async (_peers, i) => {
          testers[i] = await connect(work, i, options.timeout);
        }),
      );
      await delay(SETTLE);
      startMemory = memory(speaker.pid).now;
    }
    for (const phase of work.phases) phases.push(await run(phase, work, speaker, testers, options));
  } catch (error) {
    const wrong = await Promise.all(
      testers.map((tester) => tester.report(options.timeout).catch(() => undefined)),
    );
    const count = wrong.reduce((sum, report) => sum + (report?.wrong ?? 0), 0);
    failure = `${(error as Error).message}${count === 0 ? '' : `, ${count} routes missing or wrong`}`;
  } finally {
    await Promise.all(testers.map((tester) => tester.stop()));
    await speaker?.stop();
  }
  const startTime = speaker?.startTime ?? Number.NaN;
  return { ...figures, startTime, startMemory, phases, ...(failure === undefined ? {} : { failure }) };
}

function connect({ speaker, size, processes, churn }: Work, index: number, timeout: number): Promise<Tester> {
  const setup = {
    speaker: { address: speaker.address, port: speaker.port },
    version: speaker.version,
    size,
    peers: processes[index]!,
    ...(churn === undefined ? {} : { logsArrivals: true }),
    ...(churn !== undefined && index === 0 ? { churn: churn.batches } : {}),
  };
  return Tester.start(setup, timeout);
}

async function run(
  phase: Phase,
  work: Work,
  speaker: Speaker,
  testers: readonly Tester[],
  { timeout, observed }: RunOptions,
): Promise<PhaseFigures> {
  const receivers = testers.filter((_tester, i) => work.processes[i]!.some(({ receives }) => receives));
  // Every process, so that each counts its processor time from now on.
  for (const tester of testers) await tester.expect(phase.table, timeout);
  await speaker.stall?.(phase.order === 'churn' ? SELDOM : undefined);
  const cpuBefore = cpuTime(speaker.pid);
  const order =
    phase.order === 'churn' ? { kind: phase.order, interval: work.churn!.interval } : { kind: phase.order };
  let over = false;
  const summaries = observed ? ask(speaker, () => over) : undefined;
  let sent: Awaited<ReturnType<Tester['flood']>>[];
  let complete: number[];
  try {
    [sent, complete] = await Promise.all([
      Promise.all(phase.senders.map((sender) => testers[sender]!.flood(order, timeout))),
      Promise.all(receivers.map((receiver) => receiver.complete(timeout))),
    ]);
  } finally {
    over = true;
  }
  const speakerCpu = cpuTime(speaker.pid) - cpuBefore;
  const stall = await speaker.stall?.();
  const asked = await summaries;
  await delay(SETTLE);
  const reports = await Promise.all(testers.map((tester) => tester.report(timeout)));
  const sum = (of: (report: TesterReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const { now, peak } = memory(speaker.pid);
  const stamps = sent.flatMap((each) => each.stamps);
  return {
    phase: phase.name,
    time: Math.max(...complete) - Math.min(...sent.map(({ began }) => began)),
    speakerCpu,
    testerCpu: sum(({ cpu }) => cpu),
    memory: now,
    peak,
    messages: sum(({ messages }) => messages),
    octets: sum(({ octets }) => octets),
    wrong: sum(({ wrong }) => wrong),
    ...(stall === undefined ? {} : { stall }),
    ...(asked === undefined ? {} : { summaries: asked }),
    ...(stamps.length === 0 ? {} : { delay: delays(stamps, reports) }),
  };
}

/** Asks for the summary again and again. */
async function ask(speaker: Speaker, over: () => boolean): Promise<readonly number[] | undefined> {
  if (speaker.summary === undefined) return undefined;
  const times: number[] = [];
  while (!over()) times.push(await speaker.summary());
  return times;
}

/** From the sending of a batch until its changes came, over all routes. */
function delays(stamps: readonly number[], reports: readonly TesterReport[]): { p50: number; p99: number } {
  const arrivals = reports
    .flatMap((report) => report.arrivals)
    .map(({ edition, at, routes }) => ({ delay: at - stamps[edition - 1]!, routes }))
    .sort((a, b) => a.delay - b.delay);
  const total = arrivals.reduce((sum, { routes }) => sum + routes, 0);
  const percentile = (part: number): number => {
    let sum = 0;
    for (const { delay, routes } of arrivals) {
      sum += routes;
      if (sum >= total * part) return delay;
    }
    return Number.NaN;
  };
  return { p50: percentile(0.5), p99: percentile(0.99) };
}

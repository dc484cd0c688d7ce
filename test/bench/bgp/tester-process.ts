// A process that plays peers of the speaker: floods it with UPDATEs that were built before, or counts what comes back.
// Run by tester.ts.
import { setTimeout as delay } from 'node:timers/promises';
import { ReceivedTable } from './received-table.ts';
import { announcements, expectSlice, withdrawals } from './table.ts';
import { type Answer, type Expectation, now, type Order, type Setup } from './tester-messages.ts';
import { Peer } from './tester-peer.ts';

/** Between the dials of two peers, ms. */
const DIAL_INTERVAL = 5;

let setup: Setup;
let peers: Peer[] = [];
let floods: { announce: Buffer; withdraw: Buffer }[] = [];
let batches: Buffer[] = [];
let cpuBefore = process.cpuUsage();
/** Whether somebody waits for the tables to be complete. */
let waiting = false;

function say(answer: Answer): void {
  process.send!(answer);
}

function fail(reason: string): void {
  say({ kind: 'failed', reason });
}

async function connectAll(given: Setup): Promise<void> {
  setup = given;
  floods = setup.peers.map(({ slices }) => ({
    announce: Buffer.concat(slices.map(announcements)),
    withdraw: Buffer.concat(slices.map(withdrawals)),
  }));
  batches = (setup.churn ?? []).map(announcements);
  let missing = setup.peers.length;
  await new Promise<void>((resolve) => {
    const established = (): void => {
      missing -= 1;
      if (missing === 0) resolve();
    };
    peers = setup.peers.map((peer) => {
      const { slices, receives } = peer;
      const first = slices[0]?.first ?? 0;
      const own = {
        first,
        end: slices.reduce((end, slice) => Math.max(end, slice.first + slice.routes), first),
      };
      const { version, size, logsArrivals = false } = setup;
      const table = receives ? new ReceivedTable(version, size, own, logsArrivals) : undefined;
      return new Peer(setup, peer, table, { established, received, failed: fail });
    });
    // One after the other: BIRD's queue of connections that wait to be accepted is short.
    for (const [i, peer] of peers.entries()) setTimeout(() => peer.dial(), i * DIAL_INTERVAL);
  });
}

function expectTable(table: readonly Expectation[]): void {
  const wanted = new Uint32Array(setup.size);
  for (const { slice, view } of table) expectSlice(wanted, slice, view);
  for (const table of tables()) table.expect(wanted, tables()[0] === table ? undefined : tables()[0]);
  waiting = true;
  cpuBefore = process.cpuUsage();
}

/** In order, so that each is compared with the first once that one is complete; most are incomplete until the end. */
function received(): void {
  if (!waiting) return;
  const at = now();
  const [first, ...others] = tables();
  if (first === undefined) return;
  if (!first.isComplete(undefined) || !others.every((table) => table.isComplete(first))) return;
  waiting = false;
  say({ kind: 'complete', at });
}

function tables(): ReceivedTable[] {
  return peers.flatMap(({ table }) => (table === undefined ? [] : [table]));
}

async function flood(kind: 'announce' | 'withdraw'): Promise<void> {
  const began = now();
  await Promise.all(peers.map((peer, i) => peer.send(floods[i]![kind])));
  say({ kind: 'sent', began, stamps: [] });
}

async function churn(interval: number): Promise<void> {
  const began = now();
  const stamps: number[] = [];
  for (const [i, batch] of batches.entries()) {
    await delay(Math.max(0, began + i * interval - now()));
    stamps.push(now());
    await peers[0]!.send(batch);
  }
  say({ kind: 'sent', began, stamps });
}

function report(): void {
  const { user, system } = process.cpuUsage(cpuBefore);
  const sum = (of: (table: ReceivedTable) => number): number =>
    tables().reduce((total, table) => total + of(table), 0);
  say({
    kind: 'report',
    cpu: (user + system) / 1000,
    messages: sum(({ messages }) => messages),
    octets: sum(({ octets }) => octets),
    wrong: sum((table) => table.recount() + table.strange),
    arrivals: tables().flatMap(({ arrivals }) => arrivals),
  });
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'connect':
      await connectAll(order.setup);
      say({ kind: 'ready' });
      return;
    case 'expect':
      expectTable(order.table);
      say({ kind: 'ready' });
      return;
    case 'announce':
    case 'withdraw':
      await flood(order.kind);
      return;
    case 'churn':
      await churn(order.interval);
      return;
    case 'report':
      report();
  }
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => fail(String(error)));
});
// The benchmark is gone: nobody is left to report to.
process.on('disconnect', () => process.exit(0));

// A peer that stops reading: nobody else notices, what waits for it collapses, and it is closed in the end (RFC 9687).
import { afterEach, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { type Change, updates } from '../../support/med-table.ts';
import { StoppingPeer } from '../../support/stopping-peer.ts';

const ASN = 65000;
const ROUTES = 100_000;
const ROUNDS = 3;
const SOURCE = '127.131.0.2';
const READER = '127.131.0.3';
const STOPPED = '127.131.0.4';

/** The most octets that may wait in the process for a peer: what one turn of the RIB makes for it, about 1 MB here. */
const BOUND = 4 << 20;

let speaker: BgpSpeaker | undefined;
let peers: StoppingPeer[] = [];

afterEach(async () => {
  for (const peer of peers) peer.close();
  peers = [];
  await speaker?.stop();
});

interface Lab {
  readonly speaker: BgpSpeaker;
  readonly source: StoppingPeer;
  readonly reader: StoppingPeer;
  readonly stopped: StoppingPeer;
}

/** A reflector with three clients. */
async function start(settings: Partial<PeerConfig> = {}): Promise<Lab> {
  const reflector = realSpeaker({
    asn: ASN,
    routerId: '192.0.2.254',
    listen: [{ address: '127.131.0.1', port: 0 }],
  });
  speaker = reflector;
  const client = (name: string, address: string): PeerConfig => {
    return { name, address, asn: ASN, passive: true, routeReflectorClient: true };
  };
  reflector.setPeers([
    client('source', SOURCE),
    client('reader', READER),
    { ...client('stopped', STOPPED), ...settings },
  ]);
  await reflector.start();
  const [at] = reflector.listening;
  peers = [SOURCE, READER, STOPPED].map((address) => new StoppingPeer(ASN, address, at!));
  const [source, reader, stopped] = peers as [StoppingPeer, StoppingPeer, StoppingPeer];
  await untilSessions(reflector, () => reflector.neighbors().every(({ state }) => state === 'Established'));
  return { speaker: reflector, source, reader, stopped };
}

/** Every route in a new edition; in the last one every tenth is withdrawn instead. */
function round(edition: number): Change[] {
  return Array.from({ length: ROUTES }, (_, i) => {
    const gone = edition === ROUNDS - 1 && i % 10 === 0;
    return { prefix: 0x0a00_0000 + i * 256, med: gone ? undefined : edition * ROUTES + i };
  });
}

/** Has the source send all rounds, and waits until the reader has the last one; returns the most that waited. */
async function churn({ speaker: reflector, source, reader }: Lab): Promise<number> {
  const queued = (): number => reflector.peer('stopped').session.queued;
  let most = 0;
  for (let edition = 0; edition < ROUNDS; edition++) {
    await source.send(updates(round(edition)));
    const last = 0x0a00_0000 + (ROUTES - 1) * 256;
    await reader.until(() => {
      most = Math.max(most, queued());
      return reader.table.routes.get(last) === edition * ROUTES + ROUTES - 1;
    });
  }
  return most;
}

function expected(): Map<number, number> {
  const table = new Map<number, number>();
  for (const { prefix, med } of round(ROUNDS - 1)) if (med !== undefined) table.set(prefix, med);
  return table;
}

test('others go on, what waits is bounded, and a reader that comes back gets the newest state once', async () => {
  const lab = await start();
  lab.stopped.stop();
  const most = await churn(lab);

  await lab.reader.until(() => lab.reader.table.routes.size === expected().size);
  expect(lab.reader.table.routes).toEqual(expected());
  expect(most, 'octets that waited').toBeGreaterThan(0);
  expect(most, 'octets that waited').toBeLessThan(BOUND);

  const before = lab.stopped.table.announced;
  lab.stopped.resume();
  const table = expected();
  await lab.stopped.until(() => lab.stopped.closed || sameTable(lab.stopped.table.routes, table));
  expect(lab.stopped.table.routes).toEqual(table);
  // What lay in the buffers of the system, at most the first edition, and then the newest state of each prefix.
  expect(lab.stopped.table.announced - before).toBeLessThan(2 * ROUTES);
  expect(lab.speaker.neighbors().map(({ established }) => established)).toEqual([1, 1, 1]);
});

// RFC 9687 §4.4: it must exceed the hold time.
test('the send hold timer closes the session, and the others go on', async () => {
  const lab = await start({ holdTime: 0, sendHoldTime: 1 });
  lab.stopped.stop();
  const closed = untilSessions(lab.speaker, () => status(lab).state !== 'Established');
  await churn(lab);
  await closed;

  expect(status(lab).lastError).toMatch(/send hold timer/i);
  expect(lab.speaker.peer('stopped').session.queued).toBe(0);
  await lab.reader.until(() => sameTable(lab.reader.table.routes, expected()));
  lab.stopped.resume();
  await lab.stopped.until(() => lab.stopped.closed);
});

/** Resolves when the condition holds, which only sessions change. */
function untilSessions(reflector: BgpSpeaker, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (condition()) resolve();
    };
    reflector.onSessionChange(look);
    look();
  });
}

function status({ speaker: reflector }: Lab): ReturnType<BgpSpeaker['neighbors']>[number] {
  return reflector.neighbors().find(({ name }) => name === 'stopped')!;
}

/** Equality without the price of a message about it, since it is asked for after each read. */
function sameTable(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [prefix, med] of b) if (a.get(prefix) !== med) return false;
  return true;
}

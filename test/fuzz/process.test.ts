// `podwire speaker` as a process, sent mutated messages over real TCP.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { PodwireProcess } from '../interop/bgp/podwire-process.ts';
import { root } from '../support/tools.ts';
import { joined } from './mutate.ts';
import { mutateMessage, withHeader } from './mutate-message.ts';
import { FuzzRandom } from './random.ts';
import { RawPeer } from './raw-peer.ts';
import { ALL_FAMILIES, MESSAGES, POOL, UPDATES } from './seeds.ts';

const SEED = 12;
const PORT = 17912;
const TARGET = '127.112.1.1';
const ASN = 65000;
const MESSAGES_TO_SEND = 2000;
/** Messages in one write. */
const BATCH = 4;
/** Octets by which the process may grow once it is warm. */
const MAX_GROWTH = 96 << 20;

interface Summary {
  readonly peers?: readonly unknown[];
}

/** One session from an address of its own, as long as it lasts. @returns messages sent, from number `from` on. */
async function session(address: string, from: number): Promise<number> {
  const socket = connect({ host: TARGET, port: PORT, localAddress: address });
  let wake = (): void => undefined;
  const peer = new RawPeer(
    ASN,
    (bytes) => void socket.write(bytes),
    () => wake(),
  );
  socket.on('data', (bytes: Buffer) => peer.data(bytes));
  socket.on('error', () => peer.close());
  socket.on('close', () => peer.close());
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        if (condition() || peer.closed) resolve();
      };
      wake();
    });
  await until(() => peer.established);
  let sent = 0;
  while (!peer.closed && sent < 200) {
    const batch: Uint8Array[] = [];
    for (let i = 0; i < BATCH; i++) {
      const random = new FuzzRandom(SEED, from + sent++);
      const seed = random.pick(random.oneIn(5) ? MESSAGES : UPDATES);
      const message = withHeader(mutateMessage(seed, random, POOL));
      if (message.length >= 19) batch.push(message);
    }
    const before = peer.answers;
    socket.write(joined(...batch));
    peer.ask();
    await until(() => peer.answers > before);
  }
  socket.destroy();
  await until(() => false);
  return sent;
}

/** Resident octets of a process. */
function resident(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) * 1024;
}

const needs = root();

test.skipIf(needs.missing)(
  needs.title(
    `${MESSAGES_TO_SEND} mutated messages over TCP: the process lives, keeps no memory, and answers`,
  ),
  async () => {
    const podwire = await PodwireProcess.start({
      asn: ASN,
      routerId: '192.0.2.1',
      clusterId: '192.0.2.1',
      listen: [{ address: TARGET, port: PORT }],
      peers: [
        {
          range: '127.112.0.0/16',
          asn: ASN,
          passive: true,
          routeReflectorClient: true,
          families: ALL_FAMILIES,
        },
      ],
      networks: ['198.51.100.0/24'],
    });
    try {
      let sent = 0;
      let sessions = 0;
      let warm = 0;
      while (sent < MESSAGES_TO_SEND) {
        // A new address each time: a dynamic neighbour that nobody has to wait for.
        sent += await session(`127.112.${2 + (sessions >> 8)}.${sessions & 0xff}`, sent);
        sessions += 1;
        expect(podwire.pid).toBeDefined();
        if (warm === 0 && sent > MESSAGES_TO_SEND / 3) warm = resident(podwire.pid!);
      }
      expect(sessions).toBeGreaterThan(20);
      expect(resident(podwire.pid!) - warm).toBeLessThan(MAX_GROWTH);
      const summary = await podwire.bgp<Summary>('summary');
      expect(summary).toMatchObject({ asn: ASN });
      const rib = await podwire.bgp<readonly { prefix: string; source: string }[]>('rib');
      expect(rib.filter(({ source }) => source !== 'local')).toEqual([]);
      expect(rib.map(({ prefix }) => prefix)).toContain('198.51.100.0/24');
    } finally {
      await podwire.stop();
    }
  },
);

// A whole speaker on a simulated network: one peer sends it mutated messages, another one must not notice.
import { expect, test } from 'vitest';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { ASN, neighbor, peerAt, prefixes, SpeakerLab } from '../support/speaker-lab.ts';
import { mutateMessage, withHeader } from './mutate-message.ts';
import { FuzzRandom } from './random.ts';
import { RawPeer } from './raw-peer.ts';
import { ALL_FAMILIES, MESSAGES, POOL, UPDATES } from './seeds.ts';

const SEED = 11;
const MESSAGES_TO_SEND = 3000;
const TARGET = '10.0.0.1';
const WITNESS = '10.0.0.2';
const FUZZER = '10.0.0.66';
const FUZZER_AS = 64513;
const OWN = '198.51.100.0/24';

/** A connection of the fuzzer; resolved states are looked at while simulated time passes. */
function connect(lab: SpeakerLab): { peer: RawPeer; write: (bytes: Uint8Array) => void; end: () => void } {
  const connection = lab.net.tcp(FUZZER).connect(
    { address: TARGET, port: 179 },
    {},
    {
      onConnect: () => undefined,
      onData: (bytes: Uint8Array) => peer.data(bytes),
      onClose: () => peer.close(),
    },
  );
  const write = (bytes: Uint8Array): void => void connection.write(bytes);
  const peer: RawPeer = new RawPeer(FUZZER_AS, write);
  return { peer, write, end: () => connection.end() };
}

function speakers(lab: SpeakerLab): [BgpSpeaker, BgpSpeaker] {
  const target = lab.speaker(TARGET, { asn: ASN });
  const families = [...ALL_FAMILIES];
  target.setPeers([
    peerAt(WITNESS, { families, routeReflectorClient: true }),
    peerAt(FUZZER, { asn: FUZZER_AS, passive: true, families, multihop: 9 }),
  ]);
  const witness = lab.speaker(WITNESS, { asn: ASN });
  witness.setPeers([peerAt(TARGET, { families, passive: true })]);
  return [target, witness];
}

test(`${MESSAGES_TO_SEND} mutated messages leave a speaker and its other peers as they were`, async () => {
  const lab = new SpeakerLab();
  const [target, witness] = speakers(lab);
  target.announce(OWN, { nextHop: '192.0.2.1' });
  await Promise.all([target.start(), witness.start()]);
  lab.clock.runUntil(
    () => neighbor(target, WITNESS).state === 'Established' && prefixes(witness).includes(OWN),
  );
  const before = [prefixes(target), prefixes(witness), target.table.attributeSets];
  const since = neighbor(target, WITNESS).since;

  let sent = 0;
  let sessions = 0;
  let told = 0;
  while (sent < MESSAGES_TO_SEND) {
    const { peer, write, end } = connect(lab);
    lab.clock.runUntil(() => peer.established || peer.closed);
    if (!peer.established) {
      lab.clock.run(1000);
      continue;
    }
    sessions += 1;
    while (!peer.closed && sent < MESSAGES_TO_SEND) {
      const random = new FuzzRandom(SEED, sent);
      sent += 1;
      const message = withHeader(
        mutateMessage(random.pick(random.oneIn(5) ? MESSAGES : UPDATES), random, POOL),
      );
      if (message.length < 19) continue;
      lab.net.chunk = random.oneIn(3) ? 1 + random.below(40) : Number.POSITIVE_INFINITY;
      told = Math.max(told, target.rib().length);
      const answers = peer.answers;
      write(message);
      peer.ask();
      lab.clock.runUntil(() => peer.closed || peer.answers > answers);
      expect([sent, neighbor(target, WITNESS).since]).toEqual([sent, since]);
    }
    end();
    lab.clock.runUntil(() => peer.closed);
  }
  expect(sessions).toBeGreaterThan(50);
  expect(told).toBeGreaterThan(5);

  // Nothing that the fuzzer said is left, here or there.
  lab.clock.run(5000);
  expect([prefixes(target), prefixes(witness), target.table.attributeSets]).toEqual(before);
  expect(neighbor(target, WITNESS)).toMatchObject({ state: 'Established', since });
  // A good session works, and news reach the other peer.
  const { peer } = connect(lab);
  lab.clock.runUntil(() => peer.established, 300_000);
  target.withdraw(OWN);
  lab.clock.runUntil(() => !prefixes(witness).includes(OWN));
  await Promise.all([lab.stop(target), lab.stop(witness)]);
});

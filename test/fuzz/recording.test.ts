// A session with BIRD, recorded as it went: a replay of the text gives the same outputs, octet by octet.
import { describe, expect, test } from 'vitest';
import type { SessionConfig } from '../../protocol/bgp/session/config.ts';
import { outputLine, parseRecording, replay } from '../../protocol/bgp/session/recording.ts';
import { startBird } from '../interop/bgp/bird.ts';
import { all, tool } from '../support/tools.ts';
import { CONFIG } from '../unit/bgp/session-bench.ts';
import { LiveSession } from './live-session.ts';
import { mutateMessage, withHeader } from './mutate-message.ts';
import { FuzzRandom } from './random.ts';
import { POOL, UPDATES } from './seeds.ts';

const OURS = '127.112.3.1';
const BIRD = '127.112.3.2';
const PORT = 17913;
const ASN = 64512;
const BIRD_AS = 64600;

const config: SessionConfig = {
  ...CONFIG,
  localAs: ASN,
  peerAs: BIRD_AS,
  passive: true,
  families: ['ipv4-unicast', 'ipv6-unicast'],
  capabilities: { extendedMessage: true },
};

const need = all(tool('bird'), tool('birdc'));

describe.skipIf(need.missing)(need.title('a recording of a session with BIRD'), () => {
  test('replays to the same outputs, mutated messages among what was received', async () => {
    const live = new LiveSession(config);
    await live.listen(OURS, PORT);
    const networks = Array.from({ length: 40 }, (_, i) => ({
      prefix: `10.7.${i}.0/24`,
      community: '64600:7',
    }));
    const bird = await startBird({
      address: BIRD,
      asn: BIRD_AS,
      port: PORT,
      peers: [{ address: OURS, asn: ASN }],
      families: ['ipv4-unicast', 'ipv6-unicast'],
      nextHop6: '2001:db8::1',
      networks: [...networks, { prefix: '2001:db8:7::/48' }],
    });
    try {
      const updates = (): number => live.counts.get('update') ?? 0;
      // Routes of both families, and their ends.
      await live.until(() => updates() >= 4);
      const before = updates();
      live.feed({ kind: 'request-refresh', family: 'ipv4-unicast' });
      await live.until(() => updates() > before && (live.counts.get('end-refresh') ?? 0) > 0);
      // As if BIRD had lost its mind.
      for (let index = 0; live.session.state === 'Established'; index++) {
        const random = new FuzzRandom(13, index);
        const bytes = withHeader(mutateMessage(random.pick(UPDATES), random, POOL));
        live.feed({ kind: 'received', connection: live.connection, bytes });
      }
      await live.until(() => (live.counts.get('established') ?? 0) > 1);
      live.feed({ kind: 'stop', subcode: 2, text: 'enough' });
    } finally {
      await bird.stop();
      await live.close();
    }
    const again: string[] = [];
    const session = replay(parseRecording(live.recording.join('\n')), (outputs) => {
      for (const output of outputs) again.push(outputLine(output));
    });
    expect(again).toEqual(live.outputs);
    expect(session.counters).toEqual(live.session.counters);
    expect(again.filter((line) => line.includes('"kind":"update"')).length).toBeGreaterThan(4);
    expect(again.filter((line) => line.includes('"kind":"fault"')).length).toBeGreaterThan(0);
  });
});

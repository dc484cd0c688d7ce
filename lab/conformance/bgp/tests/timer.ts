/** Timers: RFC 4271 §4.2, §4.4, §6.5, §8.2.2, §9.2.1.1 and §10, RFC 9687. */
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { EstablishOptions, Scene } from '../scene.ts';
import { attribute, OPTIONAL, TRANSITIVE } from '../wire/attributes.ts';
import { keepalive } from '../wire/build.ts';
import { CAP_MULTIPROTOCOL, IPV6_UNICAST } from '../wire/capabilities.ts';

const MRAI: Need = { kind: 'ebgp', features: ['mrai'] };
const SEND_HOLD: Need = { kind: 'ebgp', features: ['send-hold-timer'] };

/** Slack of measured times, milliseconds: a busy machine. */
const SLACK = 500;

/** Times of the next `count` KEEPALIVEs, milliseconds. */
async function keepaliveTimes(peer: Peer, count: number, within: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push((await peer.expectKeepalive(within)).at);
  return times;
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!);
}

function rounded(values: readonly number[]): string {
  return values.map((value) => `${Math.round(value)}`).join(', ');
}

/** Time passes: for what can only be shown by nothing happening, where no later event could show it. */
function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * An external session on which the target has nothing to send but KEEPALIVEs: UPDATEs would restart its keepalive timer.
 * It carries a family that tests seldom use, where the target offers that.
 */
async function quiet(t: Scene, options: EstablishOptions): Promise<Peer> {
  const peer = await t.connect('ebgp');
  const offered = peer.open!.capabilities.some(
    ({ code, value }) =>
      code === CAP_MULTIPROTOCOL && value[1] === IPV6_UNICAST.afi && value[3] === IPV6_UNICAST.safi,
  );
  return await t.bringUp(peer, offered ? { ...options, families: [IPV6_UNICAST] } : options);
}

/**
 * Falls silent in Established and expects 4/0 after the hold time. A quarter less passes: RFC 4271 §10 does not name the
 * hold timer among those with jitter, but implementations that jitter it anyway do no harm.
 */
async function expires(t: Scene, peer: Peer, holdTime: number): Promise<void> {
  const begin = performance.now();
  peer.stopKeepalives();
  peer.send(keepalive());
  await peer.expectReset(4, 0, undefined, holdTime * 1000 + t.reactionTime);
  const passed = performance.now() - begin;
  t.check(
    passed > holdTime * 750 - SLACK,
    `expected NOTIFICATION 4/0 after ${holdTime} s, got it after ${Math.round(passed)} ms`,
  );
}

export const TIMER_TESTS: readonly Requirement[] = [
  {
    id: 'TMR-1',
    rfc: 'RFC 4271 4.2',
    level: 'must',
    title: 'The smaller hold time counts',
    stimulus: 'OPEN with hold time 6, smaller than that of the target; then silence',
    expected: 'KEEPALIVEs every 2 s; NOTIFICATION 4/0 6 s after our last message',
    needs: [{ kind: 'ebgp' }],
    seconds: 14,
    async run(t) {
      const peer = await quiet(t, { holdTime: 6 });
      const own = peer.open!.holdTime;
      if (own !== 0 && own <= 6) t.notApplicable(`the target's hold time is ${own} s`);
      const list = gaps(await keepaliveTimes(peer, 3, 2000 + t.reactionTime));
      t.check(
        list.every((gap) => gap < 3000),
        `expected KEEPALIVEs every 2 s, got gaps of ${rounded(list)} ms`,
      );
      await expires(t, peer, 6);
    },
  },
  {
    id: 'TMR-2',
    rfc: 'RFC 4271 6.5',
    level: 'must',
    title: 'Hold timer expires',
    stimulus: 'hold time 3, and silence in OpenConfirm, in Established',
    expected: 'NOTIFICATION 4/0 after 3 s, and close',
    needs: [{ kind: 'ebgp' }],
    seconds: 8,
    async run(t) {
      await t.step('in OpenConfirm', async () => {
        const peer = await t.connect('ebgp');
        peer.send(t.openOf(peer.identity, { holdTime: 3 }));
        await peer.expectReset(4, 0, undefined, 3000 + t.reactionTime);
      });
      await t.step('in Established', async () => {
        const peer = await t.establish('ebgp', { holdTime: 3, keepalives: false });
        await expires(t, peer, 3);
      });
    },
  },
  {
    id: 'TMR-3',
    rfc: 'RFC 4271 4.4, 10',
    level: 'must',
    title: 'Time between KEEPALIVEs',
    stimulus: 'sessions with hold time 9 and hold time 3',
    expected: 'KEEPALIVEs about every third of it (jitter may take a quarter off), and never within a second',
    needs: [{ kind: 'ebgp' }],
    seconds: 15,
    async run(t) {
      for (const holdTime of [9, 3]) {
        await t.step(`hold time ${holdTime}`, async () => {
          const peer = await quiet(t, { holdTime });
          const period = (holdTime * 1000) / 3;
          // The first one answers our OPEN and may come at any time before the next.
          const list = gaps((await keepaliveTimes(peer, 7, period + t.reactionTime)).slice(1));
          const mean = list.reduce((sum, gap) => sum + gap, 0) / list.length;
          const text = `got gaps of ${rounded(list)} ms`;
          t.check(
            mean > period * 0.7 && mean < period * 1.35,
            `expected a KEEPALIVE about every ${period} ms, ${text}`,
          );
          // Single gaps say little where they arrive: after one that was late the next comes early.
          t.check(mean > 740, `expected none within a second (750 ms with jitter), ${text}`);
        });
      }
    },
  },
  {
    id: 'TMR-4',
    rfc: 'RFC 4271 4.4',
    level: 'must',
    title: 'Hold time 0',
    stimulus: 'OPEN with hold time 0, then silence for longer than the usual hold times',
    expected: 'no KEEPALIVE but the one that answers our OPEN, and the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    seconds: 65,
    async run(t) {
      const peer = await t.connect('ebgp');
      peer.send(t.openOf(peer.identity, { holdTime: 0 }));
      const answer = await peer.expect('a KEEPALIVE or NOTIFICATION 2/6', ({ body }) => {
        if (body.kind === 'notification' && body.code === 2 && body.subcode === 6) return body;
        return body.kind === 'keepalive' && body;
      });
      if (answer.kind === 'notification') t.notApplicable('the target refuses hold time 0, as it may');
      peer.send(keepalive());
      await pass(60_000 + SLACK);
      const count = peer.received.filter(({ body }) => body.kind === 'keepalive').length;
      t.check(count === 1, `expected one KEEPALIVE, got ${count}`);
      t.check(peer.closed === undefined, 'expected the session to stay, but it ended');
      await t.barrier(peer, await t.observer(peer));
    },
  },
  {
    id: 'TMR-5',
    rfc: 'RFC 4271 8.2.2',
    level: 'must',
    title: 'UPDATEs restart the timers',
    stimulus:
      'hold time 3 and UPDATEs every second but no KEEPALIVEs, for 7 s; UPDATEs to send every 0.3 s, for 8 s, with hold time 9',
    expected: 'the session stays; the target sends no KEEPALIVEs meanwhile',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    seconds: 16,
    async run(t) {
      await t.step('UPDATEs restart the hold timer', async () => {
        const peer = await t.establish('ebgp', { holdTime: 3, keepalives: false });
        for (let i = 0; i < 7; i++) {
          await pass(1000);
          peer.announce(t.prefix());
        }
        await t.barrier(peer, await t.observer(peer));
      });
      await t.step('UPDATEs sent restart the keepalive timer', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source, { holdTime: 9 });
        await t.barrier(source, observer);
        const prefix = t.prefix();
        const begin = performance.now();
        for (let i = 1; i <= 26; i++) {
          source.announce(prefix, { through: [64900 + i] });
          await pass(300);
        }
        const during = observer.received.filter(({ body, at }) => body.kind === 'keepalive' && at > begin);
        const updates = observer.historyOf(prefix).length;
        if (updates < 13) t.inconclusive(`the target sent only ${updates} UPDATEs about 26 changes`);
        t.check(during.length === 0, `expected no KEEPALIVE among the UPDATEs, got ${during.length}`);
      });
    },
  },
  {
    id: 'TMR-6',
    rfc: 'RFC 4271 8.2.2',
    level: 'must',
    title: 'OPEN never arrives',
    stimulus: 'a connection on which we send nothing',
    expected:
      'NOTIFICATION 4/0 when the long hold time of OpenSent (4 minutes suggested) has passed, and close',
    needs: [{ kind: 'ebgp' }],
    seconds: 250,
    async run(t) {
      const peer = await t.connect('ebgp');
      const seconds = peer.identity.settings.openHoldTime ?? 240;
      const begin = performance.now();
      await peer.expectReset(4, 0, undefined, seconds * 1000 * 1.25 + t.reactionTime);
      const passed = (performance.now() - begin) / 1000;
      t.check(
        passed > seconds * 0.75 - 1,
        `expected NOTIFICATION 4/0 after ${seconds} s, got it after ${Math.round(passed)} s`,
      );
    },
  },
  {
    id: 'TMR-7',
    rfc: 'RFC 4271 10',
    level: 'should',
    title: 'Jitter',
    stimulus: 'a session with hold time 12, idle',
    expected: 'the times between KEEPALIVEs differ, each from 0.75 to 1 of 4 s',
    needs: [{ kind: 'ebgp' }],
    seconds: 45,
    async run(t) {
      const peer = await quiet(t, { holdTime: 12 });
      const list = gaps((await keepaliveTimes(peer, 10, 4000 + t.reactionTime)).slice(1));
      const mean = list.reduce((sum, gap) => sum + gap, 0) / list.length;
      const spread = Math.max(...list) - Math.min(...list);
      const text = `got gaps of ${rounded(list)} ms`;
      // Without jitter a busy machine makes times differ as well, but not shorter on average. With jitter the mean of
      // eight is above 3.85 s, and the spread below 150 ms, in less than one of a thousand cases.
      t.check(mean < 3850, `expected 3.5 s on average, ${text}`);
      t.check(spread > 150, `expected times that differ by jitter, ${text}`);
    },
  },
  {
    id: 'TMR-8',
    rfc: 'RFC 4271 9.2.1.1',
    level: 'must',
    title: 'MinRouteAdvertisementInterval',
    stimulus: 'a prefix that is announced six times with other attributes within the interval',
    expected:
      'the interval passes between two messages about it to a peer, and the last one has the last state',
    needs: [{ kind: 'ebgp2' }, MRAI],
    seconds: 10,
    async run(t) {
      const source = await t.establish('ebgp2');
      const observer = await t.establish(MRAI);
      const seconds = observer.identity.settings.mrai;
      if (seconds === undefined) t.notApplicable('the profile does not say mrai');
      const prefix = t.prefix();
      const last = 7;
      for (let i = 1; i <= last; i++) {
        source.announce(prefix, { through: [64900 + i] });
        await pass(150);
      }
      const within = seconds! * 2000 + t.reactionTime;
      await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith(String(64900 + last)), within);
      const list = gaps(observer.historyOf(prefix).map(({ at }) => at));
      const least = seconds! * 750 - SLACK;
      t.check(
        list.every((gap) => gap > least),
        `expected at least ${seconds} s (0.75 of it with jitter) between messages, got gaps of ${rounded(list)} ms`,
      );
    },
  },
  {
    id: 'TMR-9',
    rfc: 'RFC 9687 3, 4.3',
    level: 'must',
    title: 'Send hold timer',
    stimulus:
      'a peer that sends KEEPALIVEs but reads nothing while the target has more to send than buffers hold',
    expected:
      'the target drops the connection when its send hold time has passed (NOTIFICATION 8/0 is optional: 4.3)',
    needs: [{ kind: 'ebgp2' }, SEND_HOLD],
    seconds: 60,
    exclusive: true,
    async run(t) {
      const observer = await t.establish(SEND_HOLD, { holdTime: 9 });
      const seconds = observer.identity.settings.sendHoldTime;
      if (seconds === undefined) t.notApplicable('the profile does not say sendHoldTime');
      const source = await t.establish('ebgp2');
      await t.barrier(source, observer);
      observer.stopReading();
      const begin = performance.now();
      await flood(source, 16_000_000);
      await pass(seconds! * 1500 + t.reactionTime);
      t.note(`${Math.round((performance.now() - begin) / 1000)} s without reading`);
      observer.resumeReading();
      await observer.expectClose();
    },
  },
];

/** Announces so many octets: unknown transitive attributes, which the target passes on, other ones with each prefix. */
async function flood(source: Peer, octets: number): Promise<void> {
  const size = 3800;
  for (let sent = 0, i = 0; sent < octets; sent += size, i++) {
    const value = new Uint8Array(size).fill(i & 255);
    value[0] = i >>> 8;
    const prefix = `100.${64 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}/32`;
    source.announce(prefix, { extra: [attribute(OPTIONAL | TRANSITIVE, 240, value)] });
    if (i % 100 === 99) await pass(5);
  }
}

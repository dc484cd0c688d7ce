/** Several paths for one prefix: RFC 7911. */
import type { AttributeOptions } from '../announce.ts';
import type { Peer } from '../peer.ts';
import type { Need, PeerKind } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { update } from '../wire/build.ts';
import { pathNlri } from '../wire/bytes.ts';
import { type AfiSafi, addPath, IPV4_UNICAST, IPV6_UNICAST } from '../wire/capabilities.ts';

const RECEIVE = 1;
const SEND = 2;
const BOTH = 3;
const { afi, safi } = IPV4_UNICAST;

/** A session on which we offer ADD-PATH for families: by default IPv4 unicast. */
function withPaths(
  t: Scene,
  kind: PeerKind,
  sendReceive: number,
  family: AfiSafi = IPV4_UNICAST,
): Promise<Peer> {
  const need: Need = { kind, features: ['add-path'] };
  return t.establish(need, {
    families: [IPV4_UNICAST, IPV6_UNICAST],
    capabilities: [addPath({ ...family, sendReceive })],
  });
}

function announcePath(peer: Peer, pathId: number, prefix: string, options: AttributeOptions = {}): void {
  peer.send(update({ attributes: peer.attributes(options), nlri: [pathNlri(pathId, prefix)] }));
}

function withdrawPath(peer: Peer, pathId: number, prefix: string): void {
  peer.send(update({ withdrawn: [pathNlri(pathId, prefix)] }));
}

/** As {@link Scene.barrier}, on a session on which we send path identifiers. */
async function barrier(t: Scene, source: Peer, observer: Peer): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const marker = t.prefix();
    announcePath(source, 1, marker);
    await observer.expectRoute(marker);
    withdrawPath(source, 1, marker);
  }
}

/** Kind of an observer that routes of `ebgp` go to. */
const SEER: PeerKind = 'ebgp2';

export const ADD_PATH_TESTS: readonly Requirement[] = [
  {
    id: 'AP-1',
    rfc: 'RFC 7911 4, 5',
    level: 'must',
    title: 'Path identifiers where both sides agreed',
    stimulus:
      'we offer to receive, both, to send, for IPv4; to receive for IPv6 alone; announcements with and without identifier accordingly',
    expected: 'an identifier with every NLRI where one side sends and the other receives, otherwise none',
    needs: [{ kind: 'ebgp', features: ['add-path'] }, { kind: SEER, features: ['add-path'] }, OBSERVER],
    async run(t) {
      const offers: readonly (readonly [string, number, AfiSafi])[] = [
        ['receive', RECEIVE, IPV4_UNICAST],
        ['both', BOTH, IPV4_UNICAST],
        ['send', SEND, IPV4_UNICAST],
        ['receive IPv6 alone', RECEIVE, IPV6_UNICAST],
      ];
      for (const [name, sendReceive, family] of offers) {
        await t.step(`what the target sends when we offer: ${name}`, async () => {
          const source = await t.establish('ebgp');
          const observer = await withPaths(t, SEER, sendReceive, family);
          const agreed = observer.addPathReceive(afi, safi);
          if (sendReceive !== SEND && family === IPV4_UNICAST && !agreed) {
            t.notApplicable('the target does not offer to send several paths');
          }
          const prefix = t.prefix();
          source.announce(prefix);
          // With the wrong form the prefix would read as another one.
          const { pathId } = await observer.expectRoute(prefix);
          t.check(
            (pathId !== undefined) === agreed,
            `expected ${agreed ? 'an' : 'no'} identifier, got ${pathId ?? 'none'}`,
          );
        });
        await t.step(`what the target takes when we offer: ${name}`, async () => {
          const source = await withPaths(t, 'ebgp', sendReceive, family);
          const agreed = source.addPathSend(afi, safi);
          if (sendReceive !== RECEIVE && !agreed)
            t.notApplicable('the target does not offer to receive several paths');
          const observer = await t.establish(SEER);
          const prefix = t.prefix();
          if (agreed) announcePath(source, 7, prefix);
          else source.announce(prefix);
          await observer.expectRoute(prefix);
        });
      }
    },
  },
  {
    id: 'AP-2',
    rfc: 'RFC 7911 2, 3, 5',
    level: 'must',
    title: 'Path identifiers tell routes apart',
    stimulus:
      'one prefix with two identifiers; with the same one again; a withdrawal of an identifier that was not announced',
    expected:
      'both are kept, so that one takes the place of the other; it is replaced; it is ignored (SHOULD)',
    needs: [{ kind: 'ebgp', features: ['add-path'] }, OBSERVER],
    async run(t) {
      const session = async (): Promise<{ source: Peer; observer: Peer; prefix: string }> => {
        const source = await withPaths(t, 'ebgp', BOTH);
        if (!source.addPathSend(afi, safi))
          t.notApplicable('the target does not offer to receive several paths');
        return { source, observer: await t.establish(SEER), prefix: t.prefix() };
      };
      await t.step('two identifiers', async () => {
        const { source, observer, prefix } = await session();
        announcePath(source, 1, prefix, { through: [64901] });
        announcePath(source, 2, prefix, { through: [64902, 64903] });
        await barrier(t, source, observer);
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64901'));
        withdrawPath(source, 1, prefix);
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64903'));
        withdrawPath(source, 2, prefix);
        await observer.expectNoRoute(prefix);
      });
      await t.step('the same identifier again', async () => {
        const { source, observer, prefix } = await session();
        announcePath(source, 1, prefix, { through: [64901] });
        await observer.expectRoute(prefix);
        // Worse than the one before: chosen only where it replaced that.
        announcePath(source, 1, prefix, { through: [64902, 64903] });
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64903'));
        withdrawPath(source, 1, prefix);
        await observer.expectNoRoute(prefix);
      });
      await t.step('withdrawal of an unknown identifier', async () => {
        const { source, observer, prefix } = await session();
        announcePath(source, 1, prefix);
        await observer.expectRoute(prefix);
        withdrawPath(source, 99, prefix);
        await barrier(t, source, observer);
        t.check(
          observer.historyOf(prefix).every(({ what }) => what === 'announced'),
          `expected the withdrawal to be ignored, but ${prefix} was withdrawn`,
        );
      });
    },
  },
  {
    id: 'AP-3',
    rfc: 'RFC 7911 2, 3',
    level: 'must',
    title: 'Path identifiers of routes passed on',
    stimulus: 'two peers announce one prefix with the same identifier, to a target that sends several paths',
    expected: 'the two paths are sent with identifiers of their own, and the best one is among them (SHOULD)',
    needs: [
      { kind: 'ebgp', features: ['add-path'] },
      { kind: 'ebgp', features: ['add-path'] },
      { kind: SEER, features: ['add-path'] },
      { kind: SEER },
    ],
    async run(t) {
      const best = await withPaths(t, 'ebgp', BOTH);
      const other = await withPaths(t, 'ebgp', BOTH);
      const observer = await withPaths(t, SEER, BOTH);
      if (!best.addPathSend(afi, safi) || !observer.addPathReceive(afi, safi)) {
        t.notApplicable('the target does not offer to send and to receive several paths');
      }
      const plain = await t.establish(SEER);
      const prefix = t.prefix();
      announcePath(best, 7, prefix, { through: [64901] });
      announcePath(other, 7, prefix, { through: [64902, 64903] });
      await plain.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64901'));
      const first = await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64901'));
      const second = await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64903'));
      t.check(first.pathId !== second.pathId, `expected two identifiers, got ${first.pathId} twice`);
      withdrawPath(best, 7, prefix);
      await observer.expect('the withdrawal of one path', () => observer.routesTo(prefix).length === 1);
      const [left] = observer.routesTo(prefix);
      t.check(
        left!.pathId === second.pathId,
        `expected the path with identifier ${second.pathId} to stay, got ${left!.pathId}`,
      );
    },
  },
];

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Identities, nth } from '../../../lab/conformance/bgp/identity.ts';
import type { Profile, ProfilePeer } from '../../../lab/conformance/bgp/profile.ts';
import { loadProfile } from '../../../lab/conformance/bgp/profile-load.ts';
import { offeredBy, targetConfig } from '../../../lab/conformance/bgp/target-config/all.ts';
import { NotApplicable } from '../../../lab/conformance/bgp/verdict.ts';
import { parseSpeakerFile } from '../../../lab/speaker/parse-file.ts';

const TARGET = { target: { address: '127.0.0.1', port: 1790 }, asn: 65000 };

let folder: string | undefined;

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  folder = undefined;
});

async function file(text: string): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'podwire-profile-'));
  await writeFile(join(folder, 'profile.yaml'), text);
  return join(folder, 'profile.yaml');
}

function peer(address: string, more: Partial<ProfilePeer> = {}): ProfilePeer {
  return { kind: 'ebgp', asn: 65001, address, features: [], settings: {}, ...more };
}

async function profileOf(...peers: readonly ProfilePeer[]): Promise<Profile> {
  return { ...(await loadProfile({ ...TARGET, local: '127.0.0.2', localAsn: 65001 })), peers };
}

describe('profiles', () => {
  test('flags alone make one peer, external or internal', async () => {
    const external = await loadProfile({ ...TARGET, local: '127.0.0.2', localAsn: 65001 });
    expect(external.peers).toMatchObject([{ kind: 'ebgp', asn: 65001, address: '127.0.0.2' }]);
    const internal = await loadProfile({ ...TARGET, local: '127.0.0.2', localAsn: 65000 });
    expect(internal.peers).toMatchObject([{ kind: 'ibgp' }]);
  });

  test('a file gives peers, and flags come before it', async () => {
    const path = await file(
      'target: 127.0.0.9:179\nasn: 65009\npeers:\n  - { kind: ibgp, asn: 65009, address: 127.0.16.0/20, features: [add-path] }\n',
    );
    expect(await loadProfile({ file: path })).toMatchObject({
      target: { address: '127.0.0.9', port: 179 },
      asn: 65009,
      peers: [{ kind: 'ibgp', features: ['add-path'] }],
    });
    expect((await loadProfile({ file: path, asn: 65010 })).asn).toBe(65010);
  });

  test.each([
    [{ asn: 1 }, 'the target is missing: give --target HOST:PORT'],
    [{ target: TARGET.target }, "the target's AS is missing: give --asn N"],
    [TARGET, 'our AS is missing: give --local-asn N, --peers or --profile'],
    [{ ...TARGET, peers: '127.0.0.0/28' }, '--peers 127.0.0.0/28: expected an IPv4 range of /8 to /20'],
    [
      { ...TARGET, families: ['ipx'] },
      'unknown family ipx, expected one of ipv4-unicast, ipv6-unicast, l2vpn-evpn',
    ],
  ])('%j: %s', async (options, message) => {
    await expect(loadProfile(options)).rejects.toThrow(message);
  });

  test('a wrong file is refused with the place', async () => {
    await expect(loadProfile({ file: await file('peers: [{ kind: egp }]\n') })).rejects.toThrow(
      /peers\.0\.kind/,
    );
  });
});

describe('identities', () => {
  test('a range gives a fresh address each time, and none that ends in 0 or 255', async () => {
    const lease = await new Identities(await profileOf(peer('127.0.16.0/23'))).acquire([{ kind: 'ebgp' }]);
    const seen = Array.from({ length: 508 }, () => lease.take({ kind: 'ebgp' }).address);
    expect(new Set(seen).size).toBe(508);
    expect(seen.some((address) => /\.(0|255)$/.test(address))).toBe(false);
    expect(nth('127.0.16.0/20', 4097)).toBe('127.0.16.1');
  });

  test('a single address belongs to one test at a time', async () => {
    const identities = new Identities(await profileOf(peer('127.0.0.2')));
    const first = await identities.acquire([{ kind: 'ebgp' }]);
    let second = false;
    const waiting = identities.acquire([{ kind: 'ebgp' }]).then((lease) => {
      second = true;
      return lease;
    });
    await new Promise(setImmediate);
    expect(second).toBe(false);
    first.release();
    expect((await waiting).take({ kind: 'ebgp' }).address).toBe('127.0.0.2');
  });

  test('a step may use it again, but not twice at once', async () => {
    const lease = await new Identities(await profileOf(peer('127.0.0.2'))).acquire([{ kind: 'ebgp' }]);
    lease.take({ kind: 'ebgp' });
    expect(() => lease.take({ kind: 'ebgp' })).toThrow(NotApplicable);
    lease.rewind();
    expect(lease.take({ kind: 'ebgp' }).address).toBe('127.0.0.2');
  });

  test('peers with special features serve only tests that ask for them', async () => {
    const special = peer('127.0.32.0/24', { features: ['role-strict'] });
    const lease = await new Identities(await profileOf(special)).acquire([{ kind: 'ebgp' }]);
    expect(() => lease.take({ kind: 'ebgp' })).toThrow('needs a peer of kind ebgp in the profile');
    expect(lease.take({ kind: 'ebgp', features: ['role-strict'] }).address).toBe('127.0.32.1');
  });
});

describe('printed configurations', () => {
  test('that for podwire is a valid speaker file with every peer', async () => {
    const profile = await loadProfile({ ...TARGET, peers: '127.0.0.0/16', localAsn: 65001 });
    const { peers, ranges } = parseSpeakerFile(targetConfig('podwire', profile), 'x.yaml', {});
    expect(peers.length + ranges.length).toBe(profile.peers.length);
  });

  test('others leave out what the program lacks', async () => {
    const profile = await loadProfile({ ...TARGET, peers: '127.0.0.0/16', localAsn: 65001 });
    const bird = offeredBy('bird', profile);
    expect(bird.peers.length).toBeLessThan(profile.peers.length);
    expect(bird.peers.flatMap(({ features }) => features)).not.toContain('mrai');
    expect(targetConfig('bird', profile)).toContain('neighbor range 127.0.8.0/21 as 65001;');
    expect(targetConfig('frr', profile)).toContain('bgp listen range 127.0.8.0/21 peer-group P1');
    expect(targetConfig('gobgp', profile)).toContain('prefix = "127.0.8.0/21"');
  });
});

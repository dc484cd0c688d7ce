import { spawnSync } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { mergeCaptures } from '../../lab/capture/merge.ts';
import { streamOutput } from '../../lab/capture/output.ts';
import { all, tool } from '../support/tools.ts';
import { ADDRESSES, bgpSession, echoFrame, Host, PODS, pingOverVxlan } from './tshark-lab.ts';

const tshark = tool('tshark');
const capinfos = tool('capinfos');
const need = all(tshark, capinfos);
const clock = systemClock();

const CHECKSUMS = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

describe.skipIf(need.missing)(need.title('tshark reads a merged capture of two hosts'), () => {
  let folder: string;
  let early: string;
  let late: string;
  let port: number;
  const written: number[] = [];

  /** Runs a capture from before `body` to after it. */
  async function capture(hosts: readonly Host[], file: string, body: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const ready = Promise.withResolvers<void>();
    const stream = createWriteStream(file);
    const merged = mergeCaptures(
      hosts.map((host) => host.source()),
      streamOutput(stream),
      {
        clock,
        signal: stop.signal,
        application: 'podwire 0.0.0-test',
        os: 'Linux',
        comments: ['lab: calico-rr', 'seed 7'],
        onReady: ready.resolve,
      },
    );
    await ready.promise;
    await body();
    stop.abort();
    const result = await merged;
    stream.end();
    await finished(stream);
    expect(result).toMatchObject({ reason: 'aborted', lost: 0n, failures: [] });
    written.push(result.packets);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwire-tshark-'));
    early = join(folder, 'early.pcapng');
    late = join(folder, 'late.pcapng');
    const hosts = [new Host('host1'), new Host('host2')] as const;
    // The second capture starts in the middle of the BGP session, the first sees all.
    await capture(hosts, early, async () => {
      await pingOverVxlan(...hosts);
      hosts[0].hub.record(hosts[0].pod, 'outbound', echoFrame(PODS.host1, '10.99.0.1', 'echo-request', 64), {
        dropped: 'no-route',
      });
      const stop = Promise.withResolvers<void>();
      let lateDone: Promise<void> = Promise.resolve();
      port = await bgpSession(...hosts, () => {
        const started = Promise.withResolvers<void>();
        lateDone = capture(hosts, late, () => {
          started.resolve();
          return stop.promise;
        });
        return started.promise;
      });
      stop.resolve();
      await lateDone;
    });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The part of a capture that one interface saw: Wireshark takes a segment seen on three for two retransmissions. */
  function seenOn(name: string, file: string): string {
    const only = join(folder, `${name.replace(':', '-')}-of-${basename(file)}`);
    if (!existsSync(only)) {
      spawnSync(tshark.path, ['-r', file, '-Y', `frame.interface_name == "${name}"`, '-w', only]);
    }
    return only;
  }

  /** Rows of fields, tab-separated by tshark, for packets that match. */
  function fields(file: string, filter: string, ...names: readonly string[]): string[][] {
    const columns = names.flatMap((name) => ['-e', name]);
    const args = ['-n', '-r', file, '-Y', filter, '-T', 'fields', ...columns];
    const run = spawnSync(tshark.path, [...args, '-d', `tcp.port==${port},bgp`, ...CHECKSUMS], {
      encoding: 'utf8',
    });
    expect(run.stderr.replace(/^Running as user.*\n/, '')).toBe('');
    return run.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  }

  test('nothing is malformed and every checksum is right', () => {
    for (const file of [early, late]) {
      expect(
        fields(file, '_ws.malformed || _ws.expert.severity >= 0x800000', 'frame.number', '_ws.expert'),
      ).toEqual([]);
      for (const protocol of ['ip', 'udp', 'tcp']) {
        expect(fields(file, `${protocol}.checksum.status == 0`, 'frame.number')).toEqual([]);
      }
    }
    // The VXLAN's outer UDP checksum is absent (3), everything else is verified good (1).
    expect(new Set(fields(early, 'vxlan', 'udp.checksum.status', 'ip.checksum.status').flat())).toEqual(
      new Set(['3', '1,1']),
    );
    expect(new Set(fields(early, 'tcp', 'tcp.checksum.status').flat())).toEqual(new Set(['1']));
    expect(fields(early, 'icmp.checksum.status != 1', 'frame.number')).toEqual([]);
  });

  test('one ping appears on pod, host, wire, host, pod, with one packet id and the directions of each place', () => {
    const rows = fields(
      early,
      `icmp.type == 8 && !(frame.comment contains "dropped")`,
      'frame.interface_name',
      'frame.packet_flags_direction',
      'frame.packet_id',
      'ip.ttl',
    );
    const id = rows[0]![2]!;
    expect(id).not.toBe('');
    expect(rows).toEqual([
      ['default/web-host1:eth0', '0x00000002', id, '64'],
      ['host1:eth0', '0x00000002', id, '64,63'],
      ['underlay', '', id, '64,63'],
      ['host2:eth0', '0x00000001', id, '64,63'],
      ['default/web-host2:eth0', '0x00000001', id, '62'],
    ]);
    const replies = fields(early, 'icmp.type == 0', 'frame.packet_id');
    expect(new Set(replies.flat()).size).toBe(1);
    expect(replies[0]![0]).not.toBe(id);
  });

  test('VXLAN decodes with its VNI, ports and inner addresses', () => {
    const rows = fields(
      early,
      'vxlan && frame.interface_name == "underlay"',
      'vxlan.vni',
      'vxlan.flags',
      'udp.dstport',
      'udp.checksum',
      'ip.src',
      'ip.dst',
      'eth.src',
    );
    const { host1, host2 } = ADDRESSES;
    const macs = '00:00:00:00:00:00,02:00:00:00:00:01';
    expect(rows).toEqual([
      ['4096', '0x0800', '4789', '0x0000', `${host1},${PODS.host1}`, `${host2},${PODS.host2}`, macs],
      ['4096', '0x0800', '4789', '0x0000', `${host2},${PODS.host2}`, `${host1},${PODS.host1}`, macs],
    ]);
  });

  test('a packet that the node dropped has a verdict and the reason', () => {
    const rows = fields(early, 'frame.verdict.ebpf_tc', 'frame.verdict.ebpf_tc', 'frame.comment', 'ip.dst');
    expect(rows).toEqual([['2', 'dropped: no-route', '10.99.0.1']]);
  });

  test('the BGP session decodes on every interface, from the handshake to the FINs', () => {
    const { host1, host2 } = ADDRESSES;
    for (const name of ['host1:eth0', 'host2:eth0', 'underlay']) {
      const file = seenOn(name, early);
      const opens = fields(file, 'bgp.type == 1', 'ip.src', 'bgp.open.myas', 'bgp.open.holdtime');
      expect(opens.map((row) => row.join(' ')).sort()).toEqual([`${host1} 64512 180`, `${host2} 64512 180`]);
      expect(fields(file, 'bgp.type == 4', 'ip.src')).toHaveLength(2);
      const updates = fields(file, 'bgp.type == 2', 'bgp.update.path_attribute.next_hop', 'bgp.nlri_prefix');
      expect(updates.map(([nextHop, prefixes]) => [nextHop, prefixes!.split(',').length])).toEqual([
        [host1, 740],
        [host1, 740],
      ]);
      const flags = fields(file, 'tcp', 'tcp.flags.str').map(([text]) => text!.replace(/[^A-Z]/g, ''));
      expect(flags.slice(0, 3)).toEqual(['S', 'AS', 'A']);
      expect(flags.filter((text) => text.includes('F'))).toEqual(['AF', 'AF']);
    }
  });

  test("tshark's TCP analysis finds neither gaps nor repeats", () => {
    for (const file of [early, late]) {
      for (const name of ['host1:eth0', 'host2:eth0', 'underlay']) {
        const only = seenOn(name, file);
        expect(fields(only, 'tcp', 'frame.number').length).toBeGreaterThanOrEqual(5);
        expect(fields(only, 'tcp.analysis.flags', 'frame.number', 'tcp.seq')).toEqual([]);
      }
    }
  });

  test('a capture that starts in the middle goes on with the same sequence numbers', () => {
    const raw = (file: string): string[][] =>
      fields(
        seenOn('host1:eth0', file),
        'tcp.len > 100',
        'tcp.seq_raw',
        'tcp.ack_raw',
        'tcp.len',
        'tcp.flags.push',
      );
    const segments = raw(late);
    expect(segments.map((row) => [row[2], row[3]])).toEqual([
      ['3744', '1'],
      ['3744', '1'],
    ]);
    expect(raw(early)).toEqual(segments);
    expect(fields(late, 'tcp.flags.syn == 1', 'frame.number')).toEqual([]);
    expect(fields(seenOn('underlay', late), 'bgp.type == 2', 'bgp.nlri_prefix')).toHaveLength(2);
  });

  test('both ends call the same message by the same packet id', () => {
    const ids = fields(early, 'tcp.len > 100', 'frame.packet_id').flat();
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(2);
  });

  test('reconstructed segments say so', () => {
    expect(new Set(fields(early, 'tcp', 'frame.comment').flat())).toEqual(
      new Set(['reconstructed from the TCP byte stream']),
    );
  });

  test('names of pods and nodes resolve', () => {
    const run = spawnSync(
      tshark.path,
      [
        '-r',
        early,
        '-N',
        'n',
        '-Y',
        'icmp.type == 8',
        '-T',
        'fields',
        '-e',
        'ip.src_host',
        '-e',
        'ip.dst_host',
      ],
      { encoding: 'utf8' },
    );
    expect(run.stdout.split('\n').slice(0, 2)).toEqual([
      'web-host1\tweb-host2',
      'host1,web-host1\thost2,web-host2',
    ]);
  });

  test('times have nanoseconds and rise', () => {
    const times = fields(early, 'frame', 'frame.time_epoch').flat();
    expect(times).toHaveLength(written[1]!);
    expect(times).toEqual([...times].sort());
    expect(times.every((time) => /^\d{10}\.\d{9}$/.test(time))).toBe(true);
    expect(times.some((time) => !time.endsWith('000'))).toBe(true);
    expect(Math.abs(Number(times[0]) - Date.now() / 1000)).toBeLessThan(600);
  });

  test('capinfos shows the section and every interface with its packets', () => {
    const text = spawnSync(capinfos.path, ['-M', early], { encoding: 'utf8' }).stdout;
    expect(text).toMatch(/Number of interfaces in file:\s+5/);
    expect(text).toContain('lab: calico-rr');
    expect(text).toContain('podwire 0.0.0-test');
    expect(text).toMatch(/Strict time order:\s+True/);
    expect(text).toMatch(new RegExp(`Number of packets:\\s+${written[1]}`));
    for (const name of [
      'host1:eth0',
      'host2:eth0',
      'underlay',
      'default/web-host1:eth0',
      'default/web-host2:eth0',
    ]) {
      expect(text).toContain(`Name = ${name}`);
    }
    expect(text).toMatch(/Time precision = nanoseconds \(9\)/);
    expect(text).toMatch(/Name = underlay[\s\S]*?Number of stat entries = 1/);
  });
});

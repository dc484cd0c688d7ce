import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import { mergeCaptures } from '../../lab/capture/merge.ts';
import { streamOutput } from '../../lab/capture/output.ts';
import { tool } from '../support/tools.ts';
import { echoFrame, Host, PODS } from './tshark-lab.ts';

const tshark = tool('tshark');

describe.skipIf(tshark.missing)(tshark.title('tshark reads a live capture from a pipe'), () => {
  test('each packet at once, a node that joins in between, and the end when tshark has enough', async () => {
    const fields = ['frame.interface_name', 'ip.src', 'frame.packet_id'].flatMap((name) => ['-e', name]);
    const child = spawn(tshark.path, ['-i', '-', '-l', '-n', '-c', '3', '-T', 'fields', ...fields], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const host1 = new Host('host1');
    const ready = Promise.withResolvers<void>();
    const result = mergeCaptures([host1.source()], streamOutput(child.stdin), {
      clock: systemClock(),
      onReady: ready.resolve,
    });
    await ready.promise;
    const send = (host: Host, to: string): void =>
      host.hub.record(host.pod, 'outbound', echoFrame(PODS[host.name], to, 'echo-request', 64));
    // The next packet is sent only when tshark has shown the one before: each must come through by itself.
    send(host1, PODS.host2);
    expect((await lines.next()).value).toMatch(/^default\/web-host1:eth0\t10\.65\.1\.1\t\d+$/);
    const late = host1.hub.addInterface({
      name: 'default/late:eth0',
      scope: { kind: 'pod', pod: 'default/late' },
    });
    host1.hub.record(late, 'inbound', echoFrame('10.65.1.9', PODS.host1, 'echo-request', 64));
    expect((await lines.next()).value).toMatch(/^default\/late:eth0\t10\.65\.1\.9\t/);
    send(host1, PODS.host2);
    expect((await lines.next()).value).toMatch(/^default\/web-host1:eth0\t/);
    await exited;
    send(host1, PODS.host2);
    expect(await result).toMatchObject({ reason: 'reader-gone', failures: [] });
    expect(host1.hub.active).toBe(false);
  });
});

// A scrape over HTTP of speakers that have sessions with each other.
import { afterEach, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { type MetricsServer, serveMetrics } from '../../../agents/metrics/server.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { until } from '../../support/until.ts';

let speakers: BgpSpeaker[] = [];
let server: MetricsServer | undefined;

afterEach(async () => {
  await server?.close();
  await Promise.all(speakers.map((speaker) => speaker.stop()));
  speakers = [];
});

/** Two speakers of different ASes; the second refuses routes through AS 65009. */
async function pair(): Promise<void> {
  const addresses = ['127.131.1.1', '127.131.1.2'] as const;
  speakers = addresses.map((address, i) =>
    realSpeaker({ asn: 65001 + i, routerId: address, listen: [{ address, port: 21410 }] }),
  );
  const [one, two] = speakers as [BgpSpeaker, BgpSpeaker];
  one.setPeers([
    { name: 'to "two"', address: addresses[1], port: 21410, asn: 65002, localAddress: addresses[0] },
  ]);
  two.setPeers([{ name: 'to one', address: addresses[0], port: 21410, asn: 65001, passive: true }]);
  one.announce('192.0.2.0/24');
  one.announce('198.51.100.0/24', { asPath: [65002] });
  await Promise.all(speakers.map((speaker) => speaker.start()));
  await until('the routes', () => two.neighbors()[0]?.endOfRibReceived.length === 1);
  await until('the End-of-RIB', () => one.neighbors()[0]?.endOfRibReceived.length === 1);
}

async function scrape(path = '/metrics', init?: RequestInit): Promise<Response> {
  const { address, port } = server!.local;
  return fetch(`http://${address}:${port}${path}`, init);
}

/** Samples by their name and labels as they stand there. */
function samples(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );
}

test('tells sessions, messages, routes and the process', async () => {
  await pair();
  const labelled = (): { of: BgpSpeaker; labels: { node: string } }[] =>
    speakers.map((of, i) => ({ of, labels: { node: `n${i + 1}` } }));
  server = await serveMetrics({ address: '127.0.0.1', port: 0 }, labelled, '1.2.3');
  const response = await scrape();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const found = samples(await response.text());

  const two = 'node="n1",peer="to \\"two\\""';
  const one = 'node="n2",peer="to one"';
  const family = 'family="ipv4-unicast"';
  expect(Object.fromEntries(found)).toMatchObject({
    [`podwire_build_info{version="1.2.3",node_version="${process.versions.node}"}`]: '1',
    'podwire_bgp_sessions{node="n1",state="Established"}': '1',
    'podwire_bgp_sessions{node="n1",state="Idle"}': '0',
    [`podwire_bgp_peer_info{${two},address="127.131.1.2",asn="65002",group="",description="",dynamic="false"}`]:
      '1',
    [`podwire_bgp_peer_up{${two}}`]: '1',
    [`podwire_bgp_peer_established_total{${one}}`]: '1',
    [`podwire_bgp_messages_received_total{${one},type="open"}`]: '1',
    // Two routes with different attributes, and End-of-RIB.
    [`podwire_bgp_messages_received_total{${one},type="update"}`]: '3',
    [`podwire_bgp_messages_sent_total{${two},type="update"}`]: '3',
    [`podwire_bgp_message_faults_total{${one},outcome="treat_as_withdraw"}`]: '0',
    [`podwire_bgp_routes_received{${one},${family}}`]: '2',
    // The other one has the AS of the speaker in its path.
    [`podwire_bgp_routes_accepted{${one},${family}}`]: '1',
    [`podwire_bgp_routes_best{node="n2",${family}}`]: '1',
    [`podwire_bgp_paths{node="n2",${family}}`]: '2',
    [`podwire_bgp_routes_advertised{${two},${family}}`]: '2',
    [`podwire_bgp_routes_waiting{${two},${family}}`]: '0',
    [`podwire_bgp_send_queue_bytes{${two}}`]: '0',
    [`podwire_bgp_update_group_members{node="n1",${family},group="1"}`]: '1',
    [`podwire_bgp_update_group_routes{node="n1",${family},group="1"}`]: '2',
  });
  const number = (name: string): number => Number(found.get(name));
  expect(number(`podwire_bgp_decisions_total{node="n1",${family}}`)).toBeGreaterThan(0);
  expect(number('podwire_bgp_flush_duration_seconds_count{node="n1"}')).toBeGreaterThan(0);
  expect(number('podwire_bgp_flush_duration_seconds_bucket{node="n1",le="+Inf"}')).toBe(
    number('podwire_bgp_flush_duration_seconds_count{node="n1"}'),
  );
  expect(number('process_resident_memory_bytes')).toBeGreaterThan(1 << 20);
  expect(number('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(number('process_start_time_seconds')).toBeCloseTo(performance.timeOrigin / 1000, 0);
  expect(number('podwire_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
});

test('has nothing but /metrics, and takes nothing but GET', async () => {
  server = await serveMetrics({ address: '127.0.0.1', port: 0 }, () => [], '1.2.3');
  expect((await scrape('/')).status).toBe(404);
  const posted = await scrape('/metrics', { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const head = await scrape('/metrics', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('says in one line where it cannot listen', async () => {
  server = await serveMetrics({ address: '127.0.0.1', port: 0 }, () => [], '1.2.3');
  const { local } = server;
  await expect(serveMetrics(local, () => [], '1.2.3')).rejects.toThrow(
    `cannot serve metrics at 127.0.0.1:${local.port}: address already in use (EADDRINUSE)`,
  );
});

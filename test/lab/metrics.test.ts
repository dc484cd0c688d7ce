// `--metrics` of a lab and of a speaker by itself, scraped as Prometheus does.
import { afterEach, describe, expect, test } from 'vitest';
import { Workspace } from './support/workspace.ts';

const PORT = 21421;
const SPEAKER = `
asn: 65000
routerId: 192.0.2.1
networks: [198.51.100.0/24]
metrics: { port: ${PORT} }
`;

let workspace: Workspace | undefined;

afterEach(async () => {
  await workspace?.clean();
  workspace = undefined;
});

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
}

describe('metrics', () => {
  test('of all nodes of a local lab are on one port', async () => {
    workspace = new Workspace('metrics');
    await workspace.ok(['up', '-d', '--metrics', `127.0.0.1:${PORT}`]);
    const before = await scrape(PORT);
    const nodes = (text: string): string[] =>
      [...text.matchAll(/^podwire_bgp_speaker_info\{node="([^"]+)"/gm)].map(([, node]) => node!).sort();
    expect(nodes(before)).toEqual(['host1', 'host2', 'host3', 'rr1', 'rr2']);
    expect(before).toContain('podwire_bgp_sessions{node="rr1",state="Established"} 4\n');

    await workspace.ok(['kill', 'host2']);
    expect(nodes(await scrape(PORT))).toEqual(['host1', 'host3', 'rr1', 'rr2']);
    await workspace.ok(['down']);
    await expect(scrape(PORT)).rejects.toThrow('fetch failed');
  });

  test('of a speaker are where the file or the command line says', async () => {
    workspace = new Workspace('metrics-speaker');
    workspace.file('speaker.yaml', SPEAKER);
    const fromFile = workspace.start(['speaker', '--config', 'speaker.yaml']);
    await fromFile.shows(`metrics at http://127.0.0.1:${PORT}/metrics`);
    expect(await scrape(PORT)).toContain('podwire_bgp_routes_best{family="ipv4-unicast"} 1\n');

    expect(await workspace.podwire(['speaker', '--config', 'speaker.yaml'])).toMatchObject({
      code: 1,
      stderr: `podwire: cannot serve metrics at 127.0.0.1:${PORT}: address already in use (EADDRINUSE)\n`,
    });

    // The command line counts first: any free port.
    const other = workspace.start([
      ...['--format', 'json', 'speaker', '--config', 'speaker.yaml'],
      ...['--metrics', '127.0.0.1:0'],
    ]);
    await other.shows('"ready"');
    const { metrics } = JSON.parse(other.stdout()) as { readonly metrics: { readonly port: number } };
    expect(await scrape(metrics.port)).toContain(
      'podwire_bgp_speaker_info{asn="65000",router_id="192.0.2.1"} 1\n',
    );
    for (const { child, ended } of [fromFile, other]) {
      child.kill('SIGTERM');
      expect((await ended).code).toBe(0);
    }
    await expect(scrape(PORT)).rejects.toThrow('fetch failed');
  });

  test('take a host and a port', async () => {
    workspace = new Workspace('metrics-usage');
    const { code, stderr } = await workspace.podwire(['speaker', '--config', 'x.yaml', '--metrics', '9179']);
    expect(code).toBe(2);
    expect(stderr).toContain('Expected HOST:PORT');
  });
});

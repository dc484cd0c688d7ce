// podwire as `podwire speaker`, with a probe of its event loop loaded into it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../../../support/root.ts';
import { ServerProcess } from '../../server-process.ts';
import { ipv6Of, type Speaker, type SpeakerKind, type SpeakerSpec } from './speaker.ts';

const PODWIRE = join(root, 'bin', 'podwire.mjs');
const PROBE = fileURLToPath(new URL('../../stall-probe.mjs', import.meta.url));
const run = promisify(execFile);

/** @param options of Node in the speaker's process, such as --cpu-prof. */
export function podwire(options: readonly string[]): SpeakerKind {
  return {
    name: 'podwire',
    programs: [],
    async start(spec: SpeakerSpec, probed: boolean): Promise<Speaker> {
      const speaker = await ServerProcess.prepare();
      const socket = speaker.file('sock');
      // JSON is YAML.
      const config = JSON.stringify({ ...configuration(spec), api: { socket } });
      const file = await speaker.write('speaker.yaml', config);
      const probe = probed ? ['--import', PROBE] : [];
      const args = [...options, ...probe, PODWIRE, 'speaker', '--config', file];
      await speaker.run(execPath, args, spec, probed ? 'ipc' : 'pipe');
      return {
        pid: speaker.pid,
        startTime: speaker.startTime,
        stall: (resolution) =>
          new Promise<number>((resolve) => {
            speaker.child.once('message', (stall: number) => resolve(stall));
            speaker.child.send(resolution ?? 'stall');
          }),
        async summary() {
          const began = performance.now();
          await run(execPath, [PODWIRE, 'bgp', 'summary', '--socket', socket]);
          return performance.now() - began;
        },
        stop: () => speaker.stop(),
      };
    },
  };
}

function configuration({ address, port, asn, version, peers }: SpeakerSpec): object {
  return {
    asn,
    routerId: address,
    listen: [{ address, port }],
    log: { level: 'warn' },
    peers: peers.map((peer) => ({
      address: peer.address,
      asn: peer.asn,
      passive: true,
      routeReflectorClient: peer.client,
      families: [`ipv${version}-unicast`],
      localAddresses: { ipv6: ipv6Of(address) },
    })),
  };
}

// GoBGP without its API's clients.
import { findProgram, ServerProcess } from '../../server-process.ts';
import type { Speaker, SpeakerKind, SpeakerSpec } from './speaker.ts';

export const gobgp: SpeakerKind = {
  name: 'gobgp',
  programs: ['gobgpd'],
  async start(spec: SpeakerSpec): Promise<Speaker> {
    const speaker = await ServerProcess.prepare();
    const config = await speaker.write('gobgpd.conf', configuration(spec));
    const api = ['--api-hosts', `${spec.address}:${spec.port + 1}`, '--pprof-disable'];
    await speaker.run(findProgram('gobgpd')!, ['-f', config, ...api], spec);
    return { pid: speaker.pid, startTime: speaker.startTime, stop: () => speaker.stop() };
  },
};

function configuration({ address, port, asn, version, peers }: SpeakerSpec): string {
  const neighbors = peers.map(
    (peer) => `
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${peer.address}"
    peer-as = ${peer.asn}
  [neighbors.transport.config]
    local-address = "${address}"
    passive-mode = true
  [neighbors.timers.config]
    hold-time = 90
  ${
    peer.client
      ? `[neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "${address}"`
      : ''
  }
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv${version}-unicast"`,
  );
  return `
[global.config]
  as = ${asn}
  router-id = "${address}"
  port = ${port}
  local-address-list = ["${address}"]
${neighbors.join('')}
`;
}

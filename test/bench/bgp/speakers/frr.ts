// FRR's bgpd without zebra.
import { chmod } from 'node:fs/promises';
import { findProgram, ServerProcess } from '../../server-process.ts';
import { ipv6Of, type Speaker, type SpeakerKind, type SpeakerSpec } from './speaker.ts';

export const frr: SpeakerKind = {
  name: 'frr',
  programs: ['bgpd'],
  async start(spec: SpeakerSpec): Promise<Speaker> {
    const speaker = await ServerProcess.prepare();
    await chmod(speaker.folder, 0o777);
    const config = await speaker.write('bgpd.conf', configuration(spec));
    const files = ['-f', config, '--vty_socket', speaker.folder, '-i', speaker.file('bgpd.pid')];
    const place = ['-S', '-Z', '-P', '0', '-p', String(spec.port), '-l', spec.address];
    await speaker.run(findProgram('bgpd')!, [...files, ...place], spec);
    return { pid: speaker.pid, startTime: speaker.startTime, stop: () => speaker.stop() };
  },
};

function configuration({ address, asn, version, peers }: SpeakerSpec): string {
  const neighbors = peers.flatMap((peer) => [
    `neighbor ${peer.address} remote-as ${peer.asn}`,
    `neighbor ${peer.address} passive`,
    `neighbor ${peer.address} update-source ${address}`,
    `neighbor ${peer.address} disable-connected-check`,
    `neighbor ${peer.address} advertisement-interval 0`,
  ]);
  const activations = peers.flatMap((peer) => [
    `neighbor ${peer.address} activate`,
    ...(peer.client ? [`neighbor ${peer.address} route-reflector-client`] : []),
    ...(version === 6 && peer.asn !== asn ? [`neighbor ${peer.address} route-map HOP6 out`] : []),
  ]);
  return `
route-map HOP6 permit 10
 set ipv6 next-hop global ${ipv6Of(address)}
exit
router bgp ${asn}
 bgp router-id ${address}
 bgp allow-martian-nexthop
 coalesce-time 0
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 ${neighbors.join('\n ')}
 address-family ipv${version} unicast
  ${activations.join('\n  ')}
 exit-address-family
`;
}

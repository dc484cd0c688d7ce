// BIRD 2 without kernel routes.
import { findProgram, ServerProcess } from '../../server-process.ts';
import { ipv6Of, type Speaker, type SpeakerKind, type SpeakerSpec } from './speaker.ts';

export const bird: SpeakerKind = {
  name: 'bird',
  programs: ['bird'],
  async start(spec: SpeakerSpec): Promise<Speaker> {
    const speaker = await ServerProcess.prepare();
    const config = await speaker.write('bird.conf', configuration(spec));
    const files = ['-s', speaker.file('bird.ctl'), '-P', speaker.file('bird.pid')];
    await speaker.run(findProgram('bird')!, ['-f', '-c', config, ...files], spec);
    return { pid: speaker.pid, startTime: speaker.startTime, stop: () => speaker.stop() };
  },
};

function configuration({ address, port, asn, version, peers }: SpeakerSpec): string {
  const nextHop = version === 4 ? 'next hop self ebgp;' : `next hop address ${ipv6Of(address)};`;
  const protocols = peers.map(
    (peer, i) => `protocol bgp peer_${i} {
  local ${address} port ${port} as ${asn};
  neighbor ${peer.address} as ${peer.asn};
  strict bind yes;
  multihop;
  passive yes;
  ${peer.client ? 'rr client;' : ''}
  ipv${version} { import all; export all; ${peer.asn === asn ? '' : nextHop} };
}`,
  );
  return `router id ${address};\nprotocol device {}\n${protocols.join('\n')}\n`;
}

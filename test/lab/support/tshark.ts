import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { requireTool } from '../../support/tools.ts';

const run = promisify(execFile);

/**
 * Options that make tshark judge checksums. One packet appears on several interfaces: what tshark would make of a TCP
 * stream that it sees several times over is no fault of the packets. Segments are therefore looked at one by one, and of
 * a stream's HTTP not at all: one that happens to begin with the line end after a chunk counts as malformed.
 */
const STRICT: readonly string[] = [
  ...['ip', 'udp', 'tcp'].map((layer) => ['-o', `${layer}.check_checksum:TRUE`]),
  ['-o', 'tcp.desegment_tcp_streams:FALSE'],
  ['--disable-protocol', 'http'],
].flat();

/** What a failing test shows of a packet: enough to say which layer is at fault, when the capture is gone. */
const COMPLAINT = [
  ...['frame.number', 'frame.interface_name', 'frame.protocols', 'frame.len', '_ws.malformed'],
  ...['ip.checksum.status', 'udp.checksum', 'udp.checksum.status', 'icmp.checksum.status'],
  ...['tcp.checksum', 'tcp.checksum.status', 'tcp.len', '_ws.expert.message', '_ws.col.Info'],
];

/** The packets of a capture as tshark reads them: one object per packet with the fields asked for. */
export async function tshark<F extends string>(
  file: string,
  fields: readonly F[],
  options: readonly string[] = [],
): Promise<Readonly<Record<F, string>>[]> {
  const columns = fields.flatMap((name) => ['-e', name]);
  const args = ['-n', '-r', file, ...options, '-T', 'fields', '-E', 'separator=/t', ...columns];
  const { stdout } = await run(requireTool('tshark'), args, { maxBuffer: 1 << 28 });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('\t');
      return Object.fromEntries(fields.map((name, i) => [name, values[i] ?? ''])) as Record<F, string>;
    });
}

/** What tshark holds against packets: malformed ones, and wrong checksums in any layer. Empty when all is well. */
export async function complaints(file: string, filter: string = 'frame'): Promise<readonly object[]> {
  // Status 0 is wrong, 1 right, 2 unverified (RFC 7348 §5: zero outside), 3 illegal.
  const wrong = ['ip', 'udp', 'icmp'].map((layer) => `${layer}.checksum.status == 0`);
  // A sum of 0 is the same as 0xffff. Where Linux completes checksums (skb_checksum_help) it writes the latter in TCP too, where
  // Wireshark wants the former: one segment of 65,536.
  wrong.push('(tcp.checksum.status == 0 && tcp.checksum != 0xffff)');
  const bad = `(${filter}) && (_ws.malformed || ${wrong.join(' || ')})`;
  return tshark(file, COMPLAINT, [...STRICT, '-Y', bad]);
}

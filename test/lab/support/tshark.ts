import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { requireTool } from '../../support/tools.ts';

const run = promisify(execFile);

/**
 * Options that make tshark judge checksums. One packet appears on several interfaces: what tshark would make of a TCP
 * stream that it sees several times over is no fault of the packets.
 */
const STRICT: readonly string[] = [
  ...['ip', 'udp', 'tcp'].map((layer) => `${layer}.check_checksum:TRUE`),
  'tcp.desegment_tcp_streams:FALSE',
].flatMap((option) => ['-o', option]);

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
  return tshark(file, ['frame.number', 'frame.interface_name', '_ws.col.Info'], [...STRICT, '-Y', bad]);
}

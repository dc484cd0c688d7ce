import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { requireTool } from '../../support/tools.ts';

const run = promisify(execFile);

/** Options that make tshark judge checksums, and not mistake appearances of one packet for lost ones. */
export const CHECKSUMS: readonly string[] = [
  'ip.check_checksum',
  'udp.check_checksum',
  'tcp.check_checksum',
].flatMap((name) => ['-o', `${name}:TRUE`]);

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
  const wrong = ['ip', 'udp', 'tcp', 'icmp'].map((layer) => `${layer}.checksum.status == 0`);
  const bad = `(${filter}) && (_ws.malformed || ${wrong.join(' || ')})`;
  return tshark(file, ['frame.number', 'frame.interface_name', '_ws.col.Info'], [...CHECKSUMS, '-Y', bad]);
}

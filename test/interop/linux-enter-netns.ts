// A process of its own for linux-netns.test.ts: enters the namespace given as argument and says where it is.
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { enterNetns } from '../../agents/io/linux/netns.ts';

let refused = '';
try {
  enterNetns('/dev/null');
} catch (error) {
  refused = (error as Error).message;
}
enterNetns(process.argv[2]!);
const self = readlinkSync('/proc/thread-self/ns/net');
const child = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim();
process.stdout.write(JSON.stringify({ self, child, refused }));

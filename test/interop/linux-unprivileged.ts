// A process of its own for linux-netns.test.ts: gives up root and says what it may not do.
import { openEchoSocket } from '../../agents/io/linux/echo-socket.ts';
import { libc } from '../../agents/io/linux/libc.ts';
import { canUseLinuxPods } from '../../agents/io/linux/privileges.ts';

const NOBODY = 65534;
// Loaded before, as nobody may be unable to read where the modules are.
libc();
process.setgroups!([]);
process.setgid!(NOBODY);
process.setuid!(NOBODY);
let echo = '';
try {
  openEchoSocket().close();
} catch (error) {
  echo = (error as Error).message;
}
process.stdout.write(JSON.stringify({ pods: canUseLinuxPods(), echo }));

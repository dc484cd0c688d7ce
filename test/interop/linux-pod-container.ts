// The other process of linux-scm-rights.test.ts. `pod`: a container with its network namespace and TAP, which hands
// the wire to the node agent and runs ping when told to. `serve`: a server of descriptors, to be killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openEchoSocketFd } from '../../agents/io/linux/echo-socket.ts';
import { libc } from '../../agents/io/linux/libc.ts';
import { configurePod, disableIpv6 } from '../../agents/io/linux/linux-pod.ts';
import { withNetlink } from '../../agents/io/linux/netlink.ts';
import { createNetns, enterNetns } from '../../agents/io/linux/netns.ts';
import { sendFds, serveFds } from '../../agents/io/linux/scm-rights.ts';
import { openTapFd } from '../../agents/io/linux/tap.ts';

async function pod(path: string): Promise<void> {
  const netns = createNetns();
  enterNetns(netns.path);
  netns.close();
  disableIpv6();
  const fds = [openTapFd('eth0'), openEchoSocketFd()];
  withNetlink(undefined, (netlink) =>
    configurePod(netlink, {
      address: '192.168.10.7',
      mac: '02:00:00:00:00:07',
      mtu: 1450,
      gateway: '169.254.1.1',
    }),
  );
  await sendFds(path, { pod: 'default/web', interface: 'eth0' }, fds);
  // From here on the agent alone holds them.
  for (const fd of fds) libc().close(fd);
  await once(process.stdin, 'data');
  const ping = spawn('ping', ['-c', '2', '-i', '0.05', '-W', '5', '10.1.2.3'], { stdio: 'inherit' });
  [process.exitCode] = await once(ping, 'close');
}

const [role, path] = process.argv.slice(2);
if (role === 'pod') await pod(path!);
else {
  serveFds(path!, () => undefined);
  console.log('serving');
}

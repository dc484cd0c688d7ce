// A process of its own for linux-pod.test.ts: holds three pods, says in which namespaces, and waits to be killed.
import { readlinkSync } from 'node:fs';
import { createLinuxPod } from '../../agents/io/linux/linux-pod.ts';

const pods = ['a', 'b', 'c'].map((name, i) =>
  createLinuxPod({
    name,
    hostname: name,
    address: `192.168.10.${i}`,
    mtu: 1450,
    gateway: '169.254.1.1',
  }),
);
for (const { device } of pods) device.onFrame(() => undefined);
process.stdout.write(JSON.stringify({ namespaces: pods.map(({ netnsPath }) => readlinkSync(netnsPath)) }));

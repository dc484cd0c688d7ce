import { EmulatedPod } from '../../../agents/pod/emulated.ts';
import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { SimClock } from '../../support/sim-net.ts';

/** Milliseconds that a frame takes between pod and host. */
const DELAY = 1;

/** A host with two emulated pods, 10.65.0.1 and 10.65.0.2, in virtual time. */
export class Host {
  readonly clock: SimClock = new SimClock();
  readonly forwarder: Forwarder;
  readonly a: EmulatedPod;
  readonly b: EmulatedPod;
  /** Whether frames from the host reach the pods. */
  up = true;

  constructor(mtu = 1450) {
    const network = { mtu, gateway: '169.254.1.1' };
    this.a = new EmulatedPod({ ...network, address: '10.65.0.1', mac: '02:00:00:00:00:01' }, this.clock);
    this.b = new EmulatedPod({ ...network, address: '10.65.0.2', mac: '02:00:00:00:00:02' }, this.clock);
    const pods = [this.a, this.b];
    this.forwarder = new Forwarder({
      host: 'host1',
      icmpSource: parseIpv4('10.65.0.0'),
      sink: {
        toWorkload: (port, frame) => {
          const copy = frame.slice();
          this.clock.setTimer(DELAY, () => {
            if (this.up) pods[port - 1]!.device.write(copy);
          });
        },
        toVtep: () => undefined,
        toUnderlay: () => undefined,
      },
    });
    pods.forEach((pod, i) => {
      const address = parseIpv4(`10.65.0.${i + 1}`);
      const name = `cali${i}`;
      const common = { kind: 'workload', name, workload: `default/${i}`, mtu } as const;
      const port = this.forwarder.addPort({
        ...common,
        podMac: parseMac(pod.device.mac),
        addresses: [address],
      });
      const origin = { source: 'ipam', detail: 'pod' };
      this.forwarder.setRoute(address, 32, { kind: 'workload', port, origin });
      pod.device.onFrame((frame) => {
        const copy = frame.slice();
        this.clock.setTimer(DELAY, () => this.forwarder.fromWorkload(port, copy));
      });
    });
  }

  /** Runs a command in pod `a` until it ends, in virtual time. */
  async run(
    command: string,
    options: { readonly input?: Uint8Array; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const written = { stdout: '', stderr: '' };
    const output = (stream: 'stdout' | 'stderr', bytes: Uint8Array): void => {
      written[stream] += new TextDecoder().decode(bytes);
    };
    const { input, signal = new AbortController().signal } = options;
    const words = command === '' ? [] : command.split(' ');
    const code = await this.clock.outcome(this.a.exec(words, output, signal, input));
    return { code, ...written };
  }
}

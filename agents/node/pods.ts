import { toHex } from '../../protocol/bytes/hex.ts';
import { resourceKey } from '../../protocol/calico/keys.ts';
import { hostInterfaceName, podHandleId, workloadEndpointName } from '../../protocol/calico/names.ts';
import type { WorkloadEndpoint } from '../../protocol/calico/resources/workload-endpoint.ts';
import { formatMac, readMac } from '../../protocol/ethernet/mac.ts';
import { sha256 } from '../../protocol/hash/sha256.ts';
import type { Ipam } from '../calico/ipam.ts';
import { resourceCodec } from '../calico/resource-codec.ts';
import { TypedKv } from '../calico/typed-kv.ts';
import type { CaptureHub } from '../capture/hub.ts';
import { tapDevice } from '../capture/tap-device.ts';
import { type Pod, type PodFactory, type PodNetwork, type PodSpec, podName } from '../pod/types.ts';
import type { Log } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { keyBytes } from '../store/keys.ts';
import { type DataPlane, type PodPort, VXLAN_OVERHEAD } from './data-plane.ts';

/** The gateway of every pod, answered by the host's proxy ARP (Calico `cni-plugin/pkg/dataplane/linux`). */
const GATEWAY = '169.254.1.1';
/** Name of the CNI network in IPAM handles. */
const NETWORK = 'k8s-pod-network';

export interface PodsOptions {
  readonly lab: string;
  readonly node: string;
  /** Underlay MTU. */
  readonly mtu: number;
  readonly ipam: Ipam;
  readonly kv: KvClient;
  readonly dataPlane: DataPlane;
  readonly hub: CaptureHub;
  readonly log: Log;
}

/** A pod that runs on this node. */
export interface RunningPod {
  readonly spec: PodSpec;
  readonly network: PodNetwork;
  readonly pod: Pod;
  /** Interface on the host side. */
  readonly interfaceName: string;
}

interface Entry extends RunningPod {
  readonly port: PodPort;
  readonly captureId: number;
}

/** The pods of a node: what the kubelet's CNI calls do in Calico (address, interface, WorkloadEndpoint, route). */
export class Pods {
  readonly #options: PodsOptions;
  readonly #endpoints: TypedKv<WorkloadEndpoint>;
  readonly #running = new Map<string, Entry>();
  #closed = false;

  constructor(options: PodsOptions) {
    this.#options = options;
    this.#endpoints = new TypedKv(options.kv, resourceCodec('WorkloadEndpoint'));
  }

  get running(): readonly RunningPod[] {
    return [...this.#running.values()];
  }

  /** The pod of that name. @throws Error naming those that run. */
  get(name: string): RunningPod {
    const found = this.#running.get(name);
    if (found !== undefined) return found;
    const known = [...this.#running.keys()].join(', ');
    throw new Error(`node ${this.#options.node} runs no pod ${name}; it runs: ${known || 'none'}`);
  }

  /** Decides a pod's address and MAC: the address that its handle has already, or a new one. */
  async network(spec: PodSpec): Promise<PodNetwork> {
    const { lab, mtu } = this.#options;
    const address = await this.#address(spec);
    const digest = sha256(`${lab} ${podName(spec)}`);
    // 02: locally administered, unicast.
    const mac = formatMac(readMac(Uint8Array.of(0x02, ...digest.subarray(0, 5)), 0));
    return { address, mac, mtu: mtu - VXLAN_OVERHEAD, gateway: GATEWAY };
  }

  /** Makes a pod and joins it to the forwarder. Rejects with nothing left running. */
  async start(spec: PodSpec, factory: PodFactory): Promise<void> {
    const network = await this.network(spec);
    this.#checkOpen();
    await this.adopt(spec, network, await factory.create(spec, network));
  }

  /**
   * Joins a pod to the forwarder; one of the same name that was there before is let go. The pod is this node's from
   * now on: it is closed where this rejects.
   */
  async adopt(spec: PodSpec, network: PodNetwork, pod: Pod): Promise<void> {
    const { interfaceName } = this.#join(spec, network, pod);
    try {
      await this.#writeEndpoint(spec, network, interfaceName);
    } catch (error) {
      this.release(spec, pod);
      throw error;
    }
    const { address } = network;
    const fields = { pod: podName(spec), address, interface: interfaceName, kind: pod.kind };
    this.#options.log.info(fields, 'pod up');
  }

  /** @throws Error where the node is closed or the forwarder takes no such port; the pod is closed then. */
  #join(spec: PodSpec, network: PodNetwork, pod: Pod): Entry {
    const { dataPlane, hub, node } = this.#options;
    const name = podName(spec);
    const interfaceName = hostInterfaceName(spec.namespace, spec.name);
    let captureId: number | undefined;
    try {
      this.#checkOpen();
      this.remove(name);
      captureId = hub.addInterface({
        name: `${name}:eth0`,
        description: `pod ${name} on ${node} (${interfaceName})`,
        scope: { kind: 'pod', pod: name },
        mac: network.mac,
        addresses: [`${network.address}/32`],
        hostName: name,
      });
      const device = tapDevice(pod.device, hub, captureId);
      const { address, mac, mtu } = network;
      const port = dataPlane.addPod(device, { name: interfaceName, workload: name, address, mac, mtu });
      const entry = { spec, network, pod, interfaceName, port, captureId };
      this.#running.set(name, entry);
      return entry;
    } catch (error) {
      if (captureId !== undefined) hub.removeInterface(captureId);
      pod.close();
      throw error;
    }
  }

  /** Ends a pod; its address stays its own, so that it finds it again. */
  remove(name: string): void {
    const entry = this.#running.get(name);
    if (entry === undefined) return;
    this.#running.delete(name);
    this.#options.dataPlane.removePod(entry.port);
    this.#options.hub.removeInterface(entry.captureId);
    entry.pod.close();
  }

  /** Ends a pod unless another one of its name has taken its place; whether it did. */
  release(spec: PodSpec, pod: Pod): boolean {
    const name = podName(spec);
    if (this.#running.get(name)?.pod !== pod) return false;
    this.remove(name);
    return true;
  }

  /** Ends all pods; none can be started afterwards. */
  close(): void {
    this.#closed = true;
    for (const name of [...this.#running.keys()]) {
      try {
        this.remove(name);
      } catch (error) {
        this.#options.log.error({ pod: name, error: (error as Error).message }, 'pod did not close');
      }
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error(`node ${this.#options.node} runs no pods any more`);
  }

  async #address(spec: PodSpec): Promise<string> {
    const { ipam, node } = this.#options;
    const handleId = this.#handle(spec);
    const attributes = { namespace: spec.namespace, pod: spec.name };
    if (spec.address === undefined) {
      const pools = spec.pool === undefined ? {} : { pools: [spec.pool] };
      const [address] = await ipam.reuseOrAssign({ node, handleId, attributes, ...pools });
      return address!;
    }
    const { address: wanted } = spec;
    const held = await ipam.ipsByHandle(handleId);
    if (!held.includes(wanted)) await ipam.assignIp({ node, address: wanted, handleId, attributes });
    // What it had before the lab file gave it this one.
    const others = held.filter((address) => address !== wanted);
    if (others.length > 0) await ipam.releaseIps(others.map((address) => ({ address, handleId })));
    return wanted;
  }

  /** What a container runtime would have given as the container's id, the same after each restart. */
  #containerId(spec: PodSpec): string {
    return toHex(sha256(`${this.#options.lab}/${podName(spec)}`));
  }

  #handle(spec: PodSpec): string {
    return podHandleId(NETWORK, this.#containerId(spec));
  }

  async #writeEndpoint(spec: PodSpec, network: PodNetwork, interfaceName: string): Promise<void> {
    const { node, kv } = this.#options;
    const name = workloadEndpointName({ node, pod: spec.name, endpoint: 'eth0' });
    const endpoint: WorkloadEndpoint = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'WorkloadEndpoint',
      metadata: {
        name,
        namespace: spec.namespace,
        labels: {
          ...spec.labels,
          'projectcalico.org/namespace': spec.namespace,
          'projectcalico.org/orchestrator': 'k8s',
        },
      },
      spec: {
        orchestrator: 'k8s',
        node,
        containerID: this.#containerId(spec),
        pod: spec.name,
        endpoint: 'eth0',
        ipNetworks: [`${network.address}/32`],
        profiles: [`kns.${spec.namespace}`],
        interfaceName,
        mac: network.mac,
      },
    };
    const key = keyBytes(resourceKey('WorkloadEndpoint', name, spec.namespace));
    // Only this node writes the endpoints of its pods: an unconditional put is Calico's Apply.
    await kv.put({ key, value: this.#endpoints.encode(endpoint) });
  }
}

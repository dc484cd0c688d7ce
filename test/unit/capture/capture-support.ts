import type { CaptureInterface } from '../../../agents/capture/interface.ts';
import type { EnhancedPacket } from '../../../protocol/pcapng/enhanced-packet.ts';
import { type Block, PcapngReader } from '../../../protocol/pcapng/reader.ts';

export const UNDERLAY: CaptureInterface = {
  name: 'host1:eth0',
  scope: { kind: 'underlay' },
  mac: '02:00:0a:00:00:01',
  addresses: ['10.0.0.1/24', '2001:db8::1/64'],
  hostName: 'host1',
};
export const POD: CaptureInterface = { name: 'default/a:eth0', scope: { kind: 'pod', pod: 'default/a' } };
export const LINK: CaptureInterface = { name: 'lan', scope: { kind: 'link', link: 'lan' } };

/** Collects a stream's blocks; checks on the way that it is well-formed. */
export class Collector {
  readonly #reader = new PcapngReader();
  readonly blocks: Block[] = [];
  /** Set to make the reader busy: what the sink returns. */
  busy: Promise<void> | undefined;

  readonly sink = (bytes: Uint8Array): void | Promise<void> => {
    this.blocks.push(...this.#reader.push(bytes));
    return this.busy;
  };

  get kinds(): string[] {
    return this.blocks.map(({ kind }) => kind);
  }

  get packets(): EnhancedPacket[] {
    return this.blocks.filter((block): block is EnhancedPacket => block.kind === 'enhanced-packet');
  }

  /** `interface name: first byte` of each packet. */
  get seen(): string[] {
    const names = this.blocks.flatMap((block) =>
      block.kind === 'interface-description' ? [block.name] : [],
    );
    return this.packets.map((packet) => `${names[packet.interfaceId]}: ${packet.data[0]}`);
  }
}

/** A frame that begins with `mark` and is no IPv4. */
export function frame(mark: number, length = 60): Uint8Array {
  return Uint8Array.of(mark, ...new Array<number>(length - 1).fill(0));
}

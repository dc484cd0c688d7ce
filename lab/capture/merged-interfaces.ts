import {
  encodeInterfaceDescription,
  type InterfaceDescription,
  NANOSECONDS,
} from '../../protocol/pcapng/interface-description.ts';
import {
  encodeInterfaceStatistics,
  type InterfaceStatistics,
} from '../../protocol/pcapng/interface-statistics.ts';

/** One source's share of a merged interface. */
export interface SourceInterface {
  readonly mergedId: number;
  readonly description: InterfaceDescription;
  /** Packets that came, and that the source said it lost between them. */
  packets: bigint;
  lost: bigint;
  /** The source's own statistics, where it sent them before it ended. */
  statistics: InterfaceStatistics | undefined;
}

interface MergedInterface {
  delivered: bigint;
  readonly shares: SourceInterface[];
}

/**
 * Interfaces of the merged capture, numbered in the order in which they appear. Equal descriptions are one interface:
 * the agents of a lab all describe its links alike.
 */
export class MergedInterfaces {
  readonly #ids = new Map<string, number>();
  readonly #interfaces: MergedInterface[] = [];
  readonly #startTime: bigint;

  constructor(startTime: bigint) {
    this.#startTime = startTime;
  }

  /** @returns the share of the source, and the block to write where the interface is new. */
  add(description: InterfaceDescription): {
    readonly share: SourceInterface;
    readonly block: Uint8Array | undefined;
  } {
    // Times are converted to nanoseconds since the epoch.
    const { timestampOffset: _, ...rest } = description;
    const block = encodeInterfaceDescription({ ...rest, timestampResolution: NANOSECONDS });
    const key = Buffer.from(block).toString('latin1');
    const known = this.#ids.get(key);
    const mergedId = known ?? this.#interfaces.length;
    if (known === undefined) {
      this.#ids.set(key, mergedId);
      this.#interfaces.push({ delivered: 0n, shares: [] });
    }
    const share: SourceInterface = { mergedId, description, packets: 0n, lost: 0n, statistics: undefined };
    this.#interfaces[mergedId]!.shares.push(share);
    return { share, block: known === undefined ? block : undefined };
  }

  delivered(mergedId: number): void {
    this.#interfaces[mergedId]!.delivered++;
  }

  /** Packets that are missing for lack of room, over all interfaces. */
  lost(): bigint {
    return this.#interfaces.flatMap(({ shares }) => shares).reduce((sum, share) => sum + lost(share), 0n);
  }

  /** The statistics blocks that end the capture. */
  statistics(now: bigint): Uint8Array[] {
    return this.#interfaces.map(({ delivered, shares }, interfaceId) =>
      encodeInterfaceStatistics({
        interfaceId,
        timestamp: now,
        startTime: this.#startTime,
        endTime: now,
        received: shares.reduce((sum, share) => sum + received(share), 0n),
        dropped: shares.reduce((sum, share) => sum + lost(share), 0n),
        delivered,
      }),
    );
  }
}

function received(share: SourceInterface): bigint {
  return share.statistics?.received ?? share.packets + share.lost;
}

function lost(share: SourceInterface): bigint {
  return share.statistics?.dropped ?? share.lost;
}

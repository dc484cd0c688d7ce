// A podwire speaker behind the one under test: what it is told, and what it ever was.
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { FamilyName, PathView, PeerConfig } from '../../../agents/bgp/types.ts';
import { realSpeaker } from '../../support/bgp.ts';

/** Name of its only peer. */
export const WATCHED = 'watched';

export interface WitnessSpec {
  readonly address: string;
  readonly asn: number;
  readonly port: number;
  readonly families: readonly FamilyName[];
  /** The speaker that it watches. */
  readonly peer: { readonly address: string; readonly asn: number };
  readonly settings?: Partial<PeerConfig>;
}

/** A passive peer of the speaker under test that keeps the prefixes it lost. */
export class Witness {
  readonly speaker: BgpSpeaker;
  readonly #lost = new Set<string>();

  private constructor({ address, asn, port, families, peer, settings }: WitnessSpec) {
    this.speaker = realSpeaker({ asn, routerId: address, listen: [{ address, port }] });
    this.speaker.setPeers([
      {
        name: WATCHED,
        ...peer,
        port,
        localAddress: address,
        passive: true,
        families,
        ...settings,
      },
    ]);
    this.speaker.onBestChange((changes) => {
      for (const { prefix, best } of changes) if (best === undefined) this.#lost.add(prefix);
    });
  }

  static async start(spec: WitnessSpec): Promise<Witness> {
    const witness = new Witness(spec);
    await witness.speaker.start();
    return witness;
  }

  /** What the speaker under test says now. */
  paths(): readonly PathView[] {
    return this.speaker.adjRibIn(WATCHED);
  }

  /** Prefixes that it was told of, sorted. */
  prefixes(): readonly string[] {
    return [...new Set(this.paths().map(({ prefix }) => prefix))].sort();
  }

  /** Prefixes that were withdrawn since the last call, sorted. */
  takeLost(): readonly string[] {
    const lost = [...this.#lost].sort();
    this.#lost.clear();
    return lost;
  }
}

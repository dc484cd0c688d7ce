import { newBlock, nextSequence, release, takeFree } from '../../protocol/calico/ipam/block.ts';
import { BLOCK, type Block, IPAM_HANDLE } from '../../protocol/calico/ipam/values.ts';
import { blockKey, handleKey } from '../../protocol/calico/keys.ts';
import { CalicoClient } from './calico-client.ts';
import { text } from './history.ts';
import type { Dice } from './random.ts';
import type { RealEtcd } from './real-etcd.ts';

/** Times that an allocator may lose a compare-and-swap in a row. Calico has 100 (datastoreRetries); here more ask, without a pause. */
const RETRIES = 1000;

/** What the allocators have between them, to compare with the store in the end. */
export class Ownership {
  /** Who holds an address: from the answer to its allocation until the release is asked for. */
  readonly owners: Map<string, string> = new Map();
  /** What must not have happened. */
  readonly wrong: string[] = [];
  /** Writes that the store said it did: each must have a revision of its own. */
  writes = 0;
  /** Writes of blocks that were refused, as somebody else had been quicker. */
  conflicts = 0;

  took(address: string, who: string): void {
    const other = this.owners.get(address);
    if (other !== undefined) this.wrong.push(`${address} was given to ${who} while ${other} has it`);
    this.owners.set(address, who);
  }
}

/** Makes the blocks that the allocators share. */
export async function makeBlocks(
  calico: CalicoClient,
  cidrs: readonly string[],
  claimTime: string,
): Promise<void> {
  for (const cidr of cidrs) {
    const block = newBlock({ cidr, affinity: 'host:host1', sequenceNumber: 1n, claimTime });
    const { done } = await calico.create(blockKey(cidr), BLOCK.format(block));
    if (!done) throw new Error(`block ${cidr} is there already`);
  }
}

/**
 * One that takes addresses and gives them back as Calico's IPAM does (Calico `libcalico-go/lib/ipam/ipam.go`): a handle for each,
 * and blocks written by compare-and-swap at their revision, from what was read, or from what the refusal told.
 */
export class Allocator {
  readonly #name: string;
  readonly #dice: Dice;
  readonly #calico: CalicoClient;
  readonly #cidrs: readonly string[];
  readonly #all: Ownership;
  readonly #held: { readonly cidr: string; readonly address: string; readonly handle: string }[] = [];
  #handles = 0;

  constructor(name: string, dice: Dice, etcd: RealEtcd, cidrs: readonly string[], all: Ownership) {
    this.#name = name;
    this.#dice = dice;
    this.#calico = new CalicoClient(etcd);
    this.#cidrs = cidrs;
    this.#all = all;
  }

  /** Takes an address and mostly gives one back, again and again; some it keeps. */
  async run(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.#allocate();
      if (!this.#dice.once(4)) await this.#release();
    }
  }

  async #allocate(): Promise<void> {
    const cidr = this.#dice.pick(...this.#cidrs);
    const handle = `${this.#name}-${this.#handles++}`;
    const counts = IPAM_HANDLE.format({ block: { [cidr]: 1 }, deleted: false });
    if (!(await this.#calico.create(handleKey(handle), counts)).done) throw new Error(`${handle} is there`);
    this.#all.writes++;
    const attributes = { node: this.#name, pod: handle };
    const address = await this.#swap(cidr, (block) => {
      const taken = takeFree(block, 1, { handleId: handle, attributes });
      const [first] = taken.addresses;
      if (first === undefined) throw new Error(`block ${cidr} is full: the test wants larger ones`);
      return { block: taken.block, result: first };
    });
    this.#all.took(address, this.#name);
    this.#held.push({ cidr, address, handle });
  }

  async #release(): Promise<void> {
    const [held] = this.#held.splice(this.#dice.below(this.#held.length), 1);
    const { cidr, address, handle } = held!;
    this.#all.owners.delete(address);
    await this.#swap(cidr, (block) => {
      const released = release(block, [{ address, handleId: handle }]);
      if (released.wereFree.length > 0) this.#all.wrong.push(`${address} of ${this.#name} was free already`);
      return { block: released.block, result: undefined };
    });
    const kv = (await this.#calico.get(handleKey(handle)))!;
    if (!(await this.#calico.remove(handleKey(handle), kv.modRevision)).done) {
      this.#all.wrong.push(`handle ${handle} was changed by somebody else`);
    }
    this.#all.writes++;
  }

  async #swap<T>(
    cidr: string,
    change: (block: Block) => { readonly block: Block; readonly result: T },
  ): Promise<T> {
    const key = blockKey(cidr);
    let kv = await this.#calico.get(key);
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const { block, result } = change(BLOCK.parse(text(kv!.value)));
      const written = await this.#calico.update(key, BLOCK.format(nextSequence(block)), kv!.modRevision);
      if (written.done) {
        this.#all.writes++;
        return result;
      }
      this.#all.conflicts++;
      kv = written.current;
    }
    throw new Error(`${this.#name} lost ${RETRIES} times in a row at ${cidr}`);
  }
}

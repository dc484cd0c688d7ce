import type { FuzzRandom } from './random.ts';

/** One part of the code that is given mutated input. */
export interface FuzzTarget<C extends object = object> {
  readonly name: string;
  /** How many of all cases are its own, compared with the others. */
  readonly weight: number;
  /** The input of a case, and whatever else belongs to it. The same numbers make the same case. */
  make(random: FuzzRandom): { readonly bytes: Uint8Array } & C;
  /**
   * Everything that has to hold; may be asked again with shorter octets.
   * @throws Error saying what does not.
   */
  check(bytes: Uint8Array, made: C): void;
}

// Changes to octets that know nothing of what they mean.
import type { FuzzRandom } from './random.ts';

/** Octets at which code decides something: ends of ranges, lengths, flags, type codes. */
const INTERESTING = [
  0, 1, 2, 3, 4, 5, 14, 15, 16, 19, 23, 24, 32, 33, 64, 127, 128, 129, 192, 224, 240, 254, 255,
];
const INTERESTING_16 = [0, 1, 18, 19, 20, 22, 23, 28, 29, 255, 256, 4095, 4096, 4097, 32767, 65534, 65535];

type Mutation = (bytes: Uint8Array, random: FuzzRandom, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setOctet,
  setOctet,
  randomOctet,
  setLength,
  addToOctet,
  truncate,
  cutOut,
  insert,
  repeat,
  swap,
  splice,
];

/** One to four changes, few more often. `others` is what parts are taken from. */
export function mutateBytes(
  bytes: Uint8Array,
  random: FuzzRandom,
  others: readonly Uint8Array[],
): Uint8Array {
  let result = bytes;
  for (let left = 1 + random.below(1 + random.below(4)); left > 0; left--) {
    result = random.pick(MUTATIONS)(result, random, others);
  }
  return result;
}

function edited(bytes: Uint8Array, edit: (copy: Uint8Array) => void): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  edit(copy);
  return copy;
}

function flipBit(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    copy[random.below(copy.length)]! ^= 1 << random.below(8);
  });
}

function setOctet(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    copy[random.below(copy.length)] = random.pick(INTERESTING);
  });
}

function randomOctet(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    copy[random.below(copy.length)] = random.uint32();
  });
}

function addToOctet(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    copy[random.below(copy.length)]! += random.pick([1, -1, 2, -2, 4, -4]);
  });
}

/** Two octets become a length, or the length of what is left, more or less. */
function setLength(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    const at = random.below(copy.length);
    const left = copy.length - at - 2;
    const value = random.oneIn(2) ? left + random.below(5) - 2 : random.pick(INTERESTING_16);
    copy[at] = value >>> 8;
    if (at + 1 < copy.length) copy[at + 1] = value;
  });
}

function truncate(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function cutOut(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8)));
}

function insert(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at));
}

/** A piece stands there twice, or many times. */
function repeat(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  const piece = bytes.subarray(at, at + 1 + random.below(24));
  const times = random.oneIn(8) ? random.below(60) : 1;
  return joined(bytes.subarray(0, at), ...new Array<Uint8Array>(times).fill(piece), bytes.subarray(at));
}

function swap(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return edited(bytes, (copy) => {
    const [a, b] = [random.below(copy.length), random.below(copy.length)];
    [copy[a], copy[b]] = [copy[b]!, copy[a]!];
  });
}

/** The beginning of this with the end of another. */
function splice(bytes: Uint8Array, random: FuzzRandom, others: readonly Uint8Array[]): Uint8Array {
  if (others.length === 0) return bytes;
  const other = random.pick(others);
  return joined(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  );
}

/** Pieces one after another. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Damaged objects: one seed, one sequence of them, so that a failure can be repeated from its number. */

export type Random = () => number;

/** Numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EDGES = [
  0, 1, 2, 3, 7, 8, 0x7f, 0xff, 0xffff, 0x10000, 0x00ffffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
];

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;
const below = (limit: number, random: Random) => Math.floor(random() * limit);

/** Mostly where headers are: the file's own, and the table of sections at its end. */
function place(length: number, random: Random): number {
  const where = random();
  if (where < 0.2) return below(Math.min(64, length), random);
  if (where < 0.5) return Math.max(0, length - 1 - below(Math.min(64 * 24, length), random));
  return below(length, random);
}

const flipBit: Mutation = (bytes, random) => {
  const at = place(bytes.length, random);
  bytes[at]! ^= 1 << below(8, random);
  return bytes;
};

const setWord: Mutation = (bytes, random) => {
  const at = place(bytes.length, random) & ~3;
  const value = random() < 0.7 ? pick(EDGES, random) : below(bytes.length + 64, random);
  if (at + 4 <= bytes.length) new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
  return bytes;
};

const copyPart: Mutation = (bytes, random) => {
  const size = 1 << below(8, random);
  const from = place(bytes.length, random) & ~3;
  const to = place(bytes.length, random) & ~3;
  bytes.copyWithin(to, from, Math.min(from + size, bytes.length - Math.max(0, to - from)));
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, below(bytes.length + 1, random));

const MUTATIONS: readonly Mutation[] = [flipBit, flipBit, setWord, setWord, setWord, copyPart, truncate];

/** A damaged copy. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let copy: Uint8Array = Uint8Array.from(bytes);
  for (let count = 1 + below(4, random); count > 0 && copy.length > 0; count--)
    copy = pick(MUTATIONS, random)(copy, random);
  return copy;
}

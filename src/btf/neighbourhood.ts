/** Hashes of what is around types: of those that refer to each other in circles, most differ in what is near. */
import { HashKey } from '../core/hash-key.ts';
import type { Classes } from './classes.ts';
import type { TypeGraph } from './words.ts';

/** What a look one reference further must bring: so many times the different hashes there were. */
const WORTHWHILE = 1.2;
/** References that are followed at most; those of kernels need 5. */
const MAX_DEPTH = 12;

/**
 * For each of the types `among` a hash of its class at the start and of those of the types that it refers to, to as many references deep
 * as that tells more of them apart. Types that cannot be told from each other have the same hash, but others may have it as well.
 * @param classes  those that are known for good, of the other types
 */
export function hashNeighbourhoods(
  { starts, refs }: TypeGraph,
  start: Classes,
  classes: Classes,
  among: Uint32Array,
): Int32Array {
  const { factor } = new HashKey();
  let hashes = new Int32Array(classes.length);
  for (let id = 0; id < hashes.length; id++) hashes[id] = Math.imul(classes[id]! + 1, factor);
  for (let i = 0; i < among.length; i++) hashes[among[i]!] = Math.imul(start[among[i]!]! + 1, factor);
  let further = hashes.slice();
  const counter = new DistinctCounter(among.length);
  let found = 1;
  for (let depth = 0, known = 0; depth < MAX_DEPTH && found > known * WORTHWHILE && found < among.length; depth++) {
    known = found;
    for (let i = 0; i < among.length; i++) {
      const id = among[i]!;
      let hash = hashes[id]!;
      for (let at = starts[id]!, end = starts[id + 1]!; at < end; at++) {
        hash = (Math.imul(hash, factor) + hashes[refs[at]!]!) | 0;
      }
      hash = Math.imul(hash ^ (hash >>> 15), factor);
      further[id] = hash ^ (hash >>> 16);
    }
    [hashes, further] = [further, hashes];
    found = counter.count(hashes, among);
  }
  return hashes;
}

/** Tells about how many hashes are different, by one bit for each. */
class DistinctCounter {
  readonly #bits: Int32Array;

  constructor(size: number) {
    let words = 64;
    while (words * 8 < size) words *= 2;
    this.#bits = new Int32Array(words);
  }

  count(hashes: Int32Array, among: Uint32Array): number {
    const bits = this.#bits.fill(0);
    const mask = bits.length - 1;
    let found = 0;
    for (let i = 0; i < among.length; i++) {
      const hash = hashes[among[i]!]!;
      const word = (hash >>> 5) & mask;
      const bit = 1 << (hash & 31);
      if ((bits[word]! & bit) !== 0) continue;
      bits[word]! |= bit;
      found++;
    }
    return found;
  }
}

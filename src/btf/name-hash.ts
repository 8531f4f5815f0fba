/**
 * The hash of a name, four of its bytes at a time, where it lies. It is keyed: nobody can make a file whose names all have the same, nor does
 * anything but speed depend on it.
 */
import { randomWord } from '../core/hash-key.ts';

/** Bytes of a name that go into its hash: names that share megabytes must not cost megabytes each. */
const MOST_BYTES = 256;
const WORD = 4;

/** Random numbers, odd. */
export interface NameKey {
  readonly first: number;
  readonly second: number;
}

export function makeNameKey(): NameKey {
  return { first: randomWord() | 1, second: randomWord() | 1 };
}

/** Of the bytes from `start` up to the NUL byte behind them. */
export function hashName(view: DataView, start: number, { first, second }: NameKey): number {
  const end = Math.min(start + MOST_BYTES, view.byteLength);
  const lastWhole = view.byteLength - WORD;
  let hash = second;
  for (let at = start; at < end; at += WORD) {
    // `| 0` tells the engine that the difference need not be exact
    const word = (at <= lastWhole ? view.getInt32(at, true) : lastWord(view, at)) | 0;
    // the highest bit of the lowest byte that is 0, and maybe of some above it
    const zeros = (word - 0x01010101) & ~word & 0x80808080;
    const part = zeros === 0 ? word : word & (((zeros & -zeros) - 1) >>> 7);
    // the second product keeps what two words differ in from being the same for all keys
    hash = Math.imul(hash ^ part, first);
    hash = Math.imul(hash ^ (hash >>> 15), second);
    if (zeros !== 0) break;
  }
  return hash;
}

/** The bytes of a word that the end cuts off. */
function lastWord(view: DataView, start: number): number {
  let word = 0;
  for (let at = view.byteLength - 1; at >= start; at--) word = (word << 8) | view.getUint8(at);
  return word;
}

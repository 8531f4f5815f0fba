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
  const last = Math.min(start + MOST_BYTES, view.byteLength) - WORD;
  let hash = second;
  let at = start;
  for (; at <= last; at += WORD) {
    const word = view.getInt32(at, true);
    const zeros = zeroBytes(word);
    if (zeros !== 0) return mixed(hash, word & bytesBelow(zeros), first, second);
    hash = mixed(hash, word, first, second);
  }
  return at < start + MOST_BYTES ? mixed(hash, lastWord(view, at), first, second) : hash;
}

/** The highest bit of the lowest byte that is 0, and maybe of some above it. */
function zeroBytes(word: number): number {
  return (word - 0x01010101) & ~word & 0x80808080;
}

/** All bits of the bytes below the lowest that is 0. */
function bytesBelow(zeros: number): number {
  return ((zeros & -zeros) - 1) >>> 7;
}

/** The second product keeps what two words differ in from being the same for all keys. */
function mixed(hash: number, word: number, first: number, second: number): number {
  const product = Math.imul(hash ^ word, first);
  return Math.imul(product ^ (product >>> 15), second);
}

/** The bytes of a name that are left where the end cuts off a word. */
function lastWord(view: DataView, start: number): number {
  let word = 0;
  for (let at = view.byteLength - 1; at >= start; at--) word = (word << 8) | view.getUint8(at);
  return word & bytesBelow(zeroBytes(word));
}

/**
 * Hashes for tables in memory, with random numbers in them: nobody can make a file whose names or types all fall into one slot. They differ
 * from one table to the next, so nothing may depend on them but speed.
 */

const BYTE_VALUES = 256;
const BYTES = 4;

export class HashKey {
  /** Odd. */
  readonly factor: number = randomWord() | 1;
  /** What stands for each value of each byte of a word. */
  readonly #table: Int32Array = Int32Array.from({ length: BYTES * BYTE_VALUES }, randomWord);

  /** The hash of what was hashed before and one word more. */
  word(hash: number, word: number): number {
    const table = this.#table;
    const mixed = hash ^ word;
    return (
      table[mixed & 0xff]! ^
      table[BYTE_VALUES + ((mixed >>> 8) & 0xff)]! ^
      table[2 * BYTE_VALUES + ((mixed >>> 16) & 0xff)]! ^
      table[3 * BYTE_VALUES + (mixed >>> 24)]!
    );
  }

  /** The hash of the bytes from `start` up to `end`. */
  bytes(bytes: Uint8Array, start: number, end: number): number {
    const table = this.#table;
    let hash = 0;
    for (let at = start; at < end; at++) hash = table[(hash ^ bytes[at]!) & 0xff]! ^ (hash >>> 8);
    return hash;
  }
}

/** Any 32 bits. Not for secrets. */
export function randomWord(): number {
  return (Math.random() * 0x1_0000_0000) | 0;
}

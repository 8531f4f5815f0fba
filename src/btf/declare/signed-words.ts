/** A view of a table's words for hot loops. */
import type { Btf } from '../table.ts';

/** The words as signed numbers: the engine holds those with the highest bit set as cheaply as the others then. */
export function signedWords({ words }: Btf): Int32Array {
  return new Int32Array(words.buffer, words.byteOffset, words.length);
}

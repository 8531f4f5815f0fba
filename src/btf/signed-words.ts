/** A view of a table's words for hot loops. */
import type { BtfParts } from './table.ts';

/** The words as signed numbers: the engine holds those with the highest bit set as cheaply as the others then. */
export function signedWords({ words }: Pick<BtfParts, 'words'>): Int32Array {
  return new Int32Array(words.buffer, words.byteOffset, words.length);
}

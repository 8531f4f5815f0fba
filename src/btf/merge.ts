/**
 * Several tables made into one, in which every type is there once: a kernel's with those of its modules, those of several
 * objects, or a single one that holds types twice.
 */

import { canonicalTypes } from './dedup.ts';
import { rewrite } from './rewrite.ts';
import { MovedStrings, StringTable } from './strings.ts';
import { Btf } from './table.ts';
import { copyRecord, endOf } from './words.ts';

/**
 * One table of all types, without base: those of the first table first, each in its old order. Types that are the same, as deep
 * as one looks, become one; different types of one name all stay; a forward declaration becomes the type, when there is just
 * one of that tag.
 *
 * The base of split tables is taken in once, wherever it comes up: as a table of its own or under several. Tables are taken from
 * the iterable one at a time, so that a generator need not hold them all.
 */
export function mergeBtf(tables: Iterable<Btf>): Btf {
  const pool = new Pool();
  for (const table of tables) pool.add(table);
  const all = pool.table();
  const canonical = canonicalTypes(all);
  const keep = new Uint8Array(canonical.length);
  for (let id = 0; id < keep.length; id++) keep[id] = Number(canonical[id] === id);
  return rewrite(all, { keep, canonical });
}

/** The table with every type once: {@link mergeBtf} of it alone. */
export function dedupBtf(btf: Btf): Btf {
  return mergeBtf([btf]);
}

/** Tables one after the other, under ids and string offsets of their own. */
class Pool {
  #words: Uint32Array = new Uint32Array(1 << 16);
  #length = 0;
  #offsets: Uint32Array = new Uint32Array(1 << 14);
  #count = 1;
  readonly #strings = new StringTable();
  /** The tables without base, and what is to be added to their ids. */
  readonly #whole: { readonly table: Btf; readonly shift: number }[] = [];
  #littleEndian: boolean | undefined;

  add(table: Btf): void {
    this.#littleEndian ??= table.littleEndian;
    if (table.firstOwnId > 1) this.#append(table, this.#addWhole(baseOf(table)));
    else this.#addWhole(table);
  }

  table(): Btf {
    return new Btf({
      words: this.#words.subarray(0, this.#length),
      offsets: this.#offsets.subarray(0, this.#count),
      strings: this.#strings.bytes(),
      firstOwnId: 1,
      firstOwnString: 0,
      littleEndian: this.#littleEndian ?? true,
    });
  }

  #addWhole(table: Btf): number {
    const known = this.#whole.find((other) => isSame(other.table, table));
    if (known !== undefined) return known.shift;
    const shift = this.#append(table, 0);
    this.#whole.push({ table, shift });
    return shift;
  }

  /** Adds a table's own types; gives what was added to their ids. */
  #append(table: Btf, baseShift: number): number {
    const { words, offsets, firstOwnId } = table;
    const shift = this.#count - firstOwnId;
    const firstWord = firstOwnId < table.count ? offsets[firstOwnId]! : words.length;
    this.#words = withRoom(this.#words, this.#length + words.length - firstWord);
    this.#offsets = withRoom(this.#offsets, this.#count + table.count - firstOwnId);
    const ids = new Uint32Array(table.count);
    for (let id = 1; id < ids.length; id++) ids[id] = id + (id < firstOwnId ? baseShift : shift);
    const relocation = { words, ids, names: new MovedStrings(table.strings, this.#strings) };
    for (let id = firstOwnId; id < table.count; id++) {
      const end = endOf(table, id);
      this.#offsets[this.#count++] = this.#length;
      copyRecord(relocation, offsets[id]!, end, this.#words, this.#length);
      this.#length += end - offsets[id]!;
    }
    return shift;
  }
}

/** What a split table continues, as a table of its own. */
function baseOf(split: Btf): Btf {
  return new Btf({
    words: split.words.subarray(0, split.firstOwnId < split.count ? split.offsets[split.firstOwnId] : undefined),
    offsets: split.offsets.subarray(0, split.firstOwnId),
    strings: split.strings.subarray(0, split.firstOwnString),
    firstOwnId: 1,
    firstOwnString: 0,
    littleEndian: split.littleEndian,
  });
}

function isSame(a: Btf, b: Btf): boolean {
  return (
    a.count === b.count &&
    a.words.length === b.words.length &&
    a.strings.length === b.strings.length &&
    Buffer.compare(asBytes(a.words), asBytes(b.words)) === 0 &&
    Buffer.compare(a.strings, b.strings) === 0
  );
}

function asBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function withRoom(words: Uint32Array, needed: number): Uint32Array {
  if (needed <= words.length) return words;
  const grown = new Uint32Array(Math.max(needed, words.length * 2));
  grown.set(words);
  return grown;
}

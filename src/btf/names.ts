/**
 * From a name to the types that bear it: by a search for the first few, then by a hash table over the bytes of the string section. No string
 * is made for a name that nobody asks for, which is what keeps opening a kernel's BTF cheap.
 */
import type { TypeId } from './kinds.ts';
import { hashName, makeNameKey, type NameKey } from './name-hash.ts';
import { signedWords } from './signed-words.ts';
import type { Btf } from './table.ts';

/** Places where a name could be, in strings that end like it as well, that are looked at before an index is the better way. */
const MOST_PLACES = 64;

/**
 * Ids of all types of that name, ascending, without an index: a look through the strings and one through the types take half of the time
 * that an index takes to make. `undefined` when the strings end with that name too often.
 */
export function searchNamed(btf: Btf, name: string): TypeId[] | undefined {
  if (name === '' || name.includes('\0')) return [];
  const strings = Buffer.from(btf.strings.buffer, btf.strings.byteOffset, btf.strings.length);
  const wanted = Buffer.from(`${name}\0`);
  const places = new Set<number>();
  for (let at = strings.indexOf(wanted, 1); at >= 0; at = strings.indexOf(wanted, at + 1)) {
    if (places.size === MOST_PLACES) return undefined;
    places.add(at);
  }
  const [first, ...others] = places;
  if (first === undefined) return [];
  return others.length === 0 ? idsAt(btf, first, first) : idsAt(btf, first, others.at(-1)!, places);
}

/** Ids of the types whose names are among the places, the first and last of which are given apart: no other types are looked at. */
function idsAt(btf: Btf, first: number, last: number, places?: ReadonlySet<number>): TypeId[] {
  const { offsets } = btf;
  const words = signedWords(btf);
  const ids: TypeId[] = [];
  for (let id = 1; id < offsets.length; id++) {
    const nameOff = words[offsets[id]!]!;
    if (nameOff < first || nameOff > last) continue;
    if (places === undefined || places.has(nameOff)) ids.push(id as TypeId);
  }
  return ids;
}

/** A hash table of the names of all types, over the bytes of the string section. */
export class NameIndex {
  readonly #btf: Btf;
  readonly #key = makeNameKey();
  /** Hash bucket → last type id in it; 0 = empty. */
  readonly #heads: Uint32Array;
  /** Type id → the next one in its bucket. Ids go in descending, so chains ascend. */
  readonly #next: Uint32Array;

  constructor(btf: Btf) {
    const { offsets, strings } = btf;
    let size = 1024;
    while (size < offsets.length) size *= 2;
    this.#btf = btf;
    this.#heads = new Uint32Array(size);
    this.#next = new Uint32Array(offsets.length);
    const view = new DataView(strings.buffer, strings.byteOffset, strings.length);
    fillBuckets(signedWords(btf), offsets, view, this.#key, this.#heads, this.#next);
  }

  find(name: string): TypeId[] {
    if (name === '' || name.includes('\0')) return [];
    const bytes = Buffer.from(`${name}\0`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const bucket = bucketOf(hashName(view, 0, this.#key), this.#heads);
    const found: TypeId[] = [];
    for (let id = this.#heads[bucket]!; id !== 0; id = this.#next[id]!) {
      if (this.#isNamed(id as TypeId, bytes)) found.push(id as TypeId);
    }
    return found;
  }

  /** @param name  with the NUL byte behind it */
  #isNamed(id: TypeId, name: Uint8Array): boolean {
    const { strings } = this.#btf;
    const start = this.#btf.nameOff(id);
    for (let i = 0; i < name.length; i++) if (strings[start + i] !== name[i]) return false;
    return true;
  }
}

function fillBuckets(
  words: Int32Array,
  offsets: Uint32Array,
  strings: DataView,
  key: NameKey,
  heads: Uint32Array,
  next: Uint32Array,
): void {
  for (let id = offsets.length - 1; id > 0; id--) {
    const start = words[offsets[id]!]!;
    if (start === 0) continue;
    const bucket = bucketOf(hashName(strings, start, key), heads);
    next[id] = heads[bucket]!;
    heads[bucket] = id;
  }
}

/** @param heads  one for each bucket, a power of two */
function bucketOf(hash: number, heads: Uint32Array): number {
  return (hash ^ (hash >>> 15)) & (heads.length - 1);
}

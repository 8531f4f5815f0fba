/**
 * From a name to the types that bear it: by a search for the first few, then by a hash table over the bytes of the string section. No string
 * is made for a name that nobody asks for, which is what keeps opening a kernel's BTF cheap.
 */
import type { TypeId } from './kinds.ts';
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

/** Bytes of a name that go into its hash: names that share megabytes must not cost megabytes each. */
const MAX_HASHED = 256;

export class NameIndex {
  readonly #btf: Btf;
  /** Hash bucket → last type id in it; 0 = empty. */
  readonly #heads: Uint32Array;
  /** Type id → the next one in its bucket. Ids go in descending, so chains ascend. */
  readonly #next: Uint32Array;
  readonly #mask: number;

  constructor(btf: Btf) {
    const { words, offsets, strings } = btf;
    let size = 1024;
    while (size < offsets.length) size *= 2;
    this.#btf = btf;
    this.#mask = size - 1;
    this.#heads = new Uint32Array(size);
    this.#next = new Uint32Array(offsets.length);
    for (let id = offsets.length - 1; id > 0; id--) {
      const start = words[offsets[id]!]!;
      if (start === 0) continue;
      let hash = 0x811c9dc5;
      const end = start + MAX_HASHED;
      for (let at = start, byte = strings[at]!; byte !== 0 && at < end; byte = strings[++at]!)
        hash = Math.imul(hash ^ byte, 0x01000193);
      const bucket = (hash ^ (hash >>> 15)) & this.#mask;
      this.#next[id] = this.#heads[bucket]!;
      this.#heads[bucket] = id;
    }
  }

  find(name: string): TypeId[] {
    if (name === '') return [];
    const bytes = Buffer.from(name);
    let hash = 0x811c9dc5;
    for (const byte of bytes.subarray(0, MAX_HASHED)) hash = Math.imul(hash ^ byte, 0x01000193);
    const found: TypeId[] = [];
    for (let id = this.#heads[(hash ^ (hash >>> 15)) & this.#mask]!; id !== 0; id = this.#next[id]!) {
      if (this.#isNamed(id as TypeId, bytes)) found.push(id as TypeId);
    }
    return found;
  }

  #isNamed(id: TypeId, name: Uint8Array): boolean {
    const { strings } = this.#btf;
    const start = this.#btf.nameOff(id);
    if (strings[start + name.length] !== 0) return false;
    for (let i = 0; i < name.length; i++) if (strings[start + i] !== name[i]) return false;
    return true;
  }
}

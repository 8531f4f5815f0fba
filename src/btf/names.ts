/**
 * From a name to the ids that bear it: by a search for the first few, then by hash tables over the bytes of the string section. No string
 * is made for a name that nobody asks for, which is what keeps opening a kernel's BTF cheap.
 */
import { Kind, type TypeId } from './kinds.ts';
import { hashName, makeNameKey, type NameKey } from './name-hash.ts';
import { signedWords } from './signed-words.ts';
import type { Btf } from './table.ts';

/** Places where a name could be, in strings that end like it as well, that are looked at before an index is the better way. */
const MOST_PLACES = 64;

/** A bit for each kind. */
export type KindSet = number;

/** Kinds that name types. The others name functions, variables, sections and tags: in a kernel four times as many as there are types. */
export const TYPE_NAMES = kindSet([
  Kind.int,
  Kind.struct,
  Kind.union,
  Kind.enum,
  Kind.fwd,
  Kind.typedef,
  Kind.float,
  Kind.enum64,
]);
export const OTHER_NAMES = ~TYPE_NAMES;

/** Many programs ask for a type or two: so many searches are less work than an index. */
const MOST_SEARCHES = 4;

/** Looks names up in a table, in the way that costs least. */
export class Names {
  readonly #btf: Btf;
  /** Made when somebody asks for such names. */
  readonly #indexes = new Map<KindSet, NameIndex>();
  #searches = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Ids of that name and of one of the kinds (any kind when none is given), ascending. */
  find(name: string, kinds: readonly Kind[]): TypeId[] {
    const wanted = kinds.length === 0 ? ~0 : kindSet(kinds);
    const found = this.#search(name) ?? this.#lookUp(name, wanted);
    return kinds.length === 0 ? found : found.filter((id) => (wanted >>> this.#btf.kind(id)) & 1);
  }

  #search(name: string): TypeId[] | undefined {
    if (this.#searches === MOST_SEARCHES) return undefined;
    this.#searches++;
    return searchNamed(this.#btf, name);
  }

  #lookUp(name: string, wanted: KindSet): TypeId[] {
    const found: TypeId[] = [];
    for (const group of [TYPE_NAMES, OTHER_NAMES]) {
      if ((wanted & group) !== 0) found.push(...this.#index(group).find(name));
    }
    return found.sort((a, b) => a - b);
  }

  #index(group: KindSet): NameIndex {
    let index = this.#indexes.get(group);
    if (index === undefined) {
      index = new NameIndex(this.#btf, group);
      this.#indexes.set(group, index);
    }
    return index;
  }
}

function kindSet(kinds: readonly Kind[]): KindSet {
  return kinds.reduce<KindSet>((set, kind) => set | (1 << kind), 0);
}

/**
 * Ids of all that have that name, ascending, without an index: a look through the strings and one through the types take half of the time
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

/** A hash table of the names of some kinds, over the bytes of the string section. */
export class NameIndex {
  readonly #btf: Btf;
  readonly #key = makeNameKey();
  /** What is in it, ascending, from 1 on. */
  readonly #ids: Uint32Array;
  /** Hash bucket → place in the list of the first id in it; 0 = none. */
  readonly #heads: Uint32Array;
  /** Place of an id → that of the next one in its bucket, which is further back. */
  readonly #next: Uint32Array;

  constructor(btf: Btf, kinds: KindSet) {
    const words = signedWords(btf);
    const { offsets, strings } = btf;
    this.#btf = btf;
    this.#ids = namedIds(words, offsets, kinds);
    this.#next = new Uint32Array(this.#ids.length);
    this.#heads = new Uint32Array(2 ** Math.ceil(Math.log2(this.#ids.length)));
    const view = new DataView(strings.buffer, strings.byteOffset, strings.length);
    fillBuckets(words, offsets, this.#ids, view, this.#key, this.#heads, this.#next);
  }

  find(name: string): TypeId[] {
    if (name === '' || name.includes('\0')) return [];
    const bytes = Buffer.from(`${name}\0`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const bucket = bucketOf(hashName(view, 0, this.#key), this.#heads);
    const found: TypeId[] = [];
    for (let place = this.#heads[bucket]!; place !== 0; place = this.#next[place]!) {
      const id = this.#ids[place] as TypeId;
      if (this.#isNamed(id, bytes)) found.push(id);
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

/** Ids that have a name and one of the kinds, ascending, from place 1 on. */
function namedIds(words: Int32Array, offsets: Uint32Array, kinds: KindSet): Uint32Array {
  const ids = new Uint32Array(offsets.length);
  let place = 1;
  for (let id = 1; id < offsets.length; id++) {
    const at = offsets[id]!;
    // the kind is in the five lowest bits of the highest byte, and a shift takes just five
    const isWanted = (kinds >>> (words[at + 1]! >>> 24)) & 1;
    if (isWanted === 0 || words[at] === 0) continue;
    ids[place++] = id;
  }
  return ids.slice(0, place);
}

function fillBuckets(
  words: Int32Array,
  offsets: Uint32Array,
  ids: Uint32Array,
  strings: DataView,
  key: NameKey,
  heads: Uint32Array,
  next: Uint32Array,
): void {
  for (let place = ids.length - 1; place > 0; place--) {
    const start = words[offsets[ids[place]!]!]!;
    const bucket = bucketOf(hashName(strings, start, key), heads);
    next[place] = heads[bucket]!;
    heads[bucket] = place;
  }
}

/** @param heads  one for each bucket, a power of two */
function bucketOf(hash: number, heads: Uint32Array): number {
  return (hash ^ (hash >>> 15)) & (heads.length - 1);
}

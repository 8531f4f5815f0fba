/**
 * Where the names of a table occur: from the bytes of a name to its place in the string section, and from there to the types and
 * enumerators that bear it. Kept with the unpacked copy of a kernel's BTF, so that what a program mentions is found without going
 * through all that it does not mention.
 *
 * A hash table over the strings that are names of types, members and enumerators; members are known as names only.
 */
import { Kind } from './kinds.ts';
import type { BtfParts } from './table.ts';

/** The arrays that an index consists of: for writing it to a file. */
export interface OccurrenceArrays {
  /** By slot: offset of the string; 0 for an empty slot. */
  readonly names: Uint32Array;
  /** By slot: where its list begins in `places`; one more than there are slots. */
  readonly starts: Uint32Array;
  /** Word indices, ascending within a list: of a type's first word, or of an enumerator's. */
  readonly places: Uint32Array;
}

const NO_PLACES = new Uint32Array(0);

export class Occurrences {
  readonly arrays: OccurrenceArrays;
  readonly #strings: Uint8Array;
  readonly #mask: number;

  constructor(strings: Uint8Array, arrays: OccurrenceArrays) {
    this.arrays = arrays;
    this.#strings = strings;
    this.#mask = arrays.names.length - 1;
  }

  /** Offset of a name in the string section, 0 when nothing is called that. Only names in ASCII are found. */
  find(name: string): number {
    const { names } = this.arrays;
    const strings = this.#strings;
    for (let slot = hashOfText(name) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const start = names[slot]!;
      if (start === 0) return 0;
      if (strings[start + name.length] === 0 && isAt(strings, start, name)) return start;
    }
  }

  /** Places of the types and enumerators with the name at that offset, ascending. */
  places(nameOff: number): Uint32Array {
    const { names, starts, places } = this.arrays;
    for (let slot = this.#slotOf(nameOff); ; slot = (slot + 1) & this.#mask) {
      if (names[slot] === nameOff) return places.subarray(starts[slot], starts[slot + 1]);
      if (names[slot] === 0) return NO_PLACES;
    }
  }

  #slotOf(nameOff: number): number {
    const strings = this.#strings;
    let end = nameOff;
    while (strings[end] !== 0) end++;
    return hashOf(strings, nameOff, end) & this.#mask;
  }
}

/** Linear in the table: some 20 ms for a kernel. Expects what all writers of BTF do: equal strings are stored once. */
export function indexOccurrences(btf: BtfParts): Occurrences {
  const { strings } = btf;
  const counts = new Uint32Array(strings.length);
  let distinct = 0;
  const count = (nameOff: number, places: number) => {
    // one more than the places, so that names without any are known too
    if (counts[nameOff] === 0) {
      counts[nameOff] = 1;
      distinct++;
    }
    counts[nameOff]! += places;
  };
  eachName(btf, (nameOff, place) => count(nameOff, place === 0 ? 0 : 1));

  let size = 1024;
  while (size < distinct * 2) size *= 2;
  const names = new Uint32Array(size);
  for (let nameOff = 0; nameOff < strings.length; nameOff++) {
    if (counts[nameOff] === 0) continue;
    let end = nameOff;
    while (strings[end] !== 0) end++;
    let slot = hashOf(strings, nameOff, end) & (size - 1);
    while (names[slot] !== 0) slot = (slot + 1) & (size - 1);
    names[slot] = nameOff;
  }

  const starts = new Uint32Array(size + 1);
  for (let slot = 0; slot < size; slot++) {
    const nameOff = names[slot]!;
    const places = nameOff === 0 ? 0 : counts[nameOff]! - 1;
    // from here on: where the next place of that name goes
    counts[nameOff] = starts[slot]!;
    starts[slot + 1] = starts[slot]! + places;
  }
  const places = new Uint32Array(starts[size]!);
  eachName(btf, (nameOff, place) => {
    if (place !== 0) places[counts[nameOff]!++] = place;
  });
  return new Occurrences(strings, { names, starts, places });
}

/** Calls back for each name, in the order of the table, with its place, 0 for members'. */
function eachName({ words, offsets }: BtfParts, found: (nameOff: number, place: number) => void): void {
  for (let id = 1; id < offsets.length; id++) {
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const vlen = info & 0xffff;
    const kind = (info >>> 24) & 0x1f;
    switch (kind) {
      case Kind.struct:
      case Kind.union:
        if (words[at] !== 0) found(words[at]!, at);
        for (let i = 0; i < vlen; i++) if (words[at + 3 + i * 3] !== 0) found(words[at + 3 + i * 3]!, 0);
        break;
      case Kind.enum:
      case Kind.enum64: {
        if (words[at] !== 0) found(words[at]!, at);
        const step = kind === Kind.enum ? 2 : 3;
        for (let i = 0; i < vlen; i++)
          if (words[at + 3 + i * step] !== 0) found(words[at + 3 + i * step]!, at + 3 + i * step);
        break;
      }
      case Kind.fwd:
      case Kind.typedef:
      case Kind.func:
      case Kind.declTag:
        if (words[at] !== 0) found(words[at]!, at);
        break;
      default:
        break;
    }
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The same of a text in ASCII, as names in C are; what else it is asked for has no hash that anything would be found by. */
function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function isAt(strings: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (strings[start + i] !== name.charCodeAt(i)) return false;
  return true;
}

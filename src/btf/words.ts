/**
 * Which words of a type record name a string and which refer to a type: what everything that copies types has to know. The
 * number of words of a type is the distance to the next type, since the records of a table lie one after the other.
 *
 * @see include/uapi/linux/btf.h; Documentation/bpf/btf.rst, "Type Encoding"
 */
import { Kind } from './kinds.ts';
import type { MovedStrings } from './strings.ts';
import type { BtfParts } from './table.ts';

/** What a word holds. */
export const Role = { plain: 0, string: 1, type: 2 } as const;
export type Role = (typeof Role)[keyof typeof Role];

const KINDS = 32;
/** Words of `struct btf_type`: name, info, and a size or a type. */
export const HEAD_WORDS = 3;
const MAX_STEP = 3;
const { plain, string, type } = Role;

/** Role of the third word of the head, by kind. */
const THIRD = new Uint8Array(KINDS);
for (const kind of [
  ...[Kind.ptr, Kind.typedef, Kind.volatile, Kind.const, Kind.restrict, Kind.typeTag],
  ...[Kind.func, Kind.funcProto, Kind.var, Kind.declTag],
]) {
  THIRD[kind] = type;
}

/** The roles of one element of what follows the head, by kind; elements repeat to the end of the record. */
const ELEMENT: readonly [Kind, readonly Role[]][] = [
  [Kind.array, [type, type, plain]],
  [Kind.struct, [string, type, plain]],
  [Kind.union, [string, type, plain]],
  [Kind.enum, [string, plain]],
  [Kind.enum64, [string, plain, plain]],
  [Kind.funcProto, [string, type]],
  [Kind.datasec, [type, plain, plain]],
];
const STEP = new Uint8Array(KINDS).fill(1);
const ROLES = new Uint8Array(KINDS * MAX_STEP);
for (const [kind, roles] of ELEMENT) {
  STEP[kind] = roles.length;
  ROLES.set(roles, kind * MAX_STEP);
}

/** Role of word `index` (0 = the first of the record) of a type of that kind. */
export function roleOf(kind: Kind, index: number): Role {
  if (index >= HEAD_WORDS) return ROLES[kind * MAX_STEP + ((index - HEAD_WORDS) % STEP[kind]!)] as Role;
  if (index === 2) return THIRD[kind] as Role;
  return index === 0 ? string : plain;
}

/** Index of the word after a type's record. */
export function endOf(parts: BtfParts, id: number): number {
  return id + 1 < parts.offsets.length ? parts.offsets[id + 1]! : parts.words.length;
}

/** What types are copied with: other names, other ids. */
export interface Relocation {
  readonly words: Uint32Array;
  /** New id by old id. */
  readonly ids: Uint32Array;
  readonly names: MovedStrings;
}

/** Copies the record of a type, its words from `at` up to `end`, to `out`. */
export function copyRecord(from: Relocation, at: number, end: number, out: Uint32Array, to: number): void {
  const { words, ids, names } = from;
  const kind = ((words[at + 1]! >>> 24) & 0x1f) as Kind;
  const third = words[at + 2]!;
  out[to] = names.move(words[at]!);
  out[to + 1] = words[at + 1]!;
  out[to + 2] = THIRD[kind] === type ? ids[third]! : third;
  copyElements(from, kind, at + HEAD_WORDS, end, out, to + HEAD_WORDS);
}

/** Copies elements of a type of that kind, the words from `at` up to `end`, to `out`. */
export function copyElements(
  { words, ids, names }: Relocation,
  kind: Kind,
  at: number,
  end: number,
  out: Uint32Array,
  to: number,
): void {
  const step = STEP[kind]!;
  for (let column = 0; column < step; column++) {
    const role = ROLES[kind * MAX_STEP + column]!;
    for (let word = at + column, place = to + column; word < end; word += step, place += step) {
      const value = words[word]!;
      out[place] = role === type ? ids[value]! : role === string ? names.move(value) : value;
    }
  }
}

/** The types that each type refers to, in the order of its words, as two flat arrays. */
export interface TypeGraph {
  /** Where the references of type `id` start in {@link refs}; one entry more than there are types. */
  readonly starts: Uint32Array;
  readonly refs: Uint32Array;
}

/** Tells references and the rest apart: the graph, and a copy of the words with 0 for each reference. Linear in the size of the table. */
export function separate(parts: BtfParts): { readonly graph: TypeGraph; readonly plain: Uint32Array } {
  const { words, offsets } = parts;
  const count = offsets.length;
  const starts = new Uint32Array(count + 1);
  const refs = new Uint32Array(words.length);
  const plain = words.slice();
  let used = 0;
  for (let id = 1; id < count; id++) {
    starts[id] = used;
    const at = offsets[id]!;
    const end = endOf(parts, id);
    const kind = (words[at + 1]! >>> 24) & 0x1f;
    if (THIRD[kind] === type) {
      refs[used++] = words[at + 2]!;
      plain[at + 2] = 0;
    }
    const step = STEP[kind]!;
    for (let role = 0; role < step; role++) {
      if (ROLES[kind * MAX_STEP + role] !== type) continue;
      // An array refers to two types in one element: both in the order of their words.
      for (let word = at + HEAD_WORDS + role; word < end; word += step) {
        refs[used++] = words[word]!;
        plain[word] = 0;
      }
    }
  }
  starts[count] = used;
  return { graph: { starts, refs: refs.subarray(0, used) }, plain };
}

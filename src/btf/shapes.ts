/**
 * What the record of each kind looks like, in one number: a loop over a kernel's types that reads all of it out of that number does the same
 * for every kind, and is compiled soonest and once for all.
 *
 * @see include/uapi/linux/btf.h; ./words.ts for what copies records
 */
import { Kind } from './kinds.ts';

/** Three bits: words before the elements, the head and what one kind or another has behind it; 0 for kinds that there are not. */
export const PART = 7;
/** Where other parts begin: words of the element that is always there, an array's; words of each of `vlen` elements. */
export const FIXED = 3;
export const EACH = 6;
/** Single bits: the third word is a type; elements begin with a name, otherwise with a type; their second word is a type; it is a func. */
export const REFERS = 9;
export const NAMED = 10;
export const TYPED = 11;
export const IS_FUNC = 12;

const KINDS = 32;
const HEAD = 3;
const LONG_HEAD = 4;
const refers = 1 << REFERS;
const named = 1 << NAMED;
const typed = 1 << TYPED;

const BY_KIND: readonly (readonly [number, readonly Kind[]])[] = [
  [HEAD, [Kind.fwd, Kind.float]],
  [LONG_HEAD, [Kind.int]],
  [HEAD | refers, [Kind.ptr, Kind.typedef, Kind.volatile, Kind.const, Kind.restrict, Kind.typeTag]],
  [HEAD | refers | (1 << IS_FUNC), [Kind.func]],
  [LONG_HEAD | refers, [Kind.var, Kind.declTag]],
  [HEAD | (3 << FIXED) | typed, [Kind.array]],
  [HEAD | (3 << EACH) | named | typed, [Kind.struct, Kind.union]],
  [HEAD | refers | (2 << EACH) | named | typed, [Kind.funcProto]],
  [HEAD | (2 << EACH) | named, [Kind.enum]],
  [HEAD | (3 << EACH) | named, [Kind.enum64]],
  [HEAD | (3 << EACH), [Kind.datasec]],
];

/** By the number of the kind. */
export const SHAPES = new Int32Array(KINDS);
for (const [shape, kinds] of BY_KIND) for (const kind of kinds) SHAPES[kind] = shape;

/** Words of a type with that info word; 0 when there is no such kind. */
export function wordsOf(info: number): number {
  const shape = SHAPES[(info >>> 24) & 0x1f]!;
  return (shape & PART) + ((shape >> FIXED) & PART) + ((shape >> EACH) & PART) * (info & 0xffff);
}

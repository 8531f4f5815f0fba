/**
 * Which types of a table are the same. All comparing is partition refinement: start from classes of types whose records agree
 * in all that is not a reference, then split a class while two of its types refer to different classes. What is left together
 * is equal however deep one looks, also around circles, and nothing depends on the order in which types are looked at.
 *
 * libbpf instead guesses a mapping and follows it, which gives up a whole web of types when one declaration in it met a
 * definition too late; that is why a kernel module's BTF repeats half of the networking stack.
 */
import { MalformedError } from '../core/errors.ts';
import { isComposite, isEnum, Kind, type TypeId } from './kinds.ts';
import type { Btf } from './table.ts';
import { endOf, Role, roleOf, type TypeGraph, typeGraph } from './words.ts';

/** For each type the id of its class: the lowest id of all types that are the same. */
type Classes = Uint32Array;

/**
 * For each type the one that stands for it: the first of all that are the same, or, for a forward declaration, the definition
 * of its tag, when there is just one. Equal names must have equal string offsets.
 */
export function canonicalTypes(btf: Btf): Uint32Array {
  const graph = typeGraph(btf);
  const records = classifyRecords(btf);
  // Two copies of a definition can look different just because one file saw a definition where another saw a declaration, so
  // what the definitions of a tag are is decided on names.
  const definitions = definitionsOf(btf, refineByName(btf, graph, records));
  const definitionOf = (id: number): number => {
    const found = isForward(btf, id as TypeId) ? definitions.get(tagKey(btf, id as TypeId)) : undefined;
    return found === undefined || found.several ? id : found.first;
  };
  const classes = refine(
    { starts: graph.starts, refs: graph.refs.map(definitionOf) },
    records,
    new Uint8Array(btf.count),
  );
  return classes.map((_, id) => classes[definitionOf(id)]!);
}

/** The definitions of one tag: the first, and whether there are others. */
interface Definitions {
  readonly first: TypeId;
  several: boolean;
}

function definitionsOf(btf: Btf, classes: Classes): Map<number, Definitions> {
  const found = new Map<number, Definitions>();
  for (const id of btf.ids()) {
    if (classes[id] !== id || !isTag(btf, id) || isForward(btf, id)) continue;
    const key = tagKey(btf, id);
    const known = found.get(key);
    if (known === undefined) found.set(key, { first: id, several: false });
    else known.several = true;
  }
  return found;
}

/** A named struct, union or enum, defined or only declared. */
function isTag(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  return (isComposite(kind) || isEnum(kind) || kind === Kind.fwd) && btf.nameOff(id) !== 0;
}

/** A declaration without definition; for an enum that is one without values. */
function isForward(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  return kind === Kind.fwd || (isEnum(kind) && btf.vlen(id) === 0 && btf.nameOff(id) !== 0);
}

/** The same number for all that C knows as `struct x`, for all that it knows as `union x`, for all that is `enum x`. */
function tagKey(btf: Btf, id: TypeId): number {
  const kind = btf.kind(id);
  const union = kind === Kind.union || (kind === Kind.fwd && btf.kindFlag(id));
  return btf.nameOff(id) * 4 + (isEnum(kind) ? 2 : Number(union));
}

/** Classes of types that hold the same by value and point to the same kind and name. */
function refineByName(btf: Btf, graph: TypeGraph, records: Classes): Classes {
  const count = btf.count;
  // How a type looks to a pointer: tags are their names.
  const tags = new Uint8Array(count);
  const seen = records.slice();
  const byName = new Map<number, TypeId>();
  for (const id of btf.ids()) {
    if (!isTag(btf, id)) continue;
    tags[id] = 1;
    const key = tagKey(btf, id);
    if (!byName.has(key)) byName.set(key, id);
    seen[id] = byName.get(key)!;
  }
  const pointed = refine(graph, seen, tags);
  // How a type is by value: pointers and prototypes are what they were just found to be.
  const pointers = new Uint8Array(count);
  const start = records.slice();
  for (const id of btf.ids()) {
    const kind = btf.kind(id);
    if (kind !== Kind.ptr && kind !== Kind.funcProto) continue;
    pointers[id] = 1;
    start[id] = pointed[id]!;
  }
  return refine(graph, start, pointers);
}

/** Classes of types whose records agree in all but the types that they refer to. */
function classifyRecords(btf: Btf): Classes {
  const { words, offsets } = btf;
  const hashOf = (id: number): number => {
    const at = offsets[id]!;
    const end = endOf(btf, id);
    const kind = btf.kind(id as TypeId);
    let hash = end - at;
    for (let word = at; word < end; word++) {
      if (roleOf(kind, word - at) !== Role.type) hash = mix(hash, words[word]!);
    }
    return hash;
  };
  const same = (a: number, b: number): boolean => {
    const atA = offsets[a]!;
    const atB = offsets[b]!;
    const length = endOf(btf, a) - atA;
    if (length !== endOf(btf, b) - atB || words[atA + 1] !== words[atB + 1]) return false;
    const kind = btf.kind(a as TypeId);
    for (let i = 0; i < length; i++) {
      if (words[atA + i] !== words[atB + i] && roleOf(kind, i) !== Role.type) return false;
    }
    return true;
  };
  return classify(btf.count, hashOf, same);
}

/** Kernels take 7. A chain of 800,000 typedefs of one name would take as many, and hours. */
const MIN_ROUNDS = 10;
/** Small tables may have more, as long as not too many types are looked at in all. */
const MAX_VISITS = 4_000_000;

/**
 * Splits classes until all types of one refer to the same classes, place for place; the references of `leaves` do not count.
 * A round is linear in the number of references; there are as many rounds as the longest path by which two types differ.
 * @throws {MalformedError} `BTF_TOO_DEEP` when that path is far longer than any compiler makes
 */
function refine(graph: TypeGraph, start: Classes, leaves: Uint8Array): Classes {
  const { starts, refs } = graph;
  let classes = start;
  const hashOf = (id: number): number => {
    let hash = mix(0, classes[id]!);
    if (leaves[id] === 0)
      for (let i = starts[id]!, end = starts[id + 1]!; i < end; i++) hash = mix(hash, classes[refs[i]!]!);
    return hash;
  };
  const same = (a: number, b: number): boolean => {
    if (classes[a] !== classes[b]) return false;
    if (leaves[a] !== 0) return true;
    for (let i = starts[a]!, j = starts[b]!, end = starts[a + 1]!; i < end; i++, j++) {
      if (classes[refs[i]!] !== classes[refs[j]!]) return false;
    }
    return true;
  };
  const maxRounds = Math.max(MIN_ROUNDS, MAX_VISITS / start.length);
  for (let before = countClasses(classes), round = 0; ; round++) {
    if (round > maxRounds) {
      throw new MalformedError('BTF_TOO_DEEP', `types differ only beyond ${round} references in a row`, {
        details: { types: start.length, rounds: round },
      });
    }
    classes = classify(start.length, hashOf, same);
    const after = countClasses(classes);
    if (after === before) return classes;
    before = after;
  }
}

/** Groups ids that are the same; each gets the lowest id of its group. Id 0, void, is alone. */
function classify(count: number, hashOf: (id: number) => number, same: (a: number, b: number) => boolean): Classes {
  let size = 1024;
  while (size < count * 2) size *= 2;
  const slots = new Uint32Array(size);
  const classes = new Uint32Array(count);
  for (let id = 1; id < count; id++) {
    const hash = hashOf(id);
    let slot = (hash ^ (hash >>> 15)) & (size - 1);
    while (slots[slot] !== 0 && !same(slots[slot]!, id)) slot = (slot + 1) & (size - 1);
    if (slots[slot] === 0) slots[slot] = id;
    classes[id] = slots[slot]!;
  }
  return classes;
}

function countClasses(classes: Classes): number {
  const isClass = new Uint8Array(classes.length);
  let count = 0;
  for (let id = 0; id < classes.length; id++) {
    const of = classes[id]!;
    count += 1 - isClass[of]!;
    isClass[of] = 1;
  }
  return count;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 16);
}

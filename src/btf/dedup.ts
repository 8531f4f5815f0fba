/**
 * Which types of a table are the same. All comparing is partition refinement: start from classes of types whose records agree
 * in all that is not a reference, then split a class while two of its types refer to different classes. What is left together
 * is equal however deep one looks, also around circles, and nothing depends on the order in which types are looked at.
 *
 * libbpf instead guesses a mapping and follows it, which gives up a whole web of types when one declaration in it met a
 * definition too late; that is why a kernel module's BTF repeats half of the networking stack.
 */
import { isComposite, isEnum, Kind, type TypeId } from './kinds.ts';
import { type Classes, classify, mix, refine } from './refine.ts';
import type { Btf } from './table.ts';
import { endOf, Role, roleOf, type TypeGraph, typeGraph } from './words.ts';

/**
 * For each type the one that stands for it: the first of all that are the same, or, for a forward declaration, the definition
 * of its tag, when there is just one. Equal names must have equal string offsets.
 */
export function canonicalTypes(btf: Btf): Uint32Array {
  const graph = typeGraph(btf);
  const records = classifyRecords(btf);
  const atFirst = distinguishByName(btf, graph, records);
  // Two copies of a definition can look different just because one file saw a definition where another saw a declaration, so
  // what the definitions of a tag are is decided on names.
  const definitions = definitionsOf(btf, refine(graph, atFirst, pointersOf(btf)));
  const definitionOf = (id: number): number => {
    const found = isForward(btf, id as TypeId) ? definitions.get(tagKey(btf, id as TypeId)) : undefined;
    return found === undefined || found.several ? id : found.first;
  };
  const isDefined = definitions.size > 0;
  const refs = isDefined ? graph.refs.map(definitionOf) : graph.refs;
  const classes = refine({ starts: graph.starts, refs }, atFirst, new Uint8Array(btf.count));
  return isDefined ? classes.map((_, id) => classes[definitionOf(id)]!) : classes;
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

/**
 * Where to begin: types that differ although every tag is its name alone differ in any case. Tags themselves are as their records are.
 */
function distinguishByName(btf: Btf, graph: TypeGraph, records: Classes): Classes {
  const tags = new Uint8Array(btf.count);
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
  for (let id = 0; id < tags.length; id++) if (tags[id] !== 0) pointed[id] = records[id]!;
  return pointed;
}

/** Types that hold nothing by value: what they point to is not followed. */
function pointersOf(btf: Btf): Uint8Array {
  const pointers = new Uint8Array(btf.count);
  for (const id of btf.ids()) {
    const kind = btf.kind(id);
    if (kind === Kind.ptr || kind === Kind.funcProto) pointers[id] = 1;
  }
  return pointers;
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

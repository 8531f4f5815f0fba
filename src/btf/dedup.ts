/**
 * Which types of a table are the same. All comparing is partition refinement: start from classes of types whose records agree
 * in all that is not a reference, then split a class while two of its types refer to different classes. What is left together
 * is equal however deep one looks, also around circles, and nothing depends on the order in which types are looked at.
 *
 * libbpf instead guesses a mapping and follows it, which gives up a whole web of types when one declaration in it met a
 * definition too late; that is why a kernel module's BTF repeats half of the networking stack.
 */
import { type Classes, Representatives } from './classes.ts';
import { isComposite, isEnum, Kind, type TypeId } from './kinds.ts';
import { refine } from './refine.ts';
import { signedWords } from './signed-words.ts';
import type { Btf } from './table.ts';
import { separate, type TypeGraph } from './words.ts';

/**
 * For each type the one that stands for it: the first of all that are the same, or, for a forward declaration, the definition
 * of its tag, when there is just one. Equal names must have equal string offsets.
 */
export function canonicalTypes(btf: Btf): Uint32Array {
  const { graph, plain } = separate(btf);
  const records = classifyRecords(btf, plain);
  const tags = tagsOf(btf);
  const forwards = tags.filter((id) => isForward(btf, id));
  if (forwards.length === 0) return refine(graph, records, new Uint8Array(btf.count));

  const atFirst = distinguishByName(btf, graph, records, tags);
  const definitionOf = definitionsOfForwards(btf, forwards, tags, refine(graph, atFirst, pointersOf(btf)));
  const refs = new Uint32Array(graph.refs.length);
  for (let i = 0; i < refs.length; i++) refs[i] = definitionOf[graph.refs[i]!]!;
  const classes = refine({ starts: graph.starts, refs }, atFirst, new Uint8Array(btf.count));
  for (const id of forwards) classes[id] = classes[definitionOf[id]!]!;
  return classes;
}

/** Named structs, unions and enums, defined or only declared. */
function tagsOf(btf: Btf): TypeId[] {
  const tags: TypeId[] = [];
  for (let id = 1 as TypeId; id < btf.count; id++) {
    const kind = btf.kind(id);
    if ((isComposite(kind) || isEnum(kind) || kind === Kind.fwd) && btf.nameOff(id) !== 0) tags.push(id);
  }
  return tags;
}

/** Of a tag: a declaration without definition; for an enum that is one without values. */
function isForward(btf: Btf, tag: TypeId): boolean {
  const kind = btf.kind(tag);
  return kind === Kind.fwd || (isEnum(kind) && btf.vlen(tag) === 0);
}

/** The same number for all that C knows as `struct x`, for all that it knows as `union x`, for all that is `enum x`. */
function tagKey(btf: Btf, tag: TypeId): number {
  const kind = btf.kind(tag);
  const union = kind === Kind.union || (kind === Kind.fwd && btf.kindFlag(tag));
  return btf.nameOff(tag) * 4 + (isEnum(kind) ? 2 : Number(union));
}

/**
 * Where to begin: types that differ although every tag is its name alone differ in any case. Tags themselves are as their records are.
 */
function distinguishByName(btf: Btf, graph: TypeGraph, records: Classes, tags: readonly TypeId[]): Classes {
  const isLeaf = new Uint8Array(btf.count);
  const seen = records.slice();
  const byName = new Map<number, TypeId>();
  for (const id of tags) {
    isLeaf[id] = 1;
    const key = tagKey(btf, id);
    const first = byName.get(key);
    if (first === undefined) byName.set(key, id);
    seen[id] = first ?? id;
  }
  const pointed = refine(graph, seen, isLeaf);
  for (const id of tags) pointed[id] = records[id]!;
  return pointed;
}

/** Types that hold nothing by value: what they point to is not followed. */
function pointersOf(btf: Btf): Uint8Array {
  const pointers = new Uint8Array(btf.count);
  for (let id = 1 as TypeId; id < btf.count; id++) {
    const kind = btf.kind(id);
    if (kind === Kind.ptr || kind === Kind.funcProto) pointers[id] = 1;
  }
  return pointers;
}

/**
 * For each forward declaration the definition of its tag when there is just one, for all else the type itself. Two copies of a definition
 * can look different just because one file saw a definition where another saw a declaration, so what the definitions of a tag are is
 * decided on names.
 * @param byName  classes in which what is pointed to is told apart by name only
 */
function definitionsOfForwards(
  btf: Btf,
  forwards: readonly TypeId[],
  tags: readonly TypeId[],
  byName: Classes,
): Uint32Array {
  const SEVERAL = 0;
  const found = new Map<number, number>();
  for (const id of tags) {
    if (byName[id] !== id || isForward(btf, id)) continue;
    const key = tagKey(btf, id);
    found.set(key, found.has(key) ? SEVERAL : id);
  }
  const definitionOf = new Uint32Array(btf.count);
  for (let id = 0; id < btf.count; id++) definitionOf[id] = id;
  for (const id of forwards) definitionOf[id] = found.get(tagKey(btf, id)) || id;
  return definitionOf;
}

/** Classes of types whose records agree in all but the types that they refer to. @param plain  the words without these */
function classifyRecords(btf: Btf, plain: Uint32Array): Classes {
  const records = new Records(btf, plain);
  const classes = new Uint32Array(btf.count);
  for (let id = 1; id < classes.length; id++) classes[id] = records.of(id);
  return classes;
}

class Records extends Representatives {
  readonly #offsets: Uint32Array;
  readonly #words: Int32Array;
  constructor(btf: Btf, plain: Uint32Array) {
    super(btf.count);
    this.#offsets = btf.offsets;
    this.#words = signedWords({ words: plain });
  }
  #endOf(id: number): number {
    return id + 1 < this.#offsets.length ? this.#offsets[id + 1]! : this.#words.length;
  }
  protected hashOf(id: number): number {
    const words = this.#words;
    const key = this.key;
    let hash = 0;
    for (let word = this.#offsets[id]!, end = this.#endOf(id); word < end; word++) hash = key.word(hash, words[word]!);
    return hash;
  }
  isSame(a: number, b: number): boolean {
    const words = this.#words;
    const atA = this.#offsets[a]!;
    const atB = this.#offsets[b]!;
    const length = this.#endOf(a) - atA;
    if (length !== this.#endOf(b) - atB) return false;
    for (let i = 0; i < length; i++) if (words[atA + i] !== words[atB + i]) return false;
    return true;
  }
}

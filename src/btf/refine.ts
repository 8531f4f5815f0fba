/**
 * Partition refinement over a graph of types: which nodes cannot be told from each other, however far one follows their references.
 *
 * Where references come to an end, the class of a type follows from the classes that it refers to: one look at each type is enough, what is
 * referred to first. What is left are circles and what leads to them. Most of these types differ in what is near (`neighbourhood.ts`); those
 * that differ only far on, if at all, are left to the algorithm for that (`circles.ts`).
 */
import { refineCircles } from './circles.ts';
import { type Classes, Representatives } from './classes.ts';
import { hashNeighbourhoods } from './neighbourhood.ts';
import type { TypeGraph } from './words.ts';

/**
 * Splits classes until all types of one refer to the same classes, place for place; the references of `leaves` do not count.
 * @throws {MalformedError} `BTF_TOO_DEEP` when that takes far longer than with the types of any compiler
 */
export function refine(graph: TypeGraph, start: Classes, leaves: Uint8Array): Classes {
  let known = start;
  let isSettled = leaves;
  for (;;) {
    const { classes, unseen } = settleAlone(known, isSettled);
    if (unseen > 0) settleAcyclic(graph, known, classes, unseen);
    const open = openTypes(classes, unseen);
    if (open.length === 0) return byLowestId(classes);
    const { first, alone, isStable } = settleByNeighbourhood(graph, known, classes, open);
    if (isStable) return byLowestId(classes);
    if (alone * 2 < open.length) {
      const refined = refineCircles(graph, open, first);
      for (let i = 0; i < open.length; i++) classes[open[i]!] = refined[i]!;
      return byLowestId(classes);
    }
    // what is alone ends circles of others: at most half of the types are left
    known = classes;
    isSettled = new Uint8Array(classes.length).fill(1);
    for (let i = 0; i < open.length; i++) isSettled[open[i]!] = 0;
  }
}

/** In the place of a class, for types that were not looked at. */
const unseenMark = (classes: Classes): number => classes.length;
/** The same for those that are being looked at, and for those that lead to a circle. */
const openMark = (classes: Classes): number => classes.length + 1;

/** What is alone, or is not followed, cannot be told from anything. The number of all others is `unseen`. */
function settleAlone(start: Classes, leaves: Uint8Array): { classes: Classes; unseen: number } {
  const count = start.length;
  const sizes = new Uint32Array(count);
  for (let id = 0; id < count; id++) sizes[start[id]!]!++;
  const classes = new Uint32Array(count);
  const mark = unseenMark(classes);
  let unseen = 0;
  for (let id = 1; id < count; id++) {
    const known = start[id]!;
    const isSettled = leaves[id] !== 0 || sizes[known] === 1;
    classes[id] = isSettled ? known : mark;
    unseen += Number(!isSettled);
  }
  return { classes, unseen };
}

/** Gives classes to all that does not lead to a circle, depth first; marks the others as open. */
function settleAcyclic(graph: TypeGraph, start: Classes, classes: Classes, unseen: number): void {
  const { starts, refs } = graph;
  const signatures = new Signatures(graph, start, classes, unseen);
  const UNSEEN = unseenMark(classes);
  const OPEN = openMark(classes);
  /** From where the walk began to where it is: the types, which reference is next, whether one of those before led to an open type. */
  const path = new Uint32Array(unseen);
  const next = new Uint32Array(unseen);
  const isOpen = new Uint8Array(unseen);
  for (let root = 1; root < classes.length; root++) {
    if (classes[root] !== UNSEEN) continue;
    classes[root] = OPEN;
    path[0] = root;
    next[0] = starts[root]!;
    isOpen[0] = 0;
    for (let depth = 0; depth >= 0; ) {
      const id = path[depth]!;
      const end = starts[id + 1]!;
      let at = next[depth]!;
      for (; at < end; at++) {
        const found = classes[refs[at]!]!;
        if (found === UNSEEN) break;
        if (found === OPEN) isOpen[depth] = 1;
      }
      if (at < end) {
        // looked at again on the way back
        next[depth++] = at;
        const ref = refs[at]!;
        classes[ref] = OPEN;
        path[depth] = ref;
        next[depth] = starts[ref]!;
        isOpen[depth] = 0;
      } else {
        if (isOpen[depth] === 0) classes[id] = signatures.of(id);
        depth--;
      }
    }
  }
}

/** What is marked as open, ascending. @param bound  there are no more */
function openTypes(classes: Classes, bound: number): Uint32Array {
  const mark = openMark(classes);
  const open = new Uint32Array(bound);
  let count = 0;
  for (let id = 1; id < classes.length; id++) if (classes[id] === mark) open[count++] = id;
  return open.subarray(0, count);
}

/**
 * Gives classes to the types that {@link settleAcyclic} left open, by what is near: types in one class may still be different. `first` has the
 * class for each of `open`, `alone` is how many have one of their own; they are final when `isStable`.
 */
function settleByNeighbourhood(
  graph: TypeGraph,
  start: Classes,
  classes: Classes,
  open: Uint32Array,
): { first: Uint32Array; alone: number; isStable: boolean } {
  const hashes = hashNeighbourhoods(graph, start, classes, open);
  const alike = new Neighbourhoods(graph, start, classes, open.length, hashes);
  const first = new Uint32Array(open.length);
  for (let i = 0; i < open.length; i++) first[i] = alike.of(open[i]!);
  const sizes = new Uint32Array(classes.length);
  for (let i = 0; i < open.length; i++) sizes[first[i]!]!++;
  let alone = 0;
  for (let i = 0; i < open.length; i++) alone += Number(sizes[first[i]!] === 1);
  for (let i = 0; i < open.length; i++) classes[open[i]!] = first[i]!;
  let isStable = true;
  for (let i = 0; i < open.length && isStable; i++) isStable = alike.isSame(first[i]!, open[i]!);
  return { first, alone, isStable };
}

/** Types of one class at the start that refer to the same classes, as far as these are known. */
class Signatures extends Representatives {
  readonly #graph: TypeGraph;
  readonly #start: Classes;
  readonly #classes: Classes;

  /** @param count  of the types that will be asked for */
  constructor(graph: TypeGraph, start: Classes, classes: Classes, count: number) {
    super(count);
    this.#graph = graph;
    this.#start = start;
    this.#classes = classes;
  }

  /** The last reference is added as it is: neighbours that refer to neighbours stay neighbours. */
  protected hashOf(id: number): number {
    const { starts, refs } = this.#graph;
    const classes = this.#classes;
    const factor = this.key.factor;
    let hash = this.#start[id]!;
    for (let at = starts[id]!, end = starts[id + 1]!; at < end; at++) {
      hash = (Math.imul(hash, factor) + classes[refs[at]!]!) | 0;
    }
    return hash;
  }

  isSame(a: number, b: number): boolean {
    if (this.#start[a] !== this.#start[b]) return false;
    const { starts, refs } = this.#graph;
    const classes = this.#classes;
    for (let i = starts[a]!, j = starts[b]!, end = starts[a + 1]!; i < end; i++, j++) {
      if (classes[refs[i]!] !== classes[refs[j]!]) return false;
    }
    return true;
  }
}

/** The same, for types whose surroundings have hashes. */
class Neighbourhoods extends Signatures {
  readonly #hashes: Int32Array;

  constructor(graph: TypeGraph, start: Classes, classes: Classes, count: number, hashes: Int32Array) {
    super(graph, start, classes, count);
    this.#hashes = hashes;
  }

  protected override hashOf(id: number): number {
    return this.#hashes[id]!;
  }

  override isSame(a: number, b: number): boolean {
    return this.#hashes[a] === this.#hashes[b] && super.isSame(a, b);
  }
}

/** The same classes, each under the lowest id of its types. */
function byLowestId(classes: Classes): Classes {
  const lowest = new Uint32Array(classes.length);
  const numbered = new Uint32Array(classes.length);
  for (let id = 1; id < classes.length; id++) {
    const old = classes[id]!;
    if (lowest[old] === 0) lowest[old] = id;
    numbered[id] = lowest[old]!;
  }
  return numbered;
}

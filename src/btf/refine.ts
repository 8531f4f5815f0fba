/** Partition refinement over a graph of types: which nodes cannot be told from each other, however far one follows their references. */
import { MalformedError } from '../core/errors.ts';
import type { TypeGraph } from './words.ts';

/** For each type the id of its class: the lowest id of all types that are the same. */
export type Classes = Uint32Array;

/** Looks at types and references, for each one that there is; kernels take 2. */
const MAX_VISITS = 10;
/** Small tables may have more. */
const ALWAYS_ALLOWED_VISITS = 4_000_000;

/**
 * Splits classes until all types of one refer to the same classes, place for place; the references of `leaves` do not count.
 *
 * After a first round only those are looked at that refer to a type whose class was given another number: of a class, those that need no
 * second look stay together, and none of the others is like them.
 * @throws {MalformedError} `BTF_TOO_DEEP` when that takes far longer than with the types of any compiler
 */
export function refine(graph: TypeGraph, start: Classes, leaves: Uint8Array): Classes {
  const { starts, refs } = graph;
  const count = start.length;
  const classes = start.slice();
  const hashOf = (id: number): number => {
    let hash = mix(0, classes[id]!);
    for (let i = starts[id]!, end = starts[id + 1]!; i < end; i++) hash = mix(hash, classes[refs[i]!]!);
    return hash;
  };
  const same = (a: number, b: number): boolean => {
    if (classes[a] !== classes[b]) return false;
    for (let i = starts[a]!, j = starts[b]!, end = starts[a + 1]!; i < end; i++, j++) {
      if (classes[refs[i]!] !== classes[refs[j]!]) return false;
    }
    return true;
  };
  // what is alone, or is not followed, cannot be told from anything
  const sizes = new Uint32Array(2 * count);
  for (let id = 0; id < count; id++) sizes[start[id]!]!++;
  const canSplit = new Uint8Array(count);
  let changed = new Uint32Array(count);
  let changedCount = 0;
  for (let id = 1; id < count; id++) {
    if (leaves[id] !== 0 || sizes[start[id]!] === 1) continue;
    canSplit[id] = 1;
    changed[changedCount++] = id;
  }
  if (changedCount === 0) return classes;
  const groups = new Groups(classes, sizes);
  changedCount = groups.split(changed, changedCount, hashOf, same);
  if (changedCount === 0) return groups.numbered();

  const referrers = referrersOf(graph, canSplit);
  let affected = new Uint32Array(count);
  const seenIn = new Uint32Array(count);
  const maxVisits = Math.max(ALWAYS_ALLOWED_VISITS, MAX_VISITS * (count + refs.length));
  let visits = 0;
  for (let round = 1; changedCount > 0; round++) {
    let affectedCount = 0;
    for (let i = 0; i < changedCount; i++) {
      const id = changed[i]!;
      for (let at = referrers.starts[id]!, end = referrers.starts[id + 1]!; at < end; at++) {
        const referrer = referrers.refs[at]!;
        if (seenIn[referrer] === round || groups.isAlone(referrer)) continue;
        seenIn[referrer] = round;
        affected[affectedCount++] = referrer;
        visits += 1 + starts[referrer + 1]! - starts[referrer]!;
      }
    }
    if (visits > maxVisits) {
      throw new MalformedError('BTF_TOO_DEEP', `types differ only beyond ${round} references in a row`, {
        details: { types: count, rounds: round },
      });
    }
    changedCount = groups.split(affected, affectedCount, hashOf, same);
    // what was split off stands at the front
    [changed, affected] = [affected, changed];
  }
  return groups.numbered();
}

/** Classes under numbers that stay with the larger part when a class is split. */
class Groups {
  /** Number of each type's class. */
  readonly #classes: Classes;
  /** By number: how many types. */
  readonly #sizes: Uint32Array;
  #next: number;
  /** By number: how many types of the class are looked at; for the first of each group how many are like it. */
  readonly #looked: Uint32Array;
  readonly #alike: Uint32Array;
  /** By number: the first of the group that keeps it. */
  readonly #keeper: Uint32Array;
  /** The first of each type's group. */
  readonly #first: Uint32Array;
  readonly #renamed: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #used: Uint32Array;

  /** Takes both over. @param sizes  of the classes by number, with room for twice as many as there are types */
  constructor(classes: Classes, sizes: Uint32Array) {
    const count = classes.length;
    this.#classes = classes;
    this.#sizes = sizes;
    this.#next = count;
    this.#looked = new Uint32Array(2 * count);
    this.#alike = new Uint32Array(count);
    this.#keeper = new Uint32Array(2 * count);
    this.#first = new Uint32Array(count);
    this.#renamed = new Uint32Array(count);
    this.#slots = new Uint32Array(tableSize(count));
    this.#used = new Uint32Array(count);
  }

  /** Whether no other type is of the same class. */
  isAlone(id: number): boolean {
    return this.#sizes[this.#classes[id]!] === 1;
  }

  /**
   * Groups the first `count` of `types`, none of which is alone, and gives the groups that leave their class a number.
   * @returns how many types have another number now; they stand at the front of `types`
   */
  split(
    types: Uint32Array,
    count: number,
    hashOf: (id: number) => number,
    same: (a: number, b: number) => boolean,
  ): number {
    const classes = this.#classes;
    if (count === 1) {
      // the others of its class are as they were
      this.#move(types[0]!, this.#next++);
      return 1;
    }
    const slots = this.#slots;
    const mask = slots.length - 1;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const id = types[i]!;
      let slot = slotOf(hashOf(id), mask);
      while (slots[slot] !== 0 && !same(slots[slot]!, id)) slot = (slot + 1) & mask;
      if (slots[slot] === 0) {
        slots[slot] = id;
        this.#used[used++] = slot;
        this.#alike[id] = 0;
      }
      const first = slots[slot]!;
      this.#first[id] = first;
      this.#alike[first]!++;
      this.#looked[classes[id]!]!++;
    }
    this.#chooseKeepers(used);
    let moved = 0;
    for (let i = 0; i < used; i++) {
      const first = slots[this.#used[i]!]!;
      this.#renamed[first] = this.#keeper[classes[first]!] === first ? 0 : this.#next++;
    }
    for (let i = 0; i < used; i++) {
      const slot = this.#used[i]!;
      const number = classes[slots[slot]!]!;
      this.#looked[number] = 0;
      this.#keeper[number] = 0;
      slots[slot] = 0;
    }
    for (let i = 0; i < count; i++) {
      const id = types[i]!;
      const number = this.#renamed[this.#first[id]!]!;
      if (number === 0) continue;
      this.#move(id, number);
      types[moved++] = id;
    }
    return moved;
  }

  /** Where all of a class was looked at, its largest group keeps the number; else those that were not. */
  #chooseKeepers(used: number): void {
    for (let i = 0; i < used; i++) {
      const first = this.#slots[this.#used[i]!]!;
      const number = this.#classes[first]!;
      if (this.#looked[number] !== this.#sizes[number]) continue;
      const best = this.#keeper[number]!;
      if (best === 0 || this.#alike[best]! < this.#alike[first]!) this.#keeper[number] = first;
    }
  }

  #move(id: number, number: number): void {
    this.#sizes[this.#classes[id]!]!--;
    this.#sizes[number]!++;
    this.#classes[id] = number;
  }

  /** The classes, each under the lowest id of its types. */
  numbered(): Classes {
    const lowest = this.#sizes.fill(0);
    return this.#classes.map((number, id) => {
      if (lowest[number] === 0) lowest[number] = id;
      return lowest[number]!;
    });
  }
}

/** Which of the types `among` refer to each type. */
function referrersOf({ starts, refs }: TypeGraph, among: Uint8Array): TypeGraph {
  const count = starts.length - 1;
  // one place ahead, so that filling moves each start to where it belongs
  const places = new Uint32Array(count + 2);
  for (let id = 1; id < count; id++) {
    if (among[id] === 0) continue;
    for (let i = starts[id]!, end = starts[id + 1]!; i < end; i++) places[refs[i]! + 2]!++;
  }
  for (let id = 2; id < places.length; id++) places[id]! += places[id - 1]!;
  const referrers = new Uint32Array(places[count + 1]!);
  for (let id = 1; id < count; id++) {
    if (among[id] === 0) continue;
    for (let i = starts[id]!, end = starts[id + 1]!; i < end; i++) referrers[places[refs[i]! + 1]!++] = id;
  }
  return { starts: places, refs: referrers };
}

/** Groups ids that are the same; each gets the lowest id of its group. Id 0, void, is alone. */
export function classify(
  count: number,
  hashOf: (id: number) => number,
  same: (a: number, b: number) => boolean,
): Classes {
  const slots = new Uint32Array(tableSize(count));
  const mask = slots.length - 1;
  const classes = new Uint32Array(count);
  for (let id = 1; id < count; id++) {
    let slot = slotOf(hashOf(id), mask);
    while (slots[slot] !== 0 && !same(slots[slot]!, id)) slot = (slot + 1) & mask;
    if (slots[slot] === 0) slots[slot] = id;
    classes[id] = slots[slot]!;
  }
  return classes;
}

function tableSize(count: number): number {
  let size = 1024;
  while (size < count * 2) size *= 2;
  return size;
}

function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}

export function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 16);
}

/** Sets of numbers that are only ever split, in time proportional to what was marked in them. */

/** What is known of a member: the place where it stands, its set. */
const MEMBER = { place: 0, set: 1, words: 2 } as const;
/** What is known of a set: the places of its members start and end here; how many of the first are marked. */
const SET = { start: 0, end: 1, marked: 2, words: 4 } as const;

/**
 * Every number below some bound is in one set; sets are numbered from 0 without gaps. What belongs together is side by side in memory: the
 * time goes into waiting for it.
 */
export class Partition {
  /** The members of each set side by side, marked ones first. */
  readonly #order: Uint32Array;
  readonly #members: Uint32Array;
  readonly #sets: Uint32Array;
  /** The sets that have marked members. */
  readonly #touched: Uint32Array;
  #touchedCount = 0;
  #count = 0;

  /** One set for each label that occurs, in the order of labels. @param labels  by member, each below `bound` */
  constructor(labels: Uint32Array, bound: number) {
    const size = labels.length;
    this.#order = new Uint32Array(size);
    this.#members = new Uint32Array(size * MEMBER.words);
    this.#sets = new Uint32Array(size * SET.words);
    this.#touched = new Uint32Array(size);
    const sizes = new Uint32Array(bound);
    for (let member = 0; member < size; member++) sizes[labels[member]!]!++;
    const setOfLabel = new Uint32Array(bound);
    for (let label = 0, place = 0; label < bound; label++) {
      if (sizes[label] === 0) continue;
      setOfLabel[label] = this.#count;
      this.#put(this.#count++, place, place);
      place += sizes[label]!;
    }
    for (let member = 0; member < size; member++) {
      const set = setOfLabel[labels[member]!]!;
      const place = this.#sets[set * SET.words + SET.end]!++;
      this.#order[place] = member;
      this.#members[member * MEMBER.words + MEMBER.place] = place;
      this.#members[member * MEMBER.words + MEMBER.set] = set;
    }
  }

  /** Number of sets. */
  get count(): number {
    return this.#count;
  }

  setOf(member: number): number {
    return this.#members[member * MEMBER.words + MEMBER.set]!;
  }

  /** Whether there is nothing else in its set. */
  isAlone(member: number): boolean {
    const set = this.setOf(member);
    return this.endOf(set) - this.startOf(set) === 1;
  }

  /** The members of a set are those at the places from its start up to its end; which one stands where changes with {@link mark}. */
  startOf(set: number): number {
    return this.#sets[set * SET.words + SET.start]!;
  }

  endOf(set: number): number {
    return this.#sets[set * SET.words + SET.end]!;
  }

  memberAt(place: number): number {
    return this.#order[place]!;
  }

  /** For the next {@link split}; at most once for each member. */
  mark(member: number): void {
    const members = this.#members;
    const sets = this.#sets;
    const set = members[member * MEMBER.words + MEMBER.set]!;
    const at = set * SET.words;
    const start = sets[at + SET.start]!;
    // nothing to be separated from
    if (sets[at + SET.end]! - start === 1) return;
    const marked = sets[at + SET.marked]!++;
    if (marked === 0) this.#touched[this.#touchedCount++] = set;
    const from = members[member * MEMBER.words + MEMBER.place]!;
    const to = start + marked;
    const other = this.#order[to]!;
    this.#order[from] = other;
    members[other * MEMBER.words + MEMBER.place] = from;
    this.#order[to] = member;
    members[member * MEMBER.words + MEMBER.place] = to;
  }

  /** Separates what is marked from the rest of its set; the smaller part becomes a new set. Nothing is marked then. */
  split(): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const set = this.#touched[i]!;
      const start = this.startOf(set);
      const end = this.endOf(set);
      const middle = start + this.#sets[set * SET.words + SET.marked]!;
      this.#sets[set * SET.words + SET.marked] = 0;
      if (middle === end) continue;
      const added = this.#count++;
      if (middle - start <= end - middle) {
        this.#put(added, start, middle);
        this.#put(set, middle, end);
      } else {
        this.#put(set, start, middle);
        this.#put(added, middle, end);
      }
      for (let place = this.startOf(added), last = this.endOf(added); place < last; place++) {
        this.#members[this.#order[place]! * MEMBER.words + MEMBER.set] = added;
      }
    }
    this.#touchedCount = 0;
  }

  #put(set: number, start: number, end: number): void {
    this.#sets[set * SET.words + SET.start] = start;
    this.#sets[set * SET.words + SET.end] = end;
  }
}

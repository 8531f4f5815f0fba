/** Classes of types, and a table that finds the first of each class. */
import { HashKey } from '../core/hash-key.ts';

/** For each type the id of its class: the lowest id of all types that are the same. */
export type Classes = Uint32Array;

/** A hash table of ids, of which one is kept of all that are the same; what that means is up to the subclass. Id 0 cannot be in it. */
export abstract class Representatives {
  protected readonly key: HashKey = new HashKey();
  /** Open addressing; 0 = free. */
  readonly #slots: Uint32Array;

  /** @param count  of ids at most */
  constructor(count: number) {
    let size = 1024;
    while (size < count * 2) size *= 2;
    this.#slots = new Uint32Array(size);
  }

  protected abstract hashOf(id: number): number;
  abstract isSame(a: number, b: number): boolean;

  /** The first id asked for that is the same as this one. */
  of(id: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.hashOf(id);
    let slot = hash & mask;
    // hashes may come in runs, which is kind to the processor's caches: what finds its slot taken goes far away
    for (let step = 0; slots[slot] !== 0 && !this.isSame(slots[slot]!, id); slot = (slot + step) & mask) {
      if (step === 0) step = this.key.word(hash, 1) | 1;
    }
    if (slots[slot] === 0) slots[slot] = id;
    return slots[slot]!;
  }
}

/** String sections in the making, and strings that move from one to another. Works on bytes; text is only encoded on the way in. */
import { NameBudget } from '../core/bytes.ts';
import { HashKey } from '../core/hash-key.ts';

/**
 * A string section in the making: each string is stored once, at the offset of its first mention, so the same strings in the
 * same order give the same bytes.
 */
export class StringTable {
  #bytes = new Uint8Array(1 << 12);
  /** In bytes; offset 0 is the empty string. */
  #length = 1;
  readonly #key = new HashKey();
  /** Open addressing: offset of the string in the slot, 0 = free; and its hash. */
  #slots = new Uint32Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  #used = 0;

  /** @param base  a string section that this one continues: offsets go on after it, and what is in there is not stored again */
  constructor(base?: Uint8Array) {
    if (base === undefined) return;
    this.#bytes = new Uint8Array(Math.max(1 << 12, base.length * 2));
    this.#bytes.set(base);
    this.#length = base.length;
    for (let at = 1, end: number; at < base.length; at = end + 1) {
      end = base.indexOf(0, at);
      if (end === at) continue;
      const hash = this.#key.bytes(base, at, end);
      const slot = this.#slotOf(hash, base, at, end);
      if (this.#slots[slot] === 0) this.#claim(slot, hash, at);
    }
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * The offset of `text`, added when it is new.
   * @throws {RangeError} `text` holds a NUL character.
   */
  add(text: string): number {
    if (text === '') return 0;
    if (text.includes('\0')) throw new RangeError(`a BTF name cannot hold a NUL character: ${JSON.stringify(text)}`);
    const bytes = Buffer.from(text);
    return this.#intern(bytes, 0, bytes.length);
  }

  /** The offset of the NUL-terminated string at `start` of another section, added when it is new. */
  addFrom(section: Uint8Array, start: number, budget: NameBudget): number {
    if (section[start] === 0) return 0;
    let end = start + 1;
    while (section[end] !== 0) end++;
    budget.spend(end - start);
    return this.#intern(section, start, end);
  }

  /** The section so far: a copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #intern(from: Uint8Array, start: number, end: number): number {
    const hash = this.#key.bytes(from, start, end);
    const slot = this.#slotOf(hash, from, start, end);
    const known = this.#slots[slot]!;
    if (known !== 0) return known;
    const offset = this.#length;
    const needed = offset + end - start + 1;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(needed * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let i = start; i < end; i++) this.#bytes[offset + i - start] = from[i]!;
    this.#length = needed;
    this.#claim(slot, hash, offset);
    return offset;
  }

  /** The slot that holds the string, or the free one where it belongs. */
  #slotOf(hash: number, from: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0 && (this.#hashes[slot] !== hash || !this.#isAt(slots[slot]!, from, start, end))) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #isAt(offset: number, from: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes;
    let at = offset;
    for (let i = start; i < end; i++) if (bytes[at++] !== from[i]) return false;
    return bytes[at] === 0;
  }

  #claim(slot: number, hash: number, offset: number): void {
    this.#slots[slot] = offset;
    this.#hashes[slot] = hash;
    if (++this.#used * 2 > this.#slots.length) this.#grow();
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length * 2 - 1;
    this.#slots = new Uint32Array(mask + 1);
    this.#hashes = new Int32Array(mask + 1);
    for (let old = 0; old < slots.length; old++) {
      if (slots[old] === 0) continue;
      let slot = hashes[old]! & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = slots[old]!;
      this.#hashes[slot] = hashes[old]!;
    }
  }
}

/** The strings of one section on their way into another, each place once. */
export class MovedStrings {
  readonly #from: Uint8Array;
  readonly #to: StringTable;
  /** By offset in the old section: the new one + 1. */
  readonly #moved: Uint32Array;
  readonly #budget: NameBudget;

  constructor(from: Uint8Array, to: StringTable) {
    this.#from = from;
    this.#to = to;
    this.#moved = new Uint32Array(from.length);
    this.#budget = new NameBudget(from.length, 'BTF', 'BTF_BAD_NAME');
  }

  /**
   * The new offset of the string at `offset`.
   * @throws {MalformedError} `BTF_BAD_NAME` when the strings so far cannot be those of a real table: see {@link NameBudget}
   */
  move(offset: number): number {
    if (offset === 0) return 0;
    const known = this.#moved[offset]!;
    if (known !== 0) return known - 1;
    const moved = this.#to.addFrom(this.#from, offset, this.#budget);
    this.#moved[offset] = moved + 1;
    return moved;
  }
}

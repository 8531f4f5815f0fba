/**
 * A string section in the making: each string is stored once, at the offset of its first mention, so the same strings in the
 * same order give the same bytes. Works on bytes; text is only encoded on the way in.
 */
export class StringTable {
  #bytes = new Uint8Array(1 << 12);
  /** In bytes; offset 0 is the empty string. */
  #length = 1;
  /** Open addressing: offset of the string in the slot, 0 = free. */
  #slots = new Uint32Array(1 << 10);
  #used = 0;

  /** @param base  a string section that this one continues: offsets go on after it, and what is in there is not stored again */
  constructor(base?: Uint8Array) {
    if (base === undefined) return;
    this.#bytes = new Uint8Array(Math.max(1 << 12, base.length * 2));
    this.#bytes.set(base);
    this.#length = base.length;
    for (let at = 1, end: number; at < base.length; at = end + 1) {
      end = base.indexOf(0, at);
      if (end > at) this.#claim(this.#slotOf(base, at, end), at);
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
  addFrom(section: Uint8Array, start: number): number {
    if (section[start] === 0) return 0;
    let end = start + 1;
    while (section[end] !== 0) end++;
    return this.#intern(section, start, end);
  }

  /** The section so far: a copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #intern(from: Uint8Array, start: number, end: number): number {
    const slot = this.#slotOf(from, start, end);
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
    this.#claim(slot, offset);
    return offset;
  }

  /** The slot that holds the string, or the free one where it belongs. */
  #slotOf(from: Uint8Array, start: number, end: number): number {
    const bytes = this.#bytes;
    const mask = this.#slots.length - 1;
    let slot = hashBytes(from, start, end) & mask;
    for (let offset = this.#slots[slot]!; offset !== 0; offset = this.#slots[slot]!) {
      let i = start;
      let at = offset;
      while (i < end && bytes[at] === from[i]) {
        i++;
        at++;
      }
      if (i === end && bytes[at] === 0) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #claim(slot: number, offset: number): void {
    if (this.#slots[slot] !== 0) return;
    this.#slots[slot] = offset;
    if (++this.#used * 2 > this.#slots.length) this.#grow();
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    const mask = this.#slots.length - 1;
    for (const offset of old) {
      if (offset === 0) continue;
      let slot = hashBytes(this.#bytes, offset, this.#bytes.indexOf(0, offset)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = offset;
    }
  }
}

/** FNV-1a, its high bits folded in. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
